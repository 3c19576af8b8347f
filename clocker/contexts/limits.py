"""How much a context may be: what comes from elsewhere may be made to fill disks and memories."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """``unpacked_bytes``: of all files. ``ratio``: how many times larger than its archive what is
    unpacked may be, once it is ``ratio_from_bytes``."""

    archive_bytes: int = 2048 * MIB
    unpacked_bytes: int = 8192 * MIB
    entries: int = 250_000
    ratio: int = 200
    ratio_from_bytes: int = 64 * MIB
    name_length: int = 4096
    depth: int = 100
    download_s: float = 600.0
    silence_s: float = 30.0
    git_s: float = 600.0
