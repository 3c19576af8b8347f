"""Hosts that are dead, and that came back. What is decided is on record before anything is done: a
host that is given up is ``lost``, and whoever finds it so carries on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from clocker.cloud import ledger, secrets
from clocker.cloud.add_hosts import repair
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.heal_run import Run
from clocker.cloud.heartbeat import holding
from clocker.cloud.hosts import make
from clocker.cloud.nodes import release_all
from clocker.cloud.reports import Healed
from clocker.cloud.views import host_named
from clocker.errors import ClockerError
from clocker.interfaces import Transaction
from clocker.model import Container, ContainerState, Host, HostState, Move
from clocker.policies.heal_actions import CleanHost, RepairHost, ReplaceHost
from clocker.policies.heal_look import is_settled, lasts

_GIVEN_UP = (ContainerState.LOST, ContainerState.REPLACING)


def give_up_host(run: Run, action: ReplaceHost) -> Healed | None:
    """Fence it, unless somebody has said that it is. From then on what it had may be made anew
    elsewhere; until then nothing of it is. None when that was done by an earlier run."""
    marked = _mark(run, action)
    if marked is None:
        return None
    host, is_news = marked
    with _held(run, host):
        if host.fenced_at is None:
            _fence(run, host)
        else:
            ledger.change_host(run.parts, host, work=None)
            if not is_news:
                return None
    return Healed("replaced", host.name, host.name, action.why)


@contextmanager
def _held(run: Run, host: Host) -> Iterator[None]:
    """While the block lasts nobody else is at it. If it fails, the lease is let go of."""
    try:
        with holding(run.parts, host):
            yield
    except ledger.TakenOver:
        raise
    except ClockerError as error:
        with suppress(ledger.TakenOver):  # or what failed has let go of it already
            ledger.change_host(run.parts, host, work=None)
        ledger.log_now(run.parts, "heal", host.name, "failed", error.what[:500])
        raise


def _mark(run: Run, action: ReplaceHost) -> tuple[Host, bool] | None:
    """One transaction: the host is lost, and so is what was on it. With whether that is news; None
    when somebody is at it."""
    parts = run.parts
    with parts.store.transaction() as tx:
        run.check(tx)
        host = host_named(parts, tx, action.host)
        if not ledger.is_abandoned(parts, host.work) or host.state is HostState.DELETING:
            return None
        is_news = host.state is not HostState.LOST
        if is_news:
            ledger.log(parts, tx, "heal", host.name, "lost", action.why[:500])
        lost = replace(
            host,
            state=HostState.LOST,
            error=action.why[:500] if is_news else host.error,
            work=ledger.new_work(parts, tx),
        )
        tx.put_host(lost)
        for container in tx.containers():
            if container.host_id == host.id and (changed := _given_up(run, container, lost)):
                tx.put_container(changed)
    parts.progress.failed(host.name, f"lost: {action.why}")
    return lost, is_news


def _given_up(run: Run, container: Container, host: Host) -> Container | None:
    """As it is once its host is lost; None for one that somebody is at, or that goes anyway."""
    if not ledger.is_abandoned(run.parts, container.work):
        return None
    container = replace(container, work=None)
    is_here = is_settled(container) or container.state is ContainerState.MOVING
    if not is_here and container.state is not ContainerState.LOST:
        return None
    move = Move("", running=_was_to_run(container))
    if lasts(container, run.parts.spec.healing):
        return replace(container, state=ContainerState.REPLACING, move=move, error=None)
    why = f"its host {host.name} is lost, and {_why_not(container)}"
    return replace(container, state=ContainerState.LOST, move=move, error=why)


def _why_not(container: Container) -> str:
    if not container.request.healing.replace:
        return "it is not to be replaced"
    return "so is what it had in volumes or folders there"


def _was_to_run(container: Container) -> bool:
    """One that was restarted in vain may do better elsewhere."""
    if container.move is not None and not container.move.settled:
        return container.move.running
    return container.state is not ContainerState.STOPPED


def _fence(run: Run, host: Host) -> None:
    """Its machine is given back, wherever it carries the host's id: one that is gone is a success.
    Nothing on record leads to it any more."""
    parts = run.parts
    parts.progress.step(host.name, "fencing: its machine is given back")
    release_all(parts, host)
    parts.connections.forget(host)
    ledger.change_host(
        parts,
        host,
        fenced_at=parts.clock(),
        node_id=None,
        access=None,
        address=None,
        stamp=None,
        engine_port=None,
        work=None,
    )
    ledger.log_now(parts, "heal", host.name, "fenced", "its machine was given back")


def forget_gone(run: Run) -> None:
    """Lost hosts whose machine was given back, and that nothing is on record for."""
    with run.parts.store.transaction() as tx:
        run.check(tx)
        used = {c.host_id for c in tx.containers()}
        for host in tx.hosts():
            is_gone = host.state is HostState.LOST and host.fenced_at and host.access is None
            if is_gone and host.id not in used and ledger.is_abandoned(run.parts, host.work):
                tx.delete_host(host.id)
                tx.release_leases(f"host/{host.name}", run.parts.clock())
                ledger.log(run.parts, tx, "host", host.name, "removed")


def repair_host(run: Run, action: RepairHost) -> Healed:
    repair(run.parts, action.host)
    ledger.log_now(run.parts, "heal", action.host, "repaired", action.why[:500])
    return Healed("repaired", action.host, action.host, action.why)


def clean_host(run: Run, action: CleanHost) -> Healed | None:
    """What is not to be on it is removed before it takes part again: an old owner of an address
    does not come back with it."""
    parts = run.parts
    with parts.store.transaction() as tx:
        run.check(tx)
        host = host_named(parts, tx, action.host)
        if not ledger.is_abandoned(parts, host.work) or host.state is HostState.DELETING:
            return None
        host = replace(host, work=ledger.new_work(parts, tx))
        tx.put_host(host)
        _take_back(tx, host)
        ledger.log(parts, tx, "heal", host.name, "back", action.why)
    with _held(run, host):
        stale = _remove_stale(run, host)
        host = ledger.change_host(
            parts, host, state=HostState.REQUESTED, fenced_at=None, error=None
        )
        for container in stale:
            secrets.remove(parts, host, container)
        make(parts, host)
    return Healed("cleaned", host.name, host.name, action.why)


def _take_back(tx: Transaction, host: Host) -> None:
    """What has found no other place is here again, as it was."""
    for container in tx.containers():
        move = container.move
        if container.host_id != host.id or container.state not in _GIVEN_UP or move is None:
            continue
        if not move.host_id:
            state = ContainerState.RUNNING if move.running else ContainerState.STOPPED
            tx.put_container(replace(container, state=state, move=None, error=None))


def _remove_stale(run: Run, host: Host) -> list[Container]:
    """Those of them that are on record elsewhere."""
    parts = run.parts
    engine = parts.connections.engine(host)
    with parts.store.read() as tx:
        on_record = tx.containers()
    here = {container.id for container in _staying(on_record, host)}
    gone: set[str] = set()
    for status in engine.list({CLOUD_LABEL: parts.spec.name}):
        container_id = status.labels.get("clocker.id", "")
        if container_id not in here:
            parts.progress.step(host.name, f"removing {status.name}, which is elsewhere now")
            engine.remove(status.engine_id)
            gone.add(container_id)
    return [container for container in on_record if container.id in gone]


def _staying(containers: Sequence[Container], host: Host) -> list[Container]:
    """Also those on their way here."""
    return [
        container
        for container in containers
        if (container.host_id == host.id and container.state not in _GIVEN_UP)
        or (container.move and container.move.host_id == host.id)
    ]
