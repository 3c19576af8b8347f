"""Replaces the authority from which the certificates of engines and controllers are.

Every host is told twice: first to accept the old and the new one, and to show a certificate of the
new; once all do, to accept the new one alone. What is on record between the two says how far it is:
controllers show a certificate that every host accepts, wherever it was interrupted.
"""

from __future__ import annotations

from clocker.bootstrap import engine_port
from clocker.bootstrap.trust import authority_of, ensured_trust, put_trust, read_trust, trust_of
from clocker.cloud import ledger
from clocker.cloud.hosts import ensure_current
from clocker.cloud.reports import RotationReport
from clocker.cloud.steps import side_by_side
from clocker.errors import BadInput, BootstrapFailed, ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostState, Trust


def rotate(parts: Parts) -> RotationReport:
    """New keys and certificates for all, from a new authority; or the completion of a rotation
    that was interrupted. Containers run on."""
    if parts.spec.engine.access != "tls":
        raise BadInput(
            "the engines of this cloud are reached by SSH: there are no certificates",
            where="engine.access",
            remedy="set engine.access to tls, then clocker up",
        )
    resumed = not ensured_trust(parts).settled
    if not resumed:
        _begin(parts)
    hosts = complete(parts)
    return RotationReport(ensured_trust(parts).of_hosts.generation, hosts, resumed)


def complete(parts: Parts) -> tuple[str, ...]:
    """Carry a rotation that was begun to its end, if there is one; returns the hosts."""
    told: dict[str, Host] = {}
    while (trust := trust_of(parts.store)) and not trust.settled:
        told = _tell(parts)
        with parts.store.transaction() as tx:
            if read_trust(tx) == trust and not _untold(parts, tx, told):
                _advance(parts, tx, trust)
    return tuple(sorted(host.name for host in told.values()))


def _begin(parts: Parts) -> None:
    """Unless another process has, meanwhile."""
    trust = ensured_trust(parts)
    new = authority_of(parts, trust.of_hosts.generation + 1)
    with parts.store.transaction() as tx:
        if trust.settled and read_trust(tx) == trust:
            put_trust(tx, Trust((trust.of_hosts, new), settled=False))
            ledger.log(parts, tx, "rotate-certs", parts.spec.name, "begun")


def _advance(parts: Parts, tx: Transaction, trust: Trust) -> None:
    alone = (trust.of_hosts,)
    if trust.authorities != alone:
        put_trust(tx, Trust(alone, settled=False))
        return
    put_trust(tx, Trust(alone))
    detail = f"generation {trust.of_hosts.generation}"
    ledger.log(parts, tx, "rotate-certs", parts.spec.name, "done", detail)


def _tell(parts: Parts) -> dict[str, Host]:
    """Every host as it is once it knows what is on record now. BootstrapFailed when one cannot be
    told: nothing is dropped before it is."""
    with parts.store.read() as tx:
        hosts = _listening(parts, tx)
    told: dict[str, Host] = {}
    failures: list[ClockerError] = []
    with side_by_side(min(parts.spec.hosts.concurrency, len(hosts))) as pool:
        jobs = {pool.submit(ensure_current, parts, host.id, ask=True): host for host in hosts}
        for job, host in jobs.items():
            try:
                told[host.id] = job.result()
            except ClockerError as error:
                error.where = error.where or f"host {host.name}"
                failures.append(error)
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(hosts)} hosts were not told; all are reached as before, and "
            "clocker rotate-certs, or up, goes on once they answer",
            failures=failures,
        )
    return told


def _untold(parts: Parts, tx: Transaction, told: dict[str, Host]) -> bool:
    """Whether a host has come that knows what was on record before."""
    return any(
        host.id not in told or told[host.id].stamp != host.stamp for host in _listening(parts, tx)
    )


def _listening(parts: Parts, tx: Transaction) -> list[Host]:
    return [
        host
        for host in tx.hosts()
        if host.state not in (HostState.DELETING, HostState.LOST)
        and (host.state is HostState.READY or host.engine_port is not None)
        and engine_port(parts.spec, host) is not None
    ]
