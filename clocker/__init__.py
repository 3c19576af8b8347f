"""Containers on demand, like VMs, on any cloud.

``from clocker import open_cloud, ContainerRequest, Resources`` is the whole Python API
that most programs need; the names are imported when first used, so that
``import clocker`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import exports

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clocker.assembly import open_cloud
    from clocker.cloud import Cloud
    from clocker.errors import ClockerError
    from clocker.model import ContainerRequest, HostRequest, Install, InstallFile, Port, Resources

_HOMES = {
    "assembly": ("open_cloud",),
    "cloud": ("Cloud",),
    "errors": ("ClockerError",),
    "model": (
        "ContainerRequest",
        "HostRequest",
        "Install",
        "InstallFile",
        "Port",
        "Resources",
    ),
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

__getattr__ = exports(__name__, _HOMES)
