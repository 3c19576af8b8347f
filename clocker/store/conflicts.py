"""Who owns already what somebody else wants: the sentence for the user, whatever the store."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.errors import NameTaken
from clocker.interfaces import Transaction
from clocker.model import Container, Host, Lease


def host_conflict(tx: Transaction, host: Host) -> NameTaken | None:
    for other in tx.hosts():
        if other.name == host.name and other.id != host.id:
            return NameTaken(
                f"the name {host.name!r} is taken by another host",
                remedy="choose another name, or remove that host",
            )
    return None


def container_conflict(tx: Transaction, container: Container) -> NameTaken | None:
    wanted = booked_ports(container)
    if len(wanted) != len(set(wanted)):
        return NameTaken(f"container {container.name!r} has the same host port twice")
    for other in tx.containers():
        if other.id == container.id:
            continue
        if other.name == container.name:
            return _name_taken(other)
        for taken in booked_ports(other):
            if taken in wanted:
                return _port_taken(tx, other, *taken)
    return None


def conflict_among(tx: Transaction, containers: Sequence[Container]) -> NameTaken | None:
    """What speaks against inserting all of them."""
    there = tx.containers()
    ids = {other.id for other in there}
    owners = {place: other for other in there for place in booked_ports(other)}
    names = {other.name: other for other in there}
    for container in containers:
        if container.id in ids:
            return NameTaken(f"container {container.name!r} is there already")
        if other := names.get(container.name):
            return _name_taken(other)
        for place in booked_ports(container):
            if other := owners.get(place):
                return _port_taken(tx, other, *place)
            owners[place] = container
        ids.add(container.id)
        names[container.name] = container
    return None


def booked_ports(container: Container) -> list[tuple[str, int, str]]:
    """(host's id, port, protocol), also of the host that it is moving to."""
    places = [(container.host_id, container.ports)]
    if container.move:
        places.append((container.move.host_id, container.move.ports))
    return [
        (host_id, port.host_port, port.protocol)
        for host_id, ports in places
        for port in ports
        if port.host_port
    ]


def lease_conflict(lease: Lease, owner: str) -> NameTaken:
    return NameTaken(
        f"the address {lease.address} of network {lease.network!r} belongs to {owner}, "
        f"not to {lease.owner}"
    )


def _name_taken(other: Container) -> NameTaken:
    return NameTaken(
        f"the name {other.name!r} is taken by another container",
        remedy=f"choose another name, or remove it: clocker rm {other.name}",
    )


def _port_taken(
    tx: Transaction, other: Container, host_id: str, number: int, protocol: str
) -> NameTaken:
    host = tx.host(host_id)
    place = host.name if host else host_id
    return NameTaken(
        f"port {number}/{protocol} of host {place!r} is booked by container {other.name!r}",
        remedy="ask for another host port, or for none to have one chosen",
    )
