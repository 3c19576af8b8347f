"""What the bootstrap script says while it runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from clocker.model import Resources
from clocker.templating import MARK

_TAIL_LINES = 20
_WIREGUARD_KEY = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True, slots=True)
class Marker:
    """``verb``: begin, done, skip, fact, error or remedy. ``about``: a step's or fact's name,
    empty for error and remedy."""

    verb: str
    about: str
    text: str = ""


def parse(line: str) -> Marker | None:
    """The marker that a line of output is, or None for output that is only output."""
    mark, _, rest = line.strip().partition(" ")
    verb, _, rest = rest.partition(" ")
    if mark != MARK:
        return None
    if verb in ("error", "remedy"):
        return Marker(verb, "", rest)
    about, _, text = rest.partition(" ")
    return Marker(verb, about, text) if verb in ("begin", "done", "skip", "fact") else None


@dataclass(slots=True)
class Transcript:
    """Follows a script line by line; ``on_marker`` hears of each marker as it comes."""

    on_marker: Callable[[Marker], None]
    step: str = "start"
    error: str | None = None
    remedy: str | None = None
    facts: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def hear(self, line: str) -> None:
        marker = parse(line)
        if marker is None:
            self._keep(line)
            return
        if marker.verb == "begin":
            self.step = marker.about
            self.lines.clear()
        elif marker.verb == "fact":
            self.facts[marker.about] = marker.text
        elif marker.verb == "error":
            self.error = self.error or marker.text
        elif marker.verb == "remedy":
            self.remedy = self.remedy or marker.text
        self.on_marker(marker)

    @property
    def tail(self) -> str:
        return "\n".join(self.lines)

    def _keep(self, line: str) -> None:
        if line.strip():
            self.lines.append(line.rstrip())
            del self.lines[:-_TAIL_LINES]


def resources(facts: dict[str, str]) -> Resources | None:
    """What containers may book, if the host has measured it."""
    try:
        return Resources(float(facts["cores"]), int(facts["ram_mb"]), int(facts["disk_mb"]))
    except (KeyError, ValueError):
        return None


def tunnel_key(facts: dict[str, str]) -> str | None:
    """The host's own public key, if it has one. A host says what it likes: nothing but a key
    gets through to the others."""
    key = facts.get("tunnel_key", "")
    return key if _WIREGUARD_KEY.fullmatch(key) else None
