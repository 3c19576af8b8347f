"""Who this process is, and whether another one is still there."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path


def this_process() -> str:
    """``USER@HOST:PID:START:BOOT``: no other process, before or after, has the same."""
    pid = os.getpid()
    return f"{_user()}@{socket.gethostname()}:{pid}:{_started(pid)}:{_boot()}"


def is_dead(owner: str) -> bool:
    """True only when the process surely is gone: it ran on this machine, since whose boot, or
    whose process of that number, has changed. Of other machines nothing is known: False."""
    place, pid, started, boot = owner.rsplit(":", 3)
    if place.rpartition("@")[2] != socket.gethostname():
        return False
    return boot != _boot() or started != _started(int(pid))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as in many containers
        return str(os.getuid())


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot; empty when there is none, or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else fields[18]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
