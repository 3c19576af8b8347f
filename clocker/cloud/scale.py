"""Keeps room for more containers: decides once, in one transaction, and acts on it.

What is decided is stored as it is decided: hosts to be made as requested, those to go as cordoned
and in the history. A run that is killed leaves nothing else, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from clocker.applications.headroom import asked_room
from clocker.cloud import ledger
from clocker.cloud.add_hosts import bring_up_all, unfinished
from clocker.cloud.cordon import uncordon
from clocker.cloud.decide import Offers, OffersWanted, imagined
from clocker.cloud.drain import remove
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.host_views import views_of
from clocker.cloud.hosts import destroy
from clocker.cloud.intend import intend
from clocker.cloud.offers import with_offers
from clocker.cloud.recover import recover
from clocker.cloud.reports import RemoveReport, ScaleReport, Stay
from clocker.cloud.steps import each_host
from clocker.cloud.usage import refresh
from clocker.errors import BadInput, BootstrapFailed, ClockerError, NotFound, NothingFits
from clocker.images import Images
from clocker.interfaces import Parts, Transaction
from clocker.model import ContainerRequest, Headroom, Host, HostState, Keep, Work
from clocker.placement import rules_for
from clocker.placement.shapers import largest
from clocker.policies.headroom import History, Look, Scaling, decide
from clocker.policies.room import typical

LEASE = "scale-lease"
_HISTORY = "scale-history"


def scale(parts: Parts, images: Images, *, grace_s: float | None = None) -> ScaleReport:
    """BootstrapFailed when hosts could not be made or removed: all else has been done then, and
    the next run tries again."""
    spec = headroom_of(parts)
    with parts.store.transaction() as tx:
        work = ledger.claim_setting(parts, tx, LEASE)
    if work is None:
        return ScaleReport("another run is at it")
    try:
        with holding_setting(parts, LEASE, work):
            return _scale(parts, images, spec, work, grace_s)
    finally:
        with parts.store.transaction() as tx:
            ledger.release_setting(tx, LEASE, work)


def plan_scale(parts: Parts) -> ScaleReport:
    """What ``scale`` would do now; nothing is changed."""
    spec = headroom_of(parts)
    refresh(parts, _shapes(spec))
    request = _made_for(parts, spec)

    def look(offers: Offers | None) -> Scaling:
        with parts.store.read() as tx:
            return _decision(parts, tx, spec, offers, request)

    found = with_offers(parts, look, request)
    removed = tuple(host.name for host in found.remove)
    added = tuple(f"{parts.spec.name}-?" for _ in found.add)
    return _report(found, added=added, removed=removed)


def _scale(
    parts: Parts, images: Images, spec: Headroom, work: Work, grace_s: float | None
) -> ScaleReport:
    recover(parts)
    _give_up_failed(parts)
    refresh(parts, _shapes(spec))
    request = _made_for(parts, spec)
    found, hosts = with_offers(
        parts, lambda offers: _decide_and_store(parts, spec, work, offers, request), request
    )
    failures: list[ClockerError] = []
    try:
        bring_up_all(parts, hosts)
    except BootstrapFailed as error:
        failures += error.failures
    removed, stays, unremoved = _remove_all(parts, images, found.remove, grace_s)
    failures += unremoved
    if failures:
        raise BootstrapFailed(
            f"{found.why}; but {len(failures)} of {len(hosts) + len(found.remove)} hosts could not "
            "be made or removed",
            failures=failures,
        )
    return _report(found, tuple(host.name for host in hosts), removed, stays)


def _decide_and_store(
    parts: Parts, spec: Headroom, work: Work, offers: Offers | None, request: ContainerRequest
) -> tuple[Scaling, list[Host]]:
    """With the hosts to be made now, among them those that nobody completes."""
    with parts.store.transaction() as tx:
        ledger.still_holds_setting(tx, LEASE, work)
        found = _decision(parts, tx, spec, offers, request)
        hosts = [host for host in unfinished(parts, tx) if host.state is not HostState.FAILED]
        hosts += [intend(parts, tx, host) for host in found.add]
        for host, cordoned in (
            *((h, False) for h in found.back),
            *((h, True) for h in found.remove),
        ):
            if (now := tx.host(host.id)) and now.cordoned != cordoned:
                tx.put_host(replace(now, cordoned=cordoned))
        tx.set_setting(_HISTORY, msgspec.json.encode(found.history).decode())
        if hosts or found.back or found.remove:
            ledger.log(parts, tx, "scale", parts.spec.name, "decided", found.why)
        return found, hosts


def _decision(
    parts: Parts, tx: Transaction, spec: Headroom, offers: Offers | None, request: ContainerRequest
) -> Scaling:
    cloud = parts.spec
    found = decide(
        Look(
            views=tuple(views_of(tx, parts.clock())),
            spec=spec,
            rules=cloud.rules,
            news=tuple(imagined(cloud.hosts, offers or {}, request)),
            at=cloud.hosts.at,
            history=_history(tx),
            now=parts.clock(),
        )
    )
    if offers is None and (found.add or found.short) and _needs_offers(parts, spec):
        raise OffersWanted("what the providers offer is not known")
    return found


def _needs_offers(parts: Parts, spec: Headroom) -> bool:
    shape = parts.spec.hosts.shape
    rules = (rules_for(parts.spec.rules, request) for request in _shapes(spec))
    is_open = not (shape.cores and shape.ram_mb and shape.disk_mb)
    return is_open or spec.budget_hour is not None or any(each.needs_offer for each in rules)


def _shapes(spec: Headroom) -> Sequence[ContainerRequest]:
    return (*(spec.shapes or (ContainerRequest(""),)), *spec.also)


def _made_for(parts: Parts, spec: Headroom) -> ContainerRequest:
    """What the hosts' shapers look at."""
    if not parts.spec.hosts.shapers or spec.shapes:
        return largest(spec.shapes)
    with parts.store.read() as tx:
        return typical(tx.containers(), spec.quantile)


def _history(tx: Transaction) -> History:
    text = tx.setting(_HISTORY)
    return msgspec.json.decode(text, type=History) if text else History()


def _give_up_failed(parts: Parts) -> None:
    """Hosts that never were ready, and that nothing waits for: others are made in their place."""
    with parts.store.read() as tx:
        booked = {container.host_id for container in tx.containers()}
        failed = [h for h in tx.hosts() if h.state is HostState.FAILED and h.id not in booked]
    for host in failed:
        claimed = ledger.claim_host(parts, host.id, never_ready=True, state=HostState.DELETING)
        if claimed:
            destroy(parts, claimed)


def _remove_all(
    parts: Parts, images: Images, hosts: Sequence[Host], grace_s: float | None
) -> tuple[tuple[str, ...], tuple[Stay, ...], list[ClockerError]]:
    """The names of those that are gone; those that must stay, which take containers again."""
    done, failures = each_host(
        hosts, lambda host: _remove(parts, images, host, grace_s), parts.spec.hosts.concurrency
    )
    gone = tuple(report.host for report in done if isinstance(report, RemoveReport))
    return gone, tuple(stay for stay in done if isinstance(stay, Stay)), failures


def _remove(parts: Parts, images: Images, host: Host, grace_s: float | None) -> RemoveReport | Stay:
    try:
        return remove(parts, images, host.name, grace_s=grace_s)
    except NotFound:
        return RemoveReport(host.name)  # somebody else was quicker
    except NothingFits as error:
        uncordon(parts, host.name)
        why = "; ".join(f"{name}: {', '.join(reasons)}" for name, reasons in error.reasons.items())
        return Stay(host.name, why)


def _report(
    found: Scaling,
    added: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
    stays: tuple[Stay, ...] = (),
) -> ScaleReport:
    back = tuple(host.name for host in found.back)
    return ScaleReport(
        found.why, found.wanted, found.room, added, removed, back, stays, found.short
    )


def headroom_of(parts: Parts) -> Headroom:
    with parts.store.read() as tx:
        also = asked_room(tx.applications())
    spec = parts.spec.headroom
    if spec is None and also:
        pool = parts.spec.hosts
        spec = Headroom(Keep(), minimum=pool.count, maximum=pool.maximum)
    if spec is None:
        raise BadInput(
            "the cloud's document does not say what room is to be kept",
            where="clocker.yaml",
            remedy="such as  headroom: {count: 4}",
        )
    return replace(spec, also=also)
