"""A sandbox as the Docker Engine API's ``HostConfig`` has it. Pure."""

from __future__ import annotations

from typing import Any

from clocker.model import Sandbox

_MIB = 1024 * 1024


def sandbox_config(sandbox: Sandbox) -> dict[str, Any]:
    """Only what was asked for: an engine has its own defaults for the rest."""
    config = {
        "CapDrop": list(sandbox.dropped),
        "GroupAdd": list(sandbox.groups),
        "SecurityOpt": list(sandbox.security),
        "Ulimits": [
            {"Name": name, "Soft": limit.soft, "Hard": limit.hard}
            for name, limit in sandbox.ulimits.items()
        ],
        "Sysctls": dict(sandbox.sysctls),
        "Tmpfs": dict(sandbox.tmpfs),
        "ExtraHosts": [f"{name}:{address}" for name, address in sandbox.hosts.items()],
        "ShmSize": sandbox.shm_mb * _MIB,
        "PidsLimit": sandbox.pids,
    }
    return {key: value for key, value in config.items() if value}
