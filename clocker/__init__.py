"""Containers on demand, like VMs, on any cloud.

``from clocker import open_cloud, ContainerRequest, Resources`` is the whole Python API
that most programs need; the names are imported when first used, so that
``import clocker`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clocker.assembly import open_cloud
    from clocker.cloud import Cloud
    from clocker.errors import ClockerError
    from clocker.model import ContainerRequest, HostRequest, Install, InstallFile, Port, Resources

_HOMES = {
    "open_cloud": "clocker.assembly",
    "Cloud": "clocker.cloud",
    "ClockerError": "clocker.errors",
    "ContainerRequest": "clocker.model",
    "HostRequest": "clocker.model",
    "Install": "clocker.model",
    "InstallFile": "clocker.model",
    "Port": "clocker.model",
    "Resources": "clocker.model",
}

__all__ = [
    "ClockerError",
    "Cloud",
    "ContainerRequest",
    "HostRequest",
    "Install",
    "InstallFile",
    "Port",
    "Resources",
    "open_cloud",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'clocker' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
