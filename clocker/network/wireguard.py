"""WireGuard between the hosts: a device on each, in which the overlay networks run.

Where a host is inside the tunnel follows from its gateway address, which is its own in the cloud:
10.210.0.3 is 250.210.0.3 inside. Pure; what is done on a host is in the template.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from clocker.model import CloudSpec, Host
from clocker.network.layout import Layout
from clocker.network.tunnel import Tunnel
from clocker.templating import render

# Around each packet: the header of IP, that of UDP, and WireGuard's own with its tag.
OVERHEAD = {"ipv4": 20 + 8 + 32, "ipv6": 40 + 8 + 32}
VXLAN_OVERHEAD = 14 + 20 + 8 + 8

PACKAGES = (
    ("wg", "wireguard-tools", "wireguard-tools"),
    ("wireguard-go", "wireguard-go", "wireguard-go"),  # but where the kernel has WireGuard
)

# Nobody's on any network, and unlike fd00::/8 there where IPv6 is off.
_RANGE = 0xF0000000


def is_encrypted(spec: CloudSpec) -> bool:
    return spec.network.encryption == "wireguard"


def tunnel_address(gateway: str) -> str:
    """Two hosts of a cloud never share it, nor two clouds on one host, whose pools differ."""
    return str(IPv4Address(_RANGE | int(IPv4Address(gateway))))


def tunnel_range(pool: str) -> str:
    """All that ``tunnel_address`` may make of a pool's addresses."""
    network = IPv4Network(pool)
    return f"{tunnel_address(str(network.network_address))}/{network.prefixlen}"


def inner_port(port: int) -> int:
    """Of the overlay inside: WireGuard has the port itself."""
    return port + 1 if port < 65535 else port - 1


def overlay_mtu(path_mtu: int, *, encrypted: bool, underlay: str = "ipv4") -> int:
    """What is left to containers of the path between their hosts. The overlay's own outer
    addresses are IPv4, inside the tunnel as well as without one."""
    return path_mtu - (OVERHEAD[underlay] if encrypted else 0) - VXLAN_OVERHEAD


def tunnel(spec: CloudSpec, host: Host) -> Tunnel:
    layout = Layout(spec.name)
    network = spec.network
    values = {
        "layout": layout,
        "host": host.name,
        "underlay": host.address or "",
        "port": network.port,
        "inner_port": inner_port(network.port),
        "address": tunnel_address(host.gateway),
        "range": tunnel_range(network.pool),
        "overhead": OVERHEAD,
    }
    return Tunnel(
        script=render("network/wireguard.sh.j2", values),
        unit=render("network/wireguard_unit.j2", values),
        encryption=network.encryption,
        inner_port=inner_port(network.port),
        packages=PACKAGES,
    )
