"""More hosts, and hosts made whole again."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.cloud import ledger
from clocker.cloud.hosts import ensure_current
from clocker.cloud.intend import intend_host
from clocker.cloud.join_together import all_together
from clocker.cloud.membership import sync
from clocker.cloud.up import bring_up
from clocker.cloud.views import host
from clocker.errors import BadInput, BootstrapFailed
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostState

_STAYS = (HostState.READY, HostState.DELETING, HostState.LOST)
_GOING = (HostState.DELETING, HostState.LOST)


def add(parts: Parts, count: int = 1) -> tuple[str, ...]:
    """Make ``count`` more hosts; the names. Those that an earlier call began, and nobody
    completes, are among them. BootstrapFailed names every host that failed."""
    with parts.store.transaction() as tx:
        hosts, more = to_add(parts, tx, count)
        hosts += [intend_host(parts, tx) for _ in range(more)]
    bring_up_all(parts, hosts)
    return tuple(host.name for host in hosts)


def to_add(parts: Parts, tx: Transaction, count: int) -> tuple[list[Host], int]:
    """The hosts to be completed, and how many are to be made besides; BadInput beyond the
    maximum."""
    if count < 1:
        raise BadInput("at least one host can be added", where="count")
    begun = unfinished(parts, tx)[:count]
    more = count - len(begun)
    _refuse_beyond_maximum(parts, tx, more)
    return begun, more


def bring_up_all(parts: Parts, hosts: Sequence[Host]) -> None:
    _, failures = all_together(parts, [(host, bring_up) for host in hosts])
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(hosts)} hosts could not be made ready", failures=failures
        )


def repair(parts: Parts, name: str) -> Host:
    """Bootstrap the host anew, whatever it says of itself, and tell every host of the others.
    One that was not ready is completed first. What runs on it runs on."""
    found = host(parts, name)
    if found.state is HostState.DELETING:
        raise BadInput("it is being removed", where=f"host {name}", remedy="clocker up ends that")
    if found.state is HostState.LOST:
        raise BadInput(
            "it was given up as dead",
            where=f"host {name}",
            remedy="once it answers, clocker heal cleans it and takes it back",
        )
    if found.state is not HostState.READY:
        bring_up(parts, found)
    ensure_current(parts, found.id, ask=True)
    sync(parts)
    ledger.log_now(parts, "host", name, "repaired")
    return host(parts, name)


def unfinished(parts: Parts, tx: Transaction) -> list[Host]:
    """The hosts that are not ready, and that nobody is at."""
    hosts = [host for host in tx.hosts() if host.state not in _STAYS]
    return [host for host in hosts if ledger.is_abandoned(parts, host.work)]


def _refuse_beyond_maximum(parts: Parts, tx: Transaction, more: int) -> None:
    there = sum(host.state not in _GOING for host in tx.hosts())
    most = parts.spec.hosts.maximum
    if more and there + more > most:
        raise BadInput(
            f"the cloud has {there} of at most {most} hosts",
            where="hosts.maximum",
            remedy="raise hosts.maximum in clocker.yaml",
        )
