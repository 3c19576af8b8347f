"""Ports that an engine published, as it tells them."""

from __future__ import annotations

from clocker.engine import ports
from clocker.model import Port


def test_a_port_that_the_engine_chose_anew_for_ipv6_is_one_port() -> None:
    bound = {
        "80/tcp": [
            {"HostIp": "::", "HostPort": "49154"},
            {"HostIp": "0.0.0.0", "HostPort": "49153"},
        ]
    }
    listed = [
        {"IP": "::", "PrivatePort": 80, "PublicPort": 49154, "Type": "tcp"},
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 49153, "Type": "tcp"},
    ]
    assert ports.published(bound) == ports.listed(listed) == (Port(80, 49153),)


def test_ports_of_one_family_all_count() -> None:
    twice = {
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "0.0.0.0", "HostPort": "81"}]
    }
    assert ports.published(twice) == (Port(80, 81), Port(80, 8080))
    only_ipv6 = {"80/tcp": [{"HostIp": "::1", "HostPort": "8080"}], "81/tcp": None}
    assert ports.published(only_ipv6) == (Port(80, 8080),)


def test_protocols_are_told_apart() -> None:
    both = {
        "53/udp": [{"HostIp": "0.0.0.0", "HostPort": "53"}],
        "53/tcp": [{"HostIp": "::", "HostPort": "54"}],
    }
    assert ports.published(both) == (Port(53, 54, "tcp"), Port(53, 53, "udp"))
