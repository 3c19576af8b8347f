"""The options of ``clocker run`` that say how a container ends, and what is done when it fails."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from clocker.model import Healing

_SIGNAL = re.compile(r"(SIG)?[A-Z][A-Z0-9+-]{1,12}|[1-9]\d?")

OPTIONS = (
    click.option(
        "--stop-signal", metavar="SIGNAL", help="What tells it to end (default: the image's)."
    ),
    click.option(
        "--stop-grace",
        default="10s",
        metavar="TIME",
        show_default=True,
        help="Then it has so long to end by itself.",
    ),
    click.option(
        "--heal-attempts",
        type=click.IntRange(min=0),
        help="Restarts in a row by heal; 0: none (default: healing.attempts).",
    ),
    click.option("--no-replace", is_flag=True, help="Not made anew when its host is lost."),
    click.option(
        "--priority", type=int, default=0, show_default=True, help="The highest is healed first."
    ),
    click.option(
        "--restart-with", multiple=True, metavar="NAME", help="Restarted when heal restarts NAME."
    ),
)


def healing_of(given: dict[str, Any]) -> Healing:
    from clocker.cli.request_options import dependency
    from clocker.model import Healing

    return Healing(
        attempts=given["heal_attempts"],
        replace=not given["no_replace"],
        priority=given["priority"],
        restart_with=tuple(map(dependency, given["restart_with"])),
    )


def stop_signal_of(given: dict[str, Any]) -> str | None:
    from clocker.errors import BadInput

    text: str | None = given["stop_signal"]
    if text is None or _SIGNAL.fullmatch(text.upper()):
        return text and text.upper()
    raise BadInput(
        f"{text!r} is no signal", where="--stop-signal", remedy="such as SIGINT, TERM or 15"
    )
