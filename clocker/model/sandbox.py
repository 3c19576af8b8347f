"""What an engine builds around a container's program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ulimit:
    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Sandbox:
    """All as ``docker run`` means it. ``dropped``: capabilities that it does not have. ``groups``:
    more of them for its user. ``security``: options such as ``no-new-privileges``. ``tmpfs``:
    file systems in memory by their paths, with mount options. ``hosts``: lines of its
    ``/etc/hosts``, addresses by name. ``init``: a program that reaps. ``terminal``, ``stdin``:
    held open. ``shm_mb``, ``pids``: 0 is the engine's default."""

    dropped: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    security: tuple[str, ...] = ()
    ulimits: Mapping[str, Ulimit] = field(default_factory=dict)
    sysctls: Mapping[str, str] = field(default_factory=dict)
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    init: bool = False
    terminal: bool = False
    stdin: bool = False
    shm_mb: int = 0
    pids: int = 0
