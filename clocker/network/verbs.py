"""Runs what the bootstrap left on a host, and makes errors of what it says."""

from __future__ import annotations

from clocker.errors import CommandFailed
from clocker.interfaces import Shell
from clocker.model import LinkStatus
from clocker.network.layout import Layout
from clocker.templating import MARK

_TIMEOUT_S = 120.0
_TAIL_LINES = 12


def run(shell: Shell, command: str, doing: str, *, stdin: str = "") -> str:
    """Run ``command`` with ``stdin``; CommandFailed carries the host's own sentence."""
    result = shell.run(command, stdin=stdin.encode(), timeout_s=_TIMEOUT_S)
    if result.ok:
        return result.text
    output = result.text + result.stderr.decode(errors="replace")
    lines = [line for line in output.splitlines() if line.strip()]
    said = {
        word: line.removeprefix(f"{MARK} {word} ")
        for line in lines
        for word in ("error", "remedy")
        if line.startswith(f"{MARK} {word} ")
    }
    raise CommandFailed(
        f"{doing} failed: {said.get('error', f'exit status {result.status}')}",
        status=result.status,
        tail="\n".join([line for line in lines if not line.startswith(MARK)][-_TAIL_LINES:]),
        remedy=said.get("remedy"),
    )


def step_name(step: str, layout: Layout) -> str:
    return step if layout.is_default else f"{step}-{layout.net}"


def net_line(layout: Layout, subnet: str, gateway: str) -> str:
    """What a host knows of one of its networks: name, subnet, own address, bridge, zone."""
    return f"{layout.net} {subnet} {gateway} {layout.bridge} {layout.zone}\n"


def link_status(driver: str, said: str) -> LinkStatus:
    """Of the lines ``mtu N``, ``device_mtu N``, ``encryption WORD`` and ``peer ADDRESS``."""
    words = [line.split() for line in said.splitlines()]
    facts = {word[0]: word[1] for word in words if len(word) == 2}
    return LinkStatus(
        driver,
        mtu=_number(facts.get("mtu")),
        device_mtu=_number(facts.get("device_mtu")),
        encryption=facts.get("encryption", "none"),
        peers=tuple(sorted(word[1] for word in words if len(word) == 2 and word[0] == "peer")),
    )


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
