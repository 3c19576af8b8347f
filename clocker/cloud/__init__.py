"""The Docker cloud: made, filled, looked at and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.deferred import exports

if TYPE_CHECKING:
    from clocker.cloud.base_image import LoadedImage
    from clocker.cloud.builds import BuildReport
    from clocker.cloud.cloud import Cloud
    from clocker.cloud.holdings import VolumeView
    from clocker.cloud.host_machine import HostMachine
    from clocker.cloud.image_list import ImageView
    from clocker.cloud.image_stock import Copied, ImageStock, PruneReport
    from clocker.cloud.listen import Alarm
    from clocker.cloud.look_after import Care
    from clocker.cloud.machine import ContainerMachine
    from clocker.cloud.names_check import DnsReport
    from clocker.cloud.network_check import NetworkReport, NetworkStatus
    from clocker.cloud.networks import NetView
    from clocker.cloud.remnants import Finding
    from clocker.cloud.reports import (
        AdoptReport,
        DownReport,
        DrainReport,
        Explanation,
        GcReport,
        Healed,
        HealReport,
        MoveReport,
        PlannedContainer,
        PlannedHost,
        RemnantsReport,
        RemoveReport,
        RotationReport,
        ScaleReport,
        Status,
        Stay,
        UpPlan,
        UpReport,
    )
    from clocker.cloud.watch import Look, Watch

_HOMES = {
    "base_image": ("LoadedImage",),
    "builds": ("BuildReport",),
    "cloud": ("Cloud",),
    "holdings": ("VolumeView",),
    "host_machine": ("HostMachine",),
    "image_list": ("ImageView",),
    "image_stock": ("Copied", "ImageStock", "PruneReport"),
    "listen": ("Alarm",),
    "look_after": ("Care",),
    "machine": ("ContainerMachine",),
    "names_check": ("DnsReport",),
    "network_check": ("NetworkReport", "NetworkStatus"),
    "networks": ("NetView",),
    "remnants": ("Finding",),
    "reports": (
        "AdoptReport",
        "DownReport",
        "DrainReport",
        "Explanation",
        "GcReport",
        "Healed",
        "HealReport",
        "MoveReport",
        "PlannedContainer",
        "PlannedHost",
        "RemnantsReport",
        "RemoveReport",
        "RotationReport",
        "ScaleReport",
        "Status",
        "Stay",
        "UpPlan",
        "UpReport",
    ),
    "watch": ("Look", "Watch"),
}

__all__ = [
    "AdoptReport",
    "Alarm",
    "BuildReport",
    "Care",
    "Cloud",
    "ContainerMachine",
    "DnsReport",
    "Copied",
    "DownReport",
    "DrainReport",
    "Explanation",
    "Finding",
    "GcReport",
    "HealReport",
    "Healed",
    "HostMachine",
    "ImageStock",
    "ImageView",
    "Look",
    "LoadedImage",
    "MoveReport",
    "NetView",
    "NetworkReport",
    "NetworkStatus",
    "PlannedContainer",
    "PlannedHost",
    "PruneReport",
    "RemnantsReport",
    "RemoveReport",
    "RotationReport",
    "ScaleReport",
    "Status",
    "Stay",
    "UpPlan",
    "UpReport",
    "VolumeView",
    "Watch",
]

__getattr__ = exports(__name__, _HOMES)
