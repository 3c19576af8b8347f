"""The networks of a cloud, and a container's places on them."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_NETWORK = "default"
"""The one that every cloud has, with the subnet that its document names."""


@dataclass(frozen=True, slots=True)
class Net:
    """A further network of the cloud. ``subnet``: CIDR within the cloud's pool."""

    name: str
    subnet: str
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place on a network besides its first one."""

    network: str
    address: str
    mac: str


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What a host says of a network. ``mtu``: of its containers; ``device_mtu``: of what carries
    their packets to other hosts, 0 when it is alone. ``encryption``: none, or what encrypts.
    ``peers``: underlay addresses of the hosts that it sends to."""

    driver: str
    mtu: int = 0
    device_mtu: int = 0
    encryption: str = "none"
    peers: tuple[str, ...] = ()
