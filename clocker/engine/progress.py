"""What an engine tells of a transfer while it lasts, as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

_STEPS = 4  # lines per layer that is on its way
_ON_THE_WAY = ("Pushing", "Downloading")
# Told of a layer once the registry has answered.
_ANSWERED = (*_ON_THE_WAY, "Preparing", "Waiting", "Pulling fs layer", "Retrying")


class TransferLines:
    """A line for what is new, where the engine tells every few kilobytes. ``begun``: the
    registry has answered, and the layers' turn has come."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        self._on_line = on_line
        self._last: dict[str, str] = {}
        self.begun = False

    def hear(self, message: Mapping[str, Any]) -> None:
        status = str(message.get("status", "")).strip()
        if not status:
            return
        self.begun = self.begun or status.startswith(_ANSWERED)
        layer = str(message.get("id", ""))
        line = f"{layer}: {status}" if layer else status
        line += _share(message.get("progressDetail") or {}) if status in _ON_THE_WAY else ""
        if self._on_line and self._last.get(layer) != line:
            self._on_line(line)
        self._last[layer] = line


def _share(detail: Mapping[str, Any]) -> str:
    current, total = int(detail.get("current") or 0), int(detail.get("total") or 0)
    if not total:
        return ""
    done = min(_STEPS, _STEPS * current // total)
    return f" {done * 100 // _STEPS} %"
