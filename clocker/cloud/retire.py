"""Removes hosts with what is on them. Their removal is on record first, so that whoever finds it
unfinished carries on."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.cloud import ledger
from clocker.cloud.hosts import destroy
from clocker.cloud.membership import sync
from clocker.cloud.names import withdraw
from clocker.cloud.release import undo
from clocker.cloud.steps import each_host
from clocker.errors import BootstrapFailed
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, ContainerState, Host, HostState


def retire(parts: Parts, hosts: Sequence[Host]) -> None:
    """Remove hosts that are ``deleting`` and whose leases this process holds. The hosts that stay
    forget them first: one that they know of would be on record."""
    gone = {host.id for host in hosts}
    with parts.store.read() as tx:
        doomed = [container for container in _removing(tx) if container.host_id in gone]
    sync(parts)
    for container in doomed:
        withdraw(parts, container, container.endpoints)
    destroy_all(parts, hosts)


def finish_deleting(parts: Parts) -> None:
    """Complete the removal of hosts whose remover is gone."""
    with parts.store.read() as tx:
        left = [host for host in tx.hosts() if host.state is HostState.DELETING]
    claimed = [host for host in (ledger.claim_host(parts, h.id) for h in left) if host]
    if claimed:
        retire(parts, claimed)


def destroy_all(parts: Parts, hosts: Sequence[Host]) -> None:
    """Side by side, with what is being removed of their containers; the error tells them all."""
    _, failures = each_host(hosts, lambda host: _destroy(parts, host), parts.spec.hosts.concurrency)
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(hosts)} hosts could not be removed; they are on record, "
            "run the same command again",
            failures=failures,
        )


def _destroy(parts: Parts, host: Host) -> None:
    destroy(parts, host)
    with parts.store.transaction() as tx:
        doomed = [container for container in _removing(tx) if container.host_id == host.id]
        for container in doomed:
            if container.move is None:
                tx.delete_container(container.id)
                tx.release_leases(f"container/{container.name}", parts.clock())
                ledger.log(parts, tx, "release", container.name, "removed")
    for container in doomed:
        if container.move:
            undo(parts, container)


def _removing(tx: Transaction) -> list[Container]:
    return [c for c in tx.containers() if c.state is ContainerState.REMOVING]
