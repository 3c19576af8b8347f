"""An image's archive without the layers that its receiver has: an engine needs none of them in
the archive when it has all layers up to there, by their digests."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO

_CHUNK = 1024 * 1024
_IN_MEMORY = 16 * 1024 * 1024
_BLOBS = "blobs/sha256/"


def common(wanted: Sequence[str], held: Iterable[Sequence[str]]) -> int:
    """How many of the lowest layers of ``wanted`` some image among ``held`` has as well."""
    return max((_same(wanted, layers) for layers in held), default=0)


def droppable(wanted: Sequence[str], there: int) -> frozenset[str]:
    """Digests of the ``there`` lowest layers, but of none that comes again above them: archives
    have such a one once."""
    return frozenset(wanted[:there]) - frozenset(wanted[there:])


def without(archive: Iterable[bytes], layers: Collection[str]) -> Iterator[bytes]:
    """``archive``, as ``docker save`` writes it, without those layers; piece by piece. A layer is
    known by its digest: by its name where that tells it, else it is looked at."""
    with tarfile.open(fileobj=_Reader(archive), mode="r|") as tar:
        for entry in tar:
            data = tar.extractfile(entry) if entry.isfile() else None
            if data is None:
                yield _header(entry)
            elif entry.name.startswith(_BLOBS):
                if f"sha256:{entry.name.removeprefix(_BLOBS)}" not in layers:
                    yield from _member(entry, data)
            elif not entry.name.endswith("/layer.tar"):
                yield from _member(entry, data)
            else:
                yield from _unless(layers, entry, data)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _unless(layers: Collection[str], entry: tarfile.TarInfo, data: IO[bytes]) -> Iterator[bytes]:
    digest = hashlib.sha256()
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as kept:
        while chunk := data.read(_CHUNK):
            digest.update(chunk)
            kept.write(chunk)
        if f"sha256:{digest.hexdigest()}" not in layers:
            kept.seek(0)
            yield from _member(entry, kept)


def _member(entry: tarfile.TarInfo, data: IO[bytes]) -> Iterator[bytes]:
    yield _header(entry)
    while chunk := data.read(_CHUNK):
        yield chunk
    yield bytes(-entry.size % tarfile.BLOCKSIZE)


def _header(entry: tarfile.TarInfo) -> bytes:
    return entry.tobuf(tarfile.PAX_FORMAT)


def _same(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


class _Reader(io.RawIOBase):
    """Pieces, as a file that is read once from its beginning."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = []
        while size and (self._left or self._refill()):
            part = self._left[:size] if size > 0 else self._left
            self._left = self._left[len(part) :]
            parts.append(bytes(part))
            size = size - len(part) if size > 0 else size
        return b"".join(parts)

    def _refill(self) -> bool:
        self._left = memoryview(next((piece for piece in self._pieces if piece), b""))
        return bool(self._left)
