"""Tells the hosts about each other: peers of the network, and who serves the names."""

from __future__ import annotations

from collections.abc import Container as Collected
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from clocker.cloud import ledger
from clocker.cloud.nets import all_nets, gateways, names_named
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Record, Transaction
from clocker.model import Container, Endpoint, Host, HostState

_APART = (HostState.DELETING, HostState.LOST)


def members_of(tx: Transaction) -> tuple[Host, ...]:
    """The hosts that take part, or are about to: their address is known, and they stay."""
    return tuple(
        sorted(
            (
                host
                for host in tx.hosts()
                if host.address and host.stamp and host.state not in _APART
            ),
            key=lambda host: (host.created_at, host.name),
        )
    )


def record_of(container: Container, endpoint: Endpoint) -> Record:
    return Record(container.name, endpoint.address, container.request.aliases)


def records_of(parts: Parts, tx: Transaction) -> dict[str, tuple[Record, ...]]:
    """What each network's zone is to be, by the network's name."""
    found: dict[str, list[Record]] = {net.name: [] for net in all_nets(parts, tx)}
    for container in tx.containers():
        for endpoint in container.endpoints:
            found[endpoint.network].append(record_of(container, endpoint))
    return {network: tuple(records) for network, records in found.items()}


def membership_of(parts: Parts, tx: Transaction) -> str:
    """The text that every member is to have."""
    return parts.network.membership(members_of(tx), gateways(tx))


def join(parts: Parts, newcomer: Host) -> None:
    """Make the newcomer and all members know each other. Returns once this host itself knows;
    a member that cannot be told is reported, and told by the next ``up``."""
    if error := sync(parts, newcomers={newcomer.id}).get(newcomer.id):
        raise error


def sync(
    parts: Parts, newcomers: Collected[str] = (), *, settle: bool = True
) -> Mapping[str, ClockerError | None]:
    """Send membership and names to the members, again if they changed meanwhile: processes
    that do so at once may overtake each other, and the last word must be the store's. Not again
    without ``settle``: for who will do it once more in any case. Returns, by
    the members' ids, why one could not be told, if so; of ``newcomers`` nobody else hears it."""
    outcome: dict[str, ClockerError | None] = {}
    told = None
    while True:
        with parts.store.read() as tx:
            members, records = members_of(tx), records_of(parts, tx)
            membership = membership_of(parts, tx)
        if (membership, records) == told:
            return outcome
        servers = {host.id for host in parts.names.servers(members)}
        with side_by_side(min(parts.spec.hosts.concurrency, len(members))) as pool:
            jobs = {
                pool.submit(
                    _tell, parts, host, membership, records if host.id in servers else None
                ): host
                for host in members
            }
            outcome = {host.id: _failure(job) for job, host in jobs.items()}
        for host in members:
            if (error := outcome[host.id]) and host.id not in newcomers:
                _report(parts, host, error)
        told = (membership, records)
        if not settle:
            return outcome


def _tell(
    parts: Parts, host: Host, membership: str, records: Mapping[str, Sequence[Record]] | None
) -> None:
    """The names first: a host that begins to serve them already holds them."""
    shell = parts.connections.shell(host)
    for network, those in (records or {}).items():
        names_named(parts, network).replace(shell, those)
    parts.network.sync(shell, membership)


def _failure(job: Future[None]) -> ClockerError | None:
    error = job.exception()
    if error is None or isinstance(error, ClockerError):
        return error
    raise error


def _report(parts: Parts, host: Host, error: ClockerError) -> None:
    parts.progress.failed(host.name, f"not told of the other hosts: {error.what}")
    ledger.log_now(parts, "membership", host.name, "failed", error.what[:500])
