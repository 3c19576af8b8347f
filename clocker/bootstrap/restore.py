"""Undoes on a machine that stays its owner's what the bootstrap changed of its engine."""

from __future__ import annotations

from clocker.errors import CommandFailed
from clocker.interfaces import Shell
from clocker.network.layout import LOCK
from clocker.templating import render

_TIMEOUT_S = 180.0


def restore(shell: Shell) -> None:
    """The engine stays, with the options that it had. Containers must be gone by then."""
    script = render("bootstrap/restore.sh.j2", {"lock": LOCK})
    result = shell.run("sh -s", stdin=script.encode(), timeout_s=_TIMEOUT_S)
    if not result.ok:
        tail = (result.stdout + result.stderr).decode(errors="replace").strip()[-500:]
        raise CommandFailed(
            "the engine cannot be given its owner's options back", status=result.status, tail=tail
        )
