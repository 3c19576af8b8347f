"""An archive, of whichever kind it is, as a tree."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from typing import BinaryIO

from clocker.contexts.inflate import MAGIC, Inflated
from clocker.contexts.limits import Limits
from clocker.contexts.spool import Spool
from clocker.contexts.tars import read_tar
from clocker.contexts.tree import Tree, Unsafe, refusal
from clocker.contexts.zips import read_zip
from clocker.errors import BadInput

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_USTAR, _USTAR_AT = b"ustar", 257
_SUFFIXES = (".tar", ".zip", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz")
# What the libraries raise for bytes that are not what they should be.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    OSError,
    OverflowError,
    NotImplementedError,
    RuntimeError,
    KeyError,
    struct.error,
)


def is_archive(name: str, head: bytes) -> bool:
    """By its first 512 bytes, or because its name promises one."""
    return (
        head.startswith((*_ZIP, *MAGIC))
        or head[_USTAR_AT : _USTAR_AT + len(_USTAR)] == _USTAR
        or name.lower().endswith(_SUFFIXES)
    )


def unpack(file: BinaryIO, where: str, spool: Spool, limits: Limits) -> Tree:
    """BadInput for what is broken, and for what is not taken; ``where`` names the archive."""
    try:
        return _unpack(file, spool, limits)
    except Unsafe as error:
        raise refusal(error, where) from None
    except _BROKEN as error:
        raise BadInput(
            f"the archive is corrupt: {error or type(error).__name__}",
            where=where,
            remedy="make or download it again; tar (plain, gz, bz2, xz) and zip are understood",
        ) from error


def _unpack(file: BinaryIO, spool: Spool, limits: Limits) -> Tree:
    head = file.read(512)
    file.seek(0)
    if head.startswith(_ZIP):
        return read_zip(file, spool, limits)
    for magic in MAGIC:
        if head.startswith(magic):
            return read_tar(Inflated(file, magic, limits), spool, limits)
    return read_tar(file, spool, limits)
