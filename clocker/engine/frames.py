"""The engine's frames, in which the two outputs of a command share one stream."""

from __future__ import annotations

import struct
from collections.abc import Iterator

STDERR = 2
_HEADER = 8


class Frames:
    """Bytes in, (stream, payload) out; a frame may come in any number of pieces."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        self._pending += data
        while len(self._pending) >= _HEADER:
            stream, length = struct.unpack(">BxxxL", self._pending[:_HEADER])
            if len(self._pending) < _HEADER + length:
                return
            yield stream, bytes(self._pending[_HEADER : _HEADER + length])
            del self._pending[: _HEADER + length]
