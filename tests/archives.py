"""Archives as data: honest ones, and such as nobody should be sent."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping

PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gz": lambda data: gzip.compress(data, mtime=0),
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


def member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, data


def tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as archive:
        for entry, data in members:
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def tar_of(files: Mapping[str, bytes]) -> bytes:
    return tar(*(member(name, data, mode=0o644) for name, data in files.items()))


def zip_of(files: Mapping[str, bytes], kinds: Mapping[str, int] | None = None) -> bytes:
    """``kinds``: the file type (stat.S_IFLNK, ...) of those that are no plain files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = ((kinds or {}).get(name, stat.S_IFREG) | 0o644) << 16
            archive.writestr(info, data)
    return packed.getvalue()


def zip_encrypted(name: str) -> bytes:
    data = bytearray(zip_of({name: b"secret"}))
    central = data.rfind(b"PK\x01\x02")
    struct.pack_into("<H", data, central + 8, 0x1)
    struct.pack_into("<H", data, 6, 0x1)
    return bytes(data)


def zip_overlapping(size: int, times: int) -> bytes:
    """So many entries for the same compressed bytes."""
    data = zip_of({"Dockerfile": b"\0" * size})
    start, end = data.rfind(b"PK\x01\x02"), data.rfind(b"PK\x05\x06")
    tail = bytearray(data[end:])
    struct.pack_into("<HHLL", tail, 8, times, times, (end - start) * times, start)
    return data[:start] + data[start:end] * times + bytes(tail)


FINE = {"Dockerfile": b"FROM scratch\nCOPY a /a\n", "a": b"content"}
_FINE = tuple(member(name, data, mode=0o644) for name, data in FINE.items())


def _with(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    return tar(*_FINE, *members)


def _pax(name: str, **headers: str) -> bytes:
    entry, data = member(name, b"x")
    entry.pax_headers = headers
    return tar(*_FINE, (entry, data))


def _header_of(size: int) -> bytes:
    """A tar whose second header says that it is ``size`` long."""
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, size
    return tar(*_FINE)[:2048] + entry.tobuf(tarfile.GNU_FORMAT) + b"a" * 4096


HOSTILE: Mapping[str, tuple[bytes, str]] = {
    "tar-above": (_with(member("../evil", b"x")), "leads out of the archive"),
    "tar-above-within": (_with(member("a/../../evil", b"x")), "leads out of the archive"),
    "tar-absolute": (_with(member("/etc/passwd", b"x")), "has an absolute path"),
    "tar-link-absolute": (
        _with(member("link", type=tarfile.SYMTYPE, linkname="/etc/passwd")),
        "'link' is a link that leads out",
    ),
    "tar-link-above": (
        _with(member("d/link", type=tarfile.SYMTYPE, linkname="../../etc/passwd")),
        "'d/link' is a link that leads out",
    ),
    "tar-link-by-links": (
        _with(
            member("d/e/up", type=tarfile.SYMTYPE, linkname="../.."),
            member("out", type=tarfile.SYMTYPE, linkname="d/e/up/.."),
        ),
        "'out' is a link that leads out",
    ),
    "tar-link-circle": (
        _with(
            member("one", type=tarfile.SYMTYPE, linkname="two"),
            member("two", type=tarfile.SYMTYPE, linkname="one"),
        ),
        "leads in a circle",
    ),
    "tar-through-link": (
        _with(member("d", type=tarfile.SYMTYPE, linkname="."), member("d/x", b"x")),
        "lies below 'd', which is no folder",
    ),
    "tar-hardlink-out": (
        _with(member("hard", type=tarfile.LNKTYPE, linkname="/etc/shadow")),
        "'hard' is a link that leads out",
    ),
    "tar-hardlink-above": (
        _with(member("hard", type=tarfile.LNKTYPE, linkname="../../etc/shadow")),
        "'hard' is a link that leads out",
    ),
    "tar-hardlink-missing": (
        _with(member("hard", type=tarfile.LNKTYPE, linkname="nowhere")),
        "another name of a file that is not in the archive",
    ),
    "tar-hardlink-to-link": (
        _with(
            member("soft", type=tarfile.SYMTYPE, linkname="a"),
            member("hard", type=tarfile.LNKTYPE, linkname="soft"),
        ),
        "another name of a file that is not in the archive",
    ),
    "tar-device": (_with(member("null", type=tarfile.CHRTYPE)), "a device or pipe"),
    "tar-block-device": (_with(member("sda", type=tarfile.BLKTYPE)), "a device or pipe"),
    "tar-fifo": (_with(member("pipe", type=tarfile.FIFOTYPE)), "a device or pipe"),
    "tar-sparse": (_pax("holes", **{"GNU.sparse.size": "1000000000000"}), "a file with holes"),
    "tar-control": (_with(member("a\x1b[2J", b"x")), "control characters"),
    "tar-newline": (_with(member("a\nb", b"x")), "control characters"),
    "tar-deep": (_with(member("d/" * 200 + "x", b"x")), "deeper than 100 folders"),
    "tar-long": (_with(member("n" * 5000, b"x")), "longer than 4096"),
    "tar-long-header": (_header_of(2**32), "a header is longer than 1 MiB"),
    "tar-cut": (tar(*_FINE, member("b", b"y" * 9000))[:3000], "cut short|unexpected end"),
    "tar-no-end": (tar(*_FINE)[:2048], "cut short"),
    "zip-above": (zip_of({**FINE, "../evil": b"x"}), "leads out of the archive"),
    "zip-absolute": (zip_of({**FINE, "/etc/passwd": b"x"}), "has an absolute path"),
    "zip-link-out": (
        zip_of({**FINE, "link": b"../../etc/passwd"}, {"link": stat.S_IFLNK}),
        "'link' is a link that leads out",
    ),
    "zip-device": (zip_of({**FINE, "null": b""}, {"null": stat.S_IFCHR}), "a device or pipe"),
    "zip-fifo": (zip_of({**FINE, "pipe": b""}, {"pipe": stat.S_IFIFO}), "a device or pipe"),
    "zip-encrypted": (zip_encrypted("Dockerfile"), "is encrypted"),
    "zip-cut": (zip_of(FINE)[:-10], "corrupt"),
    "zip-corrupt": (zip_of(FINE).replace(b"Dockerfile", b"Dockerfilf", 1), "corrupt"),
    "empty.tar": (b"", "cut short"),
    "garbage.tar.gz": (b"this is no archive, whatever its name says", "corrupt"),
    "garbage.zip": (b"PK\x03\x04 this is no zip", "corrupt"),
    "gz-corrupt": (PACKERS["gz"](tar_of(FINE))[:-9] + b"123456789", "corrupt"),
    "gz-cut": (PACKERS["gz"](tar_of(FINE))[:-20], "cut short"),
    "bz2-corrupt": (PACKERS["bz2"](tar_of(FINE))[:40] + b"x" * 200, "corrupt"),
    "xz-corrupt": (PACKERS["xz"](tar_of(FINE))[:40] + b"x" * 200, "corrupt"),
    "xz-cut": (PACKERS["xz"](tar_of(FINE))[:-30], "cut short|corrupt"),
}
"""By a name (what looks like a suffix is one): the bytes, and what is said of them."""


def bomb(kind: str, size: int) -> bytes:
    """``size`` zeros in an archive of a few bytes."""
    if kind == "zip":
        return zip_of({**FINE, "zeros": b"\0" * size})
    if kind == "overlapping":
        return zip_overlapping(size // 64, 64)
    return PACKERS[kind](tar(*_FINE, member("zeros", b"\0" * size)))
