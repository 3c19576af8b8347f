"""The entries of a zip from who knows where."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from clocker.contexts.inflate import Ratio
from clocker.contexts.limits import MIB, Limits
from clocker.contexts.spool import Spool
from clocker.contexts.tree import FOLDER, Entry, Kind, Tree, Unsafe, add, clean, shown, whole

_CHUNK = 256 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_DIRECTORY = 64 * MIB
_LONGEST_TARGET = 4096
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_END_SIZE, _COMMENT = 22, 65536
_BEFORE = 76  # where the end of a large one begins, and what tells where that is
_ENCRYPTED = 0x1


def read_zip(file: BinaryIO, spool: Spool, limits: Limits) -> Tree:
    """Unsafe; what zipfile and zlib raise for what is broken."""
    size = _check_directory(file)
    ratio, tree = Ratio(limits), Tree()
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            name = clean(member.filename, limits)
            # Several may be made of the same bytes.
            ratio.taken = min(ratio.taken + member.compress_size, size)
            if name:
                add(tree, name, _entry(archive, member, spool, ratio), limits)
    return whole(tree)


def _check_directory(file: BinaryIO) -> int:
    """Its list of contents is read whole, so that list must be small. Returns the size of all."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _COMMENT - _BEFORE))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + _END_SIZE:
        raise zipfile.BadZipFile("it has no end")
    told = struct.unpack_from("<L", tail, at + 12)[0]
    at64 = at - _BEFORE
    if at64 >= 0 and tail.startswith(_END64, at64):
        told = struct.unpack_from("<Q", tail, at64 + 40)[0]
    if told > _MOST_DIRECTORY:
        raise Unsafe("its list of contents is longer than 64 MiB")
    return size


def _entry(archive: zipfile.ZipFile, member: zipfile.ZipInfo, spool: Spool, ratio: Ratio) -> Entry:
    mode = member.external_attr >> 16
    if member.is_dir():
        return Entry(Kind.FOLDER, stat.S_IMODE(mode) or FOLDER.mode)
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFLNK):
        raise Unsafe(f"{shown(member.filename)} is no file, folder or link but a device or pipe")
    if member.flag_bits & _ENCRYPTED:
        raise Unsafe(f"{shown(member.filename)} is encrypted")
    if member.compress_type not in _METHODS:
        raise Unsafe(f"{shown(member.filename)} is compressed in an uncommon way")
    if stat.S_ISLNK(mode):
        return Entry(Kind.LINK, 0o777, target=_target(archive, member))
    size, pieces = spool.put(_content(archive, member, ratio))
    return Entry(Kind.FILE, stat.S_IMODE(mode) or 0o644, size, pieces=pieces)


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo, ratio: Ratio) -> Iterator[bytes]:
    with archive.open(member) as stream:
        while piece := stream.read(_CHUNK):
            ratio.check(len(piece))
            yield piece


def _target(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    with archive.open(member) as stream:
        target = stream.read(_LONGEST_TARGET + 1)
    if len(target) > _LONGEST_TARGET:
        raise Unsafe(f"{shown(member.filename)} is a link with a long target")
    return target.decode(errors="surrogateescape")
