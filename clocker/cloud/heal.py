"""Looks after the cloud: asks every host how it is, decides once, and acts on it.

What is decided is on record before it is done. A run that is killed leaves nothing else, and the
next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.heal_containers import carry_out
from clocker.cloud.heal_due import restart_due
from clocker.cloud.heal_elsewhere import replace_containers
from clocker.cloud.heal_hosts import clean_host, forget_gone, give_up_host, repair_host
from clocker.cloud.heal_look import Asked, ask, keep, look
from clocker.cloud.heal_run import CONTAINERS_AT_ONCE, LEASE, Run, all_of, told
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.host_views import views_of
from clocker.cloud.recover import recover
from clocker.cloud.reports import Healed, HealReport
from clocker.cloud.views import host_named
from clocker.errors import BadInput, NameTaken
from clocker.images import Images
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, Host, HostState
from clocker.policies.heal_actions import (
    CleanHost,
    Plan,
    RepairHost,
    ReplaceHost,
    RestartContainer,
    Trouble,
)
from clocker.policies.heal_look import Look, is_settled, own
from clocker.policies.healing import decide


def heal(
    parts: Parts,
    images: Images,
    *,
    fenced: Sequence[str] = (),
    only: Collection[str] | None = None,
) -> HealReport:
    """Once. ``fenced``: names of hosts of which it is certain that they are off; BadInput for one
    that answers. ``only``: names of the hosts to ask, where it is known that nothing else has
    changed. What fails is in the report, and does not stop the rest."""
    with parts.store.transaction() as tx:
        work = ledger.claim_setting(parts, tx, LEASE)
    if work is None and fenced:
        raise NameTaken("another run is at it", where="heal", remedy="say it again in a moment")
    if work is None:
        return HealReport(note="another run is at it")
    try:
        with holding_setting(parts, LEASE, work):
            return _heal(Run(parts, images, work), fenced, only)
    finally:
        with parts.store.transaction() as tx:
            ledger.release_setting(tx, LEASE, work)


def plan_heal(parts: Parts, *, fenced: Sequence[str] = ()) -> HealReport:
    """What ``heal`` would do now; nothing is changed."""
    asked = ask(parts)
    with parts.store.read() as tx:
        hosts = [host_named(parts, tx, name) for name in fenced]
        _refuse_answering(hosts, asked)
        seen = look(parts, tx, asked.seen)
    plan = decide(_as_if_fenced(seen, {host.id for host in hosts}))
    return HealReport(
        done=tuple(told(action) for action in plan.actions),
        pending=plan.pending,
        troubles=(*plan.troubles, *_unasked(asked)),
        breaker=plan.breaker,
    )


def _heal(run: Run, fenced: Sequence[str], only: Collection[str] | None) -> HealReport:
    parts = run.parts
    recovered = recover(parts)
    asked = ask(parts, only)
    plan = _decide_and_store(run, asked, fenced)
    done = _act(run, plan)
    return HealReport(
        done=tuple(done),
        pending=plan.pending,
        troubles=(*plan.troubles, *_unasked(asked)),
        breaker=plan.breaker,
        recovered=recovered,
    )


def _decide_and_store(run: Run, asked: Asked, fenced: Sequence[str]) -> Plan:
    parts = run.parts
    with parts.store.transaction() as tx:
        run.check(tx)
        _take_word(run, tx, asked, fenced)
        views = views_of(tx)
        plan = decide(look(parts, tx, asked.seen, views))
        keep(tx, plan.history)
        containers = [container for view in views for container in own(view)]
        run.waiting.update(_who_waits(containers))
        _let_go_of_left(run, tx, containers)
        if plan.breaker:
            ledger.log(parts, tx, "heal", parts.spec.name, "breaker open", plan.breaker)
        return plan


def _who_waits(containers: Iterable[Container]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for container in containers:
        for cause in container.request.healing.restart_with:
            found[cause] = (*found.get(cause, ()), container.id)
    return found


def _let_go_of_left(run: Run, tx: Transaction, containers: Iterable[Container]) -> None:
    """An earlier run that was killed has left its leases on containers that are well."""
    for container in containers:
        is_left = container.work and ledger.is_abandoned(run.parts, container.work)
        if is_left and is_settled(replace(container, work=None)):
            tx.put_container(replace(container, work=None))


def _take_word(run: Run, tx: Transaction, asked: Asked, fenced: Sequence[str]) -> None:
    """Somebody has said that these are off."""
    hosts = [host_named(run.parts, tx, name) for name in fenced]
    _refuse_answering(hosts, asked)
    for host in hosts:
        if host.fenced_at is None:
            tx.put_host(replace(host, fenced_at=run.parts.clock()))
            ledger.log(run.parts, tx, "heal", host.name, "fenced", "somebody said so")


def _refuse_answering(hosts: Iterable[Host], asked: Asked) -> None:
    for host in hosts:
        found = asked.seen.get(host.id)
        if host.name in asked.refused or (found and found.reachable):
            raise BadInput(
                "it answers, so it is not off",
                where=f"host {host.name}",
                remedy=f"to empty a host that is up: clocker host drain {host.name}",
            )
        if host.stamp is None and host.state is not HostState.LOST:
            raise BadInput(
                "it never was ready, so nothing runs on it",
                where=f"host {host.name}",
                remedy=f"to give it back: clocker host rm {host.name}",
            )


def _as_if_fenced(seen: Look, ids: set[str]) -> Look:
    views = (
        replace(view, host=replace(view.host, fenced_at=seen.now)) if view.host.id in ids else view
        for view in seen.views
    )
    return replace(seen, views=tuple(views))


def _unasked(asked: Asked) -> list[Trouble]:
    return [
        Trouble(name, f"it answers, but cannot be asked: {error.what}", error.remedy or "")
        for name, error in asked.refused.items()
    ]


def _act(run: Run, plan: Plan) -> list[Healed]:
    """Containers where they are, then whole hosts; who depends on one of them last."""
    here = [a for a in plan.actions if not isinstance(a, RepairHost | ReplaceHost | CleanHost)]
    first = [a for a in here if not (isinstance(a, RestartContainer) and a.after is not None)]
    done = all_of(run, first, carry_out, CONTAINERS_AT_ONCE)
    done += restart_due(run, done)
    at_once = run.parts.spec.hosts.concurrency
    hosts = [a for a in plan.actions if isinstance(a, RepairHost | ReplaceHost | CleanHost)]
    done += all_of(run, hosts, _on_host, at_once)
    if any(isinstance(action, ReplaceHost) for action in hosts):
        recover(run.parts)  # what had to wait until its host was fenced
    done += replace_containers(run)
    forget_gone(run)
    return done + restart_due(run, done)


def _on_host(run: Run, action: RepairHost | ReplaceHost | CleanHost) -> Healed | None:
    match action:
        case RepairHost():
            return repair_host(run, action)
        case ReplaceHost():
            return give_up_host(run, action)
        case CleanHost():
            return clean_host(run, action)
