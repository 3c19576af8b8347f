"""The names of containers: told to the hosts that hold them, network by network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from clocker.cloud.membership import members_of, record_of
from clocker.cloud.nets import names_named
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Names, Parts, Record
from clocker.model import Container, Endpoint, Host


def publish(parts: Parts, containers: Sequence[Container], only: str | None = None) -> None:
    """Make the names resolve, on all networks of the containers or on one. An authoritative host
    that is away does not stand in the way: it is told again by the next ``up``."""
    with parts.store.read() as tx:
        servers = parts.names.servers(members_of(tx))
    records: dict[str, list[Record]] = {}
    for container in containers:
        for endpoint in container.endpoints:
            if only in (None, endpoint.network):
                records.setdefault(endpoint.network, []).append(record_of(container, endpoint))
    told = [(names_named(parts, network), those) for network, those in records.items()]
    with side_by_side(len(servers)) as pool:
        errors = [error for error in pool.map(partial(_tell, parts, told), servers) if error]
    if errors and len(errors) == len(servers):
        raise errors[0]


def withdraw(parts: Parts, container: Container, endpoints: Sequence[Endpoint]) -> None:
    """Make its names there resolve no more. A host that is away is told by the next ``up``."""
    with parts.store.read() as tx:
        servers = parts.names.servers(members_of(tx))
    zones = [names_named(parts, endpoint.network) for endpoint in endpoints]
    for server in servers:
        try:
            for names in zones:
                names.withdraw(parts.connections.shell(server), [container.name])
        except ClockerError as error:
            parts.progress.failed(server.name, f"not told of a removed name: {error.what}")


def _tell(
    parts: Parts, told: Sequence[tuple[Names, Sequence[Record]]], server: Host
) -> ClockerError | None:
    try:
        for names, records in told:
            names.publish(parts.connections.shell(server), records)
    except ClockerError as error:
        parts.progress.failed(server.name, f"not told of new names: {error.what}")
        return error
    return None
