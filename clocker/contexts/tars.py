"""The entries of a tar from who knows where."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, Self, cast

from clocker.contexts.limits import MIB, Limits
from clocker.contexts.spool import Spool
from clocker.contexts.tree import Entry, Kind, Tree, Unsafe, add, clean, shown, whole

_CHUNK = 256 * 1024
_LONGEST_HEADER = MIB
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


def read_tar(stream: io.RawIOBase | BinaryIO, spool: Spool, limits: Limits) -> Tree:
    """In one go. Unsafe; what tarfile and decompressors raise for what is broken."""
    tree: Tree = {}
    file = cast("IO[bytes]", io.BufferedReader(cast(io.RawIOBase, stream), _CHUNK))
    with tarfile.open(
        fileobj=file, mode="r|", tarinfo=_Member, encoding="utf-8", errors="surrogateescape"
    ) as tar:
        while member := tar.next():
            cast(Any, tar).members.clear()  # or it would remember all of them
            name = clean(member.name, limits)
            if name:
                add(tree, name, _entry(tar, member, tree, spool, limits), limits)
    while file.read(_CHUNK):  # to its end, where a checksum may be
        pass
    return whole(tree)


class _Member(tarfile.TarInfo):
    """Its headers are bounded, and an end must be where one belongs."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        if len(buf) < tarfile.BLOCKSIZE:
            raise EOFError("it is cut short")
        member = super().frombuf(buf, encoding, errors)
        if member.type in _HEADERS and member.size > _LONGEST_HEADER:
            raise Unsafe("a header is longer than 1 MiB")
        return member


def _entry(
    tar: tarfile.TarFile, member: tarfile.TarInfo, tree: Tree, spool: Spool, limits: Limits
) -> Entry:
    mode = member.mode & 0o7777
    if member.size < 0:
        raise Unsafe(f"{shown(member.name)} has a size below zero")
    if member.isdir():
        return Entry(Kind.FOLDER, mode)
    if member.issym():
        return Entry(Kind.LINK, 0o777, target=member.linkname)
    if member.islnk():
        return _linked(member, tree, limits)
    if member.issparse():
        raise Unsafe(f"{shown(member.name)} is a file with holes")
    if not member.isreg():
        raise Unsafe(f"{shown(member.name)} is no file, folder or link but a device or pipe")
    size, pieces = spool.put(_content(tar, member))
    return Entry(Kind.FILE, mode, size, pieces=pieces)


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream = tar.extractfile(member)
    left = member.size
    while stream and left:
        piece = stream.read(min(_CHUNK, left))
        if not piece:
            raise EOFError("it is cut short")
        left -= len(piece)
        yield piece


def _linked(member: tarfile.TarInfo, tree: Tree, limits: Limits) -> Entry:
    """Another name of a file of the archive."""
    try:
        known = tree.get(clean(member.linkname, limits))
    except Unsafe:
        raise Unsafe(f"{shown(member.name)} is a link that leads out") from None
    if known is None or known.kind is not Kind.FILE:
        raise Unsafe(f"{shown(member.name)} is another name of a file that is not in the archive")
    return known
