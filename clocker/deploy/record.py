"""The record of an application: claimed by whoever works on it, and told how that ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from clocker.applications import belongs, network_taken
from clocker.cloud import ledger
from clocker.cloud.heartbeat import holding_application
from clocker.cloud.networks import is_on
from clocker.errors import NameTaken, NotFound
from clocker.interfaces import Parts, Transaction
from clocker.model import Application, Deployment, DeploymentState


def deployment(parts: Parts, name: str) -> Deployment:
    """NotFound when no application is called so."""
    with parts.store.read() as tx:
        found = tx.application(name)
    if found is None:
        raise not_found(parts, name)
    return found


def not_found(parts: Parts, name: str) -> NotFound:
    return NotFound(
        f"no application is called {name!r}",
        where=f"cloud {parts.spec.name}",
        remedy="clocker apps lists them",
    )


@contextmanager
def claimed(
    parts: Parts, name: str, change: Callable[[Deployment | None, Transaction], Deployment]
) -> Iterator[Deployment]:
    """Work on the application, with what ``change`` makes of its record; nobody else does
    meanwhile. NameTaken while somebody else is at it."""
    with parts.store.transaction() as tx:
        now = tx.application(name)
        if now and now.work and not ledger.is_abandoned(parts, now.work):
            raise NameTaken(
                f"{now.work.owner.partition(':')[0]} is at it already",
                where=f"application {name}",
                remedy="wait until that has ended: clocker apps",
            )
        work = ledger.new_work(parts, tx)
        found = replace(change(now, tx), work=work, changed_at=parts.clock())
        tx.put_application(found)
    try:
        with holding_application(parts, name, work):
            yield found
    finally:
        _let_go(parts, found)


def put(parts: Parts, deployment: Deployment, outcome: str, **changes: Any) -> Deployment:
    """Write ``changes`` to the record that ``deployment.work`` entitles to."""
    with parts.store.transaction() as tx:
        changed = replace(_still_held(tx, deployment), changed_at=parts.clock(), **changes)
        tx.put_application(changed)
        ledger.log(parts, tx, "deploy", deployment.name, outcome, changed.error)
        return changed


def restore(parts: Parts, deployment: Deployment, before: Deployment | None) -> None:
    """As it was before the claim: of what was refused nothing is kept."""
    with parts.store.transaction() as tx:
        now = _still_held(tx, deployment)
        if before is None:
            tx.delete_application(deployment.name)
        else:
            tx.put_application(replace(before, work=now.work))


def forget(parts: Parts, deployment: Deployment) -> None:
    with parts.store.transaction() as tx:
        _still_held(tx, deployment)
        tx.delete_application(deployment.name)
        ledger.log(parts, tx, "deploy", deployment.name, "removed")


def begun(
    now: Deployment | None, tx: Transaction, target: Application, own: tuple[str, ...]
) -> Deployment:
    """The record of a deploy of ``target`` that begins: what was deployed last is kept to go back
    to; ``own``: the networks that it is to have. NameTaken when one of them is somebody else's."""
    former = now.former if now else None
    if now and now.state is DeploymentState.DEPLOYED:
        former = now.application
    owned = owned_networks(now, tx, target.name, own)
    for network in own:
        if network not in owned and tx.network(network):
            raise network_taken(target.name, network)
    owned = tuple(dict.fromkeys((*owned, *own)))
    return Deployment(target.name, target, DeploymentState.DEPLOYING, former, owned)


def owned_networks(
    now: Deployment | None, tx: Transaction, name: str, wanted: tuple[str, ...]
) -> tuple[str, ...]:
    """Those on its record; of one whose record was lost, those of the ``wanted`` ones that are
    there and that only it is on."""
    if now is not None:
        return now.networks
    there = [network for network in wanted if tx.network(network)]
    containers = tx.containers() if there else ()
    users = {net: [each for each in containers if is_on(each, net)] for net in there}
    return tuple(
        net for net, those in users.items() if those and all(belongs(c, name) for c in those)
    )


def _still_held(tx: Transaction, deployment: Deployment) -> Deployment:
    now = tx.application(deployment.name)
    mine = deployment.work.token if deployment.work else 0
    if now is None or now.work is None or now.work.token != mine:
        raise ledger.TakenOver(
            f"application {deployment.name} has been taken over by another process"
        )
    return now


def _let_go(parts: Parts, deployment: Deployment) -> None:
    """Whoever has taken it over meanwhile keeps it."""
    with parts.store.transaction() as tx:
        now = tx.application(deployment.name)
        if now and now.work and deployment.work and now.work.token == deployment.work.token:
            tx.put_application(replace(now, work=None))
