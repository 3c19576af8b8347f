"""Published ports, to and from the Docker Engine API."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clocker.model import Port

Json = Mapping[str, Any]


def bindings(ports: Sequence[Port]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        choice = str(port.host_port) if port.host_port else ""
        found.setdefault(f"{port.container}/{port.protocol}", []).append({"HostPort": choice})
    return found


def published(ports: Mapping[str, Sequence[Json] | None]) -> tuple[Port, ...]:
    return _of_one_family(
        (
            Port(
                int(name.partition("/")[0]), int(binding["HostPort"] or 0), name.partition("/")[2]
            ),
            binding.get("HostIp", ""),
        )
        for name, bindings in ports.items()
        for binding in bindings or ()
    )


def listed(ports: Sequence[Json]) -> tuple[Port, ...]:
    # Those without a PublicPort are not published.
    return _of_one_family(
        (Port(port["PrivatePort"], port["PublicPort"], port["Type"]), port.get("IP", ""))
        for port in ports
        if port.get("PublicPort")
    )


def _of_one_family(bindings: Iterable[tuple[Port, str]]) -> tuple[Port, ...]:
    """A port is bound once for IPv4 and once for IPv6, and where the engine chooses, it may choose
    another one for each: the one for IPv4 counts, that for IPv6 where there is no other."""
    of_family: dict[bool, set[Port]] = {False: set(), True: set()}
    for port, address in bindings:
        of_family[":" in address].add(port)
    ipv4 = of_family[False]
    known = {(port.container, port.protocol) for port in ipv4}
    only_ipv6 = {port for port in of_family[True] if (port.container, port.protocol) not in known}
    return tuple(
        sorted(ipv4 | only_ipv6, key=lambda port: (port.container, port.protocol, port.host_port))
    )
