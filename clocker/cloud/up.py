"""Makes the cloud what its document says: hosts that are missing are made, hosts that differ
are bootstrapped again, and what a killed process left half-done is completed or undone."""

from __future__ import annotations

from clocker.bootstrap import check, engine_port, expected_stamp, membership_hash
from clocker.cloud import ledger
from clocker.cloud.decide import Offers
from clocker.cloud.hosts import Join, ensure_ready, make
from clocker.cloud.intend import intend_host
from clocker.cloud.join_together import all_together
from clocker.cloud.membership import join, membership_of, sync
from clocker.cloud.offers import offers_of
from clocker.cloud.places import missing
from clocker.cloud.recover import recover
from clocker.cloud.registry_renewal import renew
from clocker.cloud.reports import UpReport
from clocker.cloud.retire import finish_deleting
from clocker.cloud.rotate import complete
from clocker.cloud.subnet import abandon_strays
from clocker.errors import BootstrapFailed
from clocker.interfaces import Parts, Transaction
from clocker.model import ContainerRequest, Host, HostState
from clocker.placement import rules_for

_MADE, _CHANGED, _UNTOLD, _UNCHANGED = "made", "changed", "untold", "unchanged"


def up(parts: Parts) -> UpReport:
    """Idempotent; BootstrapFailed names every host that failed, and the others are kept."""
    abandon_strays(parts)
    finish_deleting(parts)
    ready, unfinished = _intend(parts)
    recovered = recover(parts)
    found: dict[str, list[str]] = {_MADE: [], _CHANGED: [], _UNTOLD: [], _UNCHANGED: []}
    work = [*((host, bring_up) for host in unfinished), *((host, _check) for host in ready)]
    done, failures = all_together(parts, work)
    for host, outcome in done:
        found[outcome].append(host.name)
    if found[_UNTOLD]:
        sync(parts)
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(work)} hosts could not be made ready", failures=failures
        )
    complete(parts)
    renew(parts)
    # Hosts that only had to be told of others that this call made are as they were.
    outdated = [] if found[_MADE] else found[_UNTOLD]
    return UpReport(
        made=tuple(found[_MADE]),
        changed=tuple(found[_CHANGED] + outdated),
        unchanged=tuple(
            name for name in found[_UNCHANGED] + found[_UNTOLD] if name not in outdated
        ),
        recovered=recovered,
    )


def _intend(parts: Parts) -> tuple[list[Host], list[Host]]:
    """Store the intents for hosts that are missing; returns the ready and unfinished ones."""
    offers = _offers(parts)
    with parts.store.transaction() as tx:
        hosts = _staying(tx)
        hosts += [
            intend_host(parts, tx, provider, offers.get(provider))
            for provider in missing(parts.spec.hosts, hosts)
        ]
    ready = [host for host in hosts if host.state is HostState.READY]
    return ready, [host for host in hosts if host.state is not HostState.READY]


def _offers(parts: Parts) -> Offers:
    """For the price and place of the hosts to be made, where the cloud's rules look at these."""
    with parts.store.read() as tx:
        wanted = missing(parts.spec.hosts, _staying(tx))
    rules = rules_for(parts.spec.rules, ContainerRequest(""))
    return offers_of(parts) if wanted and rules.needs_offer else {}


def _staying(tx: Transaction) -> list[Host]:
    return [h for h in tx.hosts() if h.state not in (HostState.DELETING, HostState.LOST)]


def bring_up(parts: Parts, host: Host, join: Join = join) -> str:
    """Make a host that is not ready; a failed one is tried again, by another idempotency token,
    since the machine that the old one means may be gone."""
    if host.state is HostState.FAILED and (claimed := ledger.claim_host(parts, host.id)):
        again = claimed.attempt + 1
        renewed = ledger.change_host(parts, claimed, state=HostState.REQUESTED, attempt=again)
        make(parts, renewed, join)
    else:
        ensure_ready(parts, host.id, join)
    return _MADE


def _check(parts: Parts, host: Host, join: Join) -> str:
    """One round trip says whether the host is as it should be; if not it is bootstrapped again."""
    with parts.store.read() as tx:
        membership = membership_of(parts, tx)
    found = check(parts.connections.shell(host), parts.spec.name)
    if found.bootstrap == expected_stamp(parts, host) and found.tunnel_key == host.tunnel_key:
        _settle(parts, host, found.bootstrap)
        if found.membership != membership_hash(membership):
            return _UNTOLD
        parts.progress.done(host.name, "unchanged")
        return _UNCHANGED
    claimed = ledger.claim_host(parts, host.id)
    if claimed is None:
        ensure_ready(parts, host.id)
        return _UNCHANGED
    make(parts, claimed, join)
    return _CHANGED


def _settle(parts: Parts, host: Host, stamp: str) -> None:
    """A process that was killed may have brought the host there without a word of it."""
    port = engine_port(parts.spec, host)
    unrecorded = host.work is not None or (host.stamp, host.engine_port) != (stamp, port)
    if unrecorded and (claimed := ledger.claim_host(parts, host.id)):
        ledger.change_host(parts, claimed, stamp=stamp, engine_port=port, work=None)
