"""Sends real packets over a network, from a host and the containers on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker.interfaces import Shell
from clocker.network import verbs
from clocker.templating import render


@dataclass(frozen=True, slots=True)
class Probe:
    """``pid``: of the container that sends, 0 for the host. ``mtu``: the largest size to try."""

    source: str
    target: str
    mtu: int
    pid: int = 0


def send(shell: Shell, probes: Sequence[Probe]) -> list[int | None]:
    """For each probe the largest packet, up to its MTU, that got through whole; None: not even
    small ones did."""
    if not probes:
        return []
    lines = [f"{n} {p.pid:d} {p.source} {p.target} {p.mtu:d}\n" for n, p in enumerate(probes)]
    script = render("network/probe.sh.j2", {"probes": "".join(lines)})
    said = verbs.run(shell, "sh -s", "sending packets", stdin=script)
    found: list[int | None] = [None] * len(probes)
    for line in said.splitlines():
        words = line.split()
        if len(words) == 3 and words[1] == "reached" and int(words[0]) < len(probes):
            found[int(words[0])] = int(words[2])
    return found
