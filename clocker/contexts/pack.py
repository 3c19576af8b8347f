"""A tree as one tar: of the same files always the same bytes, by which it is known."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from typing import BinaryIO

from clocker.contexts.spool import write
from clocker.contexts.tree import Entry, Kind, Tree

_TYPES = {Kind.FILE: tarfile.REGTYPE, Kind.FOLDER: tarfile.DIRTYPE, Kind.LINK: tarfile.SYMTYPE}
_BLOCK = tarfile.BLOCKSIZE


def pack(tree: Tree, file: BinaryIO) -> str:
    """Into ``file``, which stands at its beginning then; returns its SHA-256. Whoever made the
    files, and when, is not in it."""
    digest = hashlib.sha256()
    for piece in _pieces(tree):
        digest.update(piece)
        write(file, piece)
    file.seek(0)
    return digest.hexdigest()


def _pieces(tree: Tree) -> Iterator[bytes]:
    for name in sorted(tree):
        entry = tree[name]
        yield _header(name, entry)
        if entry.kind is Kind.FILE:
            yield from entry.pieces()
            yield b"\0" * (-entry.size % _BLOCK)
    yield b"\0" * (2 * _BLOCK)


def _header(name: str, entry: Entry) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.linkname = _TYPES[entry.kind], entry.mode, entry.target
    member.size = entry.size if entry.kind is Kind.FILE else 0
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")
