"""Reads what is compressed, within bounds: so much memory, so much in all, and not too many times
what was there."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

from clocker.contexts.limits import MIB, Limits
from clocker.contexts.tree import Unsafe

_CHUNK = 64 * 1024
_LZMA_MEMORY = 256 * MIB


class _Gzip:
    """As the others are used."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, most: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, most)


MAGIC: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": _Gzip,
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY),
}


class Ratio:
    """Counts what goes in and comes out. ``Unsafe`` for what no honest archive does."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.taken = self.given = 0

    def check(self, given: int) -> None:
        self.given += given
        # The bytes themselves are bounded too; headers, which are not kept, only by this.
        if self.given > self._limits.unpacked_bytes + self._limits.ratio_from_bytes:
            raise Unsafe(f"it unpacks to more than {self._limits.unpacked_bytes // MIB} MiB")
        allowed = max(self.taken * self._limits.ratio, self._limits.ratio_from_bytes)
        if self.given > allowed:
            raise Unsafe(
                f"it unpacks to more than {self._limits.ratio} times its size, like a bomb"
            )


class Inflated(io.RawIOBase):
    """The plain bytes of ``file``, which is compressed as ``magic`` says; several streams after
    each other are one, as in the tools."""

    def __init__(self, file: BinaryIO, magic: bytes, limits: Limits) -> None:
        self._file, self._new = file, MAGIC[magic]
        self._one = self._new()
        self._rest = b""
        self._ratio = Ratio(limits)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _next(self, most: int) -> bytes:
        while True:
            if self._one.eof and not self._begin_next():
                return b""
            if self._one.needs_input and not self._rest:
                self._rest = self._file.read(_CHUNK)
                self._ratio.taken += len(self._rest)
                if not self._rest:
                    raise EOFError("it is cut short")
            given, self._rest = self._rest, b""
            data: bytes = self._one.decompress(given, most)
            if data:
                self._ratio.check(len(data))
                return data

    def _begin_next(self) -> bool:
        """Padding with zeros ends it as well."""
        rest = self._one.unused_data or self._file.read(_CHUNK)
        while rest and not (rest := rest.lstrip(b"\0")):
            rest = self._file.read(_CHUNK)
        if not rest:
            return False
        self._ratio.taken += len(rest)
        self._one, self._rest = self._new(), rest
        return True
