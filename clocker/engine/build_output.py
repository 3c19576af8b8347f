"""What an engine says while it builds: lines for people, and what it makes on the way. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

_TAIL_LINES = 20
_LONGEST_LINE = 16 * 1024

_STEP = re.compile(r"Step \d+/\d+ : (\w+)")
_CACHED = " ---> Using cache"
_CONTAINER = re.compile(r" ---> Running in ([0-9a-f]{12,64})")
_IMAGE = re.compile(r" ---> ([0-9a-f]{12,64})")


class BuildOutput:
    """``images``: those that this build has made, the oldest first. ``containers``: in which its
    steps ran. A step's own words may look the same: neither is more than a hint. ``since``: when
    it began, by the engine's clock. ``complaint``: the message by which it failed."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self.images: list[str] = []
        self.containers: list[str] = []
        self.since: datetime | None = None
        self.complaint: Mapping[str, Any] | None = None
        self._on_line = on_line
        self._partial = ""
        self._given = False

    def began(self, when: datetime) -> None:
        self.since = when

    def add(self, message: Mapping[str, Any]) -> None:
        if "error" in message:
            self.complaint = message
        elif "stream" in message:
            self._text(str(message["stream"]))
        elif "status" in message and "progress" not in message:
            of = f"{message['id']}: " if message.get("id") else ""
            self._text(f"{of}{message['status']}\n")

    @property
    def complete(self) -> bool:
        """Whether it was heard to its good end: a connection may be lost in the middle."""
        return bool(self.tail) and self.tail[-1].startswith("Successfully tagged ")

    def hush(self) -> None:
        """From here on nobody is told; what is said is still learned from."""
        self._on_line = None

    def ended(self) -> None:
        if self._partial:
            self._text("\n")

    def _text(self, text: str) -> None:
        *lines, self._partial = (self._partial + text).split("\n")
        if len(self._partial) > _LONGEST_LINE:
            lines, self._partial = [*lines, self._partial], ""
        for line in lines:
            self._line(line.rstrip("\r"))

    def _line(self, line: str) -> None:
        if not line.strip():
            return
        self._learn(line)
        self.tail.append(line)
        if self._on_line:
            self._on_line(line)

    def _learn(self, line: str) -> None:
        if step := _STEP.match(line):
            self._given = step[1].upper() == "FROM"
        elif line == _CACHED:
            self._given = True
        elif container := _CONTAINER.fullmatch(line):
            self.containers.append(container[1])
        elif (image := _IMAGE.fullmatch(line)) and not self._given:
            self.images.append(image[1])
