"""What a cloud has, as libcloud's values. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import IPv4Address
from typing import Any

from libcloud.compute.base import (
    KeyPair,
    Node,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
)
from libcloud.compute.types import NodeState, StorageVolumeState

from clocker.cloud import ImageView, VolumeView
from clocker.errors import BadInput, NotFound
from clocker.images import ImageKind
from clocker.model import Container, ContainerState, Host, Resources, RuleSpec

# Name, cores, RAM in MiB, as booked on the host. ``unbooked`` takes what is left.
SIZES = (
    ("tiny", 0.25, 256),
    ("small", 0.5, 512),
    ("medium", 1.0, 1024),
    ("large", 2.0, 2048),
    ("xlarge", 4.0, 4096),
    ("unbooked", 0.0, 0),
)

STATES = {
    ContainerState.CREATING: NodeState.PENDING,
    ContainerState.RUNNING: NodeState.RUNNING,
    ContainerState.STOPPED: NodeState.STOPPED,
    ContainerState.MOVING: NodeState.MIGRATING,
    ContainerState.REPLACING: NodeState.RECONFIGURING,
    ContainerState.LOST: NodeState.ERROR,
    ContainerState.FAILED: NodeState.ERROR,
    ContainerState.REMOVING: NodeState.TERMINATED,
}

# Kinds of locations, and the placement rule, with its option, that keeps a container there.
_RULES = {
    "host": ("hostname", "pattern"),
    "region": ("region", "places"),
    "provider": ("provider", "places"),
}


def sizes(driver: NodeDriver) -> list[NodeSize]:
    """A container costs nothing besides its host."""
    return [
        NodeSize(name, name, ram_mb, 0, 0, 0.0, driver, extra={"cores": cores})
        for name, cores, ram_mb in SIZES
    ]


def resources(size: NodeSize) -> Resources:
    cores = (size.extra or {}).get("cores", 0.0)
    return Resources(float(cores), size.ram or 0, (size.disk or 0) * 1024)


def node(container: Container, host: Host | None, driver: NodeDriver) -> Node:
    """``public_ips``: where its published ports are; none without such ports."""
    request = container.request
    public = [host.access.address] if host and host.access and container.ports else []
    size = NodeSize(
        "booked",
        "booked",
        request.resources.ram_mb,
        request.resources.disk_mb // 1024,
        0,
        0.0,
        driver,
        extra={"cores": request.resources.cores},
    )
    return Node(
        container.id,
        container.name,
        STATES[container.state],
        [address for address in public if _is_ipv4(address)],
        [container.address],
        driver,
        size=size,
        image=NodeImage(request.image, request.image, driver),
        extra=_extra(container, host),
        created_at=datetime.fromtimestamp(container.created_at, UTC),
    )


def named(views: Iterable[ImageView]) -> list[ImageView]:
    """The images that somebody would name, each name once: of what Clocker makes by itself
    nobody needs to know."""
    found: dict[str, ImageView] = {}
    for view in views:
        if view.kind not in (ImageKind.GENERATED, ImageKind.SSH):
            known = found.get(view.name)
            hosts = (*known.hosts, *view.hosts) if known else view.hosts
            found[view.name] = replace(known or view, hosts=tuple(sorted(hosts)))
    return [*found.values()]


def image(view: ImageView, driver: NodeDriver) -> NodeImage:
    extra = {"image_id": view.id, "size_bytes": view.size_bytes, "hosts": list(view.hosts)}
    return NodeImage(view.name, view.name, driver, extra=extra)


def locations(hosts: Iterable[Host], driver: NodeDriver) -> list[NodeLocation]:
    """The hosts, then their regions, then their providers."""
    known = list(hosts)
    names = {
        "host": sorted(host.name for host in known),
        "region": sorted({host.region for host in known if host.region}),
        "provider": sorted({host.provider for host in known}),
    }
    return [
        NodeLocation(f"{kind}/{name}", name, "", driver, extra={"kind": kind})
        for kind in _RULES
        for name in names[kind]
    ]


def place_of(location: NodeLocation | str) -> tuple[str, str]:
    """Kind and name; BadInput."""
    told = location if isinstance(location, str) else str(location.id)
    kind, _, name = told.partition("/")
    if kind not in _RULES or not name:
        raise BadInput(
            f"{told!r} is no location of this driver", remedy="take one of list_locations()"
        )
    return kind, name


def rule_of(location: NodeLocation | str) -> RuleSpec:
    kind, name = place_of(location)
    rule, option = _RULES[kind]
    return RuleSpec(rule, {option: name})


def hosts_at(location: NodeLocation | None, hosts: Sequence[Host]) -> list[Host]:
    """NotFound when there is none."""
    if location is None:
        return list(hosts)
    kind, name = place_of(location)
    found = [host for host in hosts if _is_at(host, kind, name)]
    if not found:
        raise NotFound(f"there is no {kind} {name!r}", remedy="take one of list_locations()")
    return found


def volume(view: VolumeView, driver: NodeDriver) -> StorageVolume:
    state = StorageVolumeState.INUSE if view.containers else StorageVolumeState.AVAILABLE
    extra = {"host": view.host, "containers": list(view.containers)}
    return StorageVolume(
        f"{view.host}/{view.name}", view.name, view.size_gb, driver, state=state, extra=extra
    )


def host_of(volume: StorageVolume) -> str:
    host, _, name = str(volume.id).partition("/")
    if not host or name != volume.name:
        raise BadInput(
            f"{volume.id!r} is no volume of this driver", remedy="take one of list_volumes()"
        )
    return host


def key_pair(name: str, public: str, driver: NodeDriver, private: str | None = None) -> KeyPair:
    digest = hashlib.sha256(base64.b64decode(public.split()[1])).digest()
    fingerprint = f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
    return KeyPair(name, public, fingerprint, driver, private_key=private)


def _extra(container: Container, host: Host | None) -> dict[str, Any]:
    """Plain values only."""
    request = container.request
    return {
        "host": host.name if host else None,
        "region": host.region if host else None,
        "provider": host.provider if host else None,
        "networks": {place.network: place.address for place in container.endpoints},
        "aliases": list(request.aliases),
        "labels": dict(request.labels),
        "ports": [
            {"container": p.container, "host_port": p.host_port, "protocol": p.protocol}
            for p in container.ports
        ],
        "volumes": {item.source: item.target for item in request.volumes},
        "ssh": request.ssh,
        "privileged": request.privileged,
    }


def _is_at(host: Host, kind: str, name: str) -> bool:
    return name == {"host": host.name, "region": host.region, "provider": host.provider}[kind]


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except ValueError:
        return False
    return True
