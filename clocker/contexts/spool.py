"""Contents on disk, in one file without a name: nothing of them is left, however this ends."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Self, cast

from clocker.contexts.limits import Limits
from clocker.contexts.tree import Unsafe
from clocker.errors import InfrastructureError

_CHUNK = 256 * 1024


def write(file: BinaryIO, data: bytes) -> None:
    """All of it, at once: nothing waits to fail later."""
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as error:
        raise _disk_failed(error) from error


def temporary() -> BinaryIO:
    """Without a name: nobody finds it, and it is gone with whoever has it open."""
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0, prefix="clocker-context-"))


class Spool:
    """``limits.unpacked_bytes``: of all that is put into it."""

    def __init__(self, limits: Limits) -> None:
        self._file = temporary()
        self._most = limits.unpacked_bytes
        self._size = 0

    def put(self, pieces: Iterable[bytes]) -> tuple[int, Callable[[], Iterator[bytes]]]:
        """The size, and how to read it again."""
        start = self._size
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._most:
                raise Unsafe(f"there is more than {self._most // 2**20} MiB of files")
            write(self._file, piece)
        size = self._size - start
        return size, lambda: self._read(start, size)

    def _read(self, start: int, size: int) -> Iterator[bytes]:
        end = start + size
        while start < end:
            piece = os.pread(self._file.fileno(), min(_CHUNK, end - start), start)
            start += len(piece)
            yield piece

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _disk_failed(error: OSError) -> InfrastructureError:
    return InfrastructureError(
        f"the context does not fit on this machine's disk: {error.strerror}",
        where=tempfile.gettempdir(),
        remedy="make room there, or let TMPDIR name another folder",
    )
