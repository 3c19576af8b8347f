from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest

from clocker.bootstrap.markers import tunnel_key
from clocker.bootstrap.plan import plan
from clocker.model import (
    CloudSpec,
    EngineOptions,
    Host,
    HostState,
    NetworkSpec,
    NodePool,
    Resources,
)
from clocker.network import open_names, open_network
from clocker.network.membership import membership
from clocker.network.wireguard import inner_port, overlay_mtu, tunnel_address, tunnel_range

SPEC = CloudSpec("demo", NodePool(("local",)))
KEY = "rmgmpiz552DDOKwols4El55yl6Smy8sJuHv3EUhFGhw="


def host(number: int = 1, key: str | None = None) -> Host:
    return Host(
        id=f"h{number}",
        name=f"demo-{number}",
        provider="local",
        state=HostState.READY,
        capacity=Resources(),
        gateway=f"10.210.0.{number}",
        address=f"192.0.2.{number}",
        tunnel_key=key,
    )


def script(spec: CloudSpec) -> str:
    steps = (open_network(spec).step(host()), open_names(spec).step(host()))
    return plan(spec, host(), steps).script


def with_network(**changes: object) -> CloudSpec:
    return replace(SPEC, network=NetworkSpec(**changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "pool", ["10.210.0.0/16", "172.16.0.0/12", "192.168.64.0/22", "10.0.0.0/8"]
)
def test_every_address_of_a_pool_has_its_own_inside(pool: str) -> None:
    network, inside = IPv4Network(pool), IPv4Network(tunnel_range(pool))
    assert inside.subnet_of(IPv4Network("240.0.0.0/4"))
    for offset in range(0, network.num_addresses, max(1, network.num_addresses // 997)):
        address = IPv4Address(tunnel_address(str(network[offset])))
        assert inside[offset] == address


def test_private_pools_do_not_meet_inside() -> None:
    ranges = [
        IPv4Network(tunnel_range(pool))
        for pool in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    ]
    assert not any(one.overlaps(other) for one in ranges for other in ranges if one != other)
    assert tunnel_address("10.210.0.3") == "250.210.0.3"  # for ever: hosts carry it


@pytest.mark.parametrize(
    ("path", "encrypted", "underlay", "left"),
    [
        (1500, False, "ipv4", 1450),
        (1500, True, "ipv4", 1390),
        (1500, True, "ipv6", 1370),
        (1460, True, "ipv4", 1350),
        (9001, True, "ipv4", 8891),
        (9001, False, "ipv4", 8951),
    ],
)
def test_what_is_left_of_the_path(path: int, encrypted: bool, underlay: str, left: int) -> None:
    assert overlay_mtu(path, encrypted=encrypted, underlay=underlay) == left


@pytest.mark.parametrize("port", [1, 4790, 65534, 65535])
def test_the_port_inside_is_another(port: int) -> None:
    assert inner_port(port) != port and 1 <= inner_port(port) <= 65535


def test_nothing_of_the_tunnel_is_there_where_none_was_said_or_needed() -> None:
    assert "wireguard-go" in script(SPEC)
    for spec in (with_network(encryption="none"), with_network(driver="bridge")):
        text = script(spec)
        assert "wg genkey" not in text and "need wg " not in text
    bridge = open_network(with_network(driver="bridge")).step(host())
    assert "underlay=''" in bridge.values["host_script"]


def test_the_packet_filter_is_left_alone_where_the_engine_needs_it() -> None:
    without_proxy = replace(SPEC, engine=EngineOptions(options={"userland-proxy": False}))
    for spec, spared in ((SPEC, True), (without_proxy, False)):
        up = open_network(spec).step(host()).values["host_script"].split("\nup() {")[1]
        assert ("ensure_unfiltered" in up.split("\n}\n")[0]) is spared


def test_the_script_is_one_that_shells_parse() -> None:
    step = open_network(SPEC).step(host())
    for shell in ("dash", "bash"):
        subprocess.run([shell, "-n"], input=step.values["tunnel"].script, text=True, check=True)


def test_hosts_tell_their_keys_and_nothing_else() -> None:
    lines = membership([host(1, KEY), host(2)], ()).splitlines()[1:]
    assert lines == [
        f"demo-1 192.0.2.1 10.210.0.1 client {KEY}",
        "demo-2 192.0.2.2 10.210.0.2 client -",
    ]
    assert tunnel_key({"tunnel_key": KEY}) == KEY
    for said in ("", "-", KEY[:-1], f"{KEY} x", f"{KEY}\nevil", f"$(reboot){KEY}"):
        assert tunnel_key({"tunnel_key": said}) is None
