"""Makes containers of lost hosts anew on others: name, addresses, networks and, where they are
free there, ports stay. The leases on their addresses are never let go of.

A container that is ``replacing`` is on record on its lost host until it runs elsewhere; ``move``
says where it is going. Whoever finds it so, with its old host fenced, makes it anew.
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.decide import Offers, decide
from clocker.cloud.heal_containers import made_anew, or_removed
from clocker.cloud.heal_run import Run, claimed, complete
from clocker.cloud.host_views import views_with
from clocker.cloud.hosts import destroy, ensure_ready
from clocker.cloud.intend import intend
from clocker.cloud.membership import sync
from clocker.cloud.move_place import VolumesFree, ports_there
from clocker.cloud.offers import with_offers
from clocker.cloud.reports import Healed
from clocker.cloud.steps import side_by_side
from clocker.cloud.usage import refresh
from clocker.errors import ClockerError, InfrastructureError, NothingFits
from clocker.interfaces import Transaction
from clocker.model import Container, ContainerState, Host, HostState, HostView, Move
from clocker.placement import Fleet
from clocker.policies.heal_look import in_order

_AT_ONCE = 16


def replace_containers(run: Run) -> list[Healed]:
    """All that can be made anew now, in the order of their priorities."""
    with run.parts.store.read() as tx:
        waiting = _waiting(run, tx)
    if not waiting:
        return []
    sync(run.parts)  # nobody sends anything to the lost hosts, or asks them for names
    refresh(run.parts, [container.request for container in waiting])
    placed, refused = with_offers(run.parts, lambda offers: _place_all(run, offers))
    with side_by_side(min(_AT_ONCE, len(placed))) as pool:
        jobs = [(container, pool.submit(_make_anew, run, container)) for container in placed]
    done = [_outcome(container, job) for container, job in jobs]
    return [*(item for item in done if item), *refused]


def _waiting(run: Run, tx: Transaction) -> list[Container]:
    """Those whose old host is fenced, and the one that they were going to if that is lost as well:
    their address is used nowhere."""
    lost = [host for host in tx.hosts() if host.state is HostState.LOST]
    fenced = {host.id for host in lost if _is_fenced(host)}
    dangerous = {host.id for host in lost} - fenced
    found = [
        container
        for container in tx.containers()
        if container.state is ContainerState.REPLACING
        and container.host_id in fenced
        and (container.move is None or container.move.host_id not in dangerous)
        and ledger.is_abandoned(run.parts, container.work)
    ]
    return sorted(found, key=in_order)


def _is_fenced(host: Host) -> bool:
    return host.state is HostState.LOST and host.fenced_at is not None


def _place_all(run: Run, offers: Offers | None) -> tuple[list[Container], list[Healed]]:
    """One transaction: the places of all of them are booked, the highest priority's first. Those
    that have one keep it, unless that host is not to be had any more."""
    parts = run.parts
    with parts.store.transaction() as tx:
        run.check(tx)
        hosts = {host.id: host for host in tx.hosts()}
        views = [v for v in views_with(tx, tx.containers(), parts.clock()) if _stays(v.host)]
        fleet = Fleet(views)
        placed: list[Container] = []
        refused: list[Healed] = []
        for container in _waiting(run, tx):
            try:
                placed.append(_placed(run, tx, fleet, hosts, container, offers))
            except NothingFits as error:
                why = f"{hosts[container.host_id].name} is lost"
                refused.append(Healed("recreated", container.name, "", why, error))
        return placed, refused


def _stays(host: Host) -> bool:
    return host.state is not HostState.LOST


def _placed(
    run: Run,
    tx: Transaction,
    fleet: Fleet,
    hosts: dict[str, Host],
    container: Container,
    offers: Offers | None,
) -> Container:
    move = container.move or Move("")
    target = hosts.get(move.host_id)
    if target is not None and not _is_in_vain(target):
        return container
    decision = decide(run.parts.spec, fleet, container.request, offers, also=(VolumesFree(),))
    host = decision.host
    if decision.new:
        host = intend(run.parts, tx, host)
        fleet.update(HostView(host))
    ports = ports_there(fleet.view(host.id), container)
    booked = replace(container, move=Move(host.id, ports, running=move.running), work=None)
    tx.put_container(booked)
    fleet.book(replace(booked, host_id=host.id, ports=ports))
    ledger.log(run.parts, tx, "heal", container.name, "booked", f"on {host.name}")
    return booked


def _is_in_vain(host: Host) -> bool:
    """Nothing can have been made on it, or nothing of it is left."""
    return _is_fenced(host) or (host.state is HostState.FAILED and host.stamp is None)


def _make_anew(run: Run, container: Container) -> Healed | None:
    claim = _claim(run, container)
    if claim is None:
        return None
    container, source = claim
    move = container.move
    assert move is not None  # noqa: S101 - it has been booked
    with claimed(run, container):
        target = _ready(run, container, move)
        arriving = replace(container, host_id=target.id, ports=move.ports)
        why = f"{source.name} is lost"
        with or_removed(run, target, arriving):
            made = made_anew(run, target, arriving, running=move.running)
            complete(
                run,
                container,
                "recreated",
                f"on {target.name}: {why}",
                host_id=target.id,
                ports=move.ports,
                engine_id=made.engine_id,
                image_id=made.image_id,
                state=ContainerState.RUNNING if move.running else ContainerState.STOPPED,
                move=None,
            )
    return Healed("recreated", container.name, target.name, why)


def _claim(run: Run, container: Container) -> tuple[Container, Host] | None:
    """Only while its old host is fenced; its record has no engine's id until it is whole."""
    with run.parts.store.transaction() as tx:
        run.check(tx)
        now = tx.container(container.name)
        source = tx.host(now.host_id) if now else None
        if now is None or now.id != container.id or source is None or not _is_fenced(source):
            return None
        if now.state is not ContainerState.REPLACING or now.move != container.move:
            return None
        if not ledger.is_abandoned(run.parts, now.work):
            return None
        taken = replace(now, engine_id=None, work=ledger.new_work(run.parts, tx))
        tx.put_container(taken)
        return taken, source


def _ready(run: Run, container: Container, move: Move) -> Host:
    """A host that was to be made for it and failed is given back; the next run places it anew."""
    run.parts.progress.step(container.name, "waiting for its new host")
    try:
        return ensure_ready(run.parts, move.host_id)
    except InfrastructureError:
        given_up = ledger.claim_host(
            run.parts, move.host_id, never_ready=True, state=HostState.DELETING
        )
        if given_up:
            destroy(run.parts, given_up)
        raise


def _outcome(container: Container, job: Future[Healed | None]) -> Healed | None:
    try:
        return job.result()
    except ClockerError as error:
        return Healed("recreated", container.name, "", "its host is lost", error)
