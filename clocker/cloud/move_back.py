"""Ends what a move left: undoes one that did not come to its end, and removes what a completed
one left behind. Both may be killed and done again."""

from __future__ import annotations

from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.announce import announce
from clocker.cloud.container_spec import engine_name
from clocker.cloud.remains import remove_other_end
from clocker.errors import ClockerError, InfrastructureError, Unreachable
from clocker.interfaces import Parts
from clocker.model import Container, ContainerState, Host, Move

_HEALED = (ContainerState.REPLACING, ContainerState.LOST)


def undo_move(parts: Parts, container: Container) -> None:
    """Make it again what it was, on the host where it is on record. The error that is on its way
    is more telling than one from here; what cannot be done now is on record."""
    try:
        _undo(parts, container)
    except ledger.TakenOver:
        _leave_to_others(parts, container)
    except ClockerError as error:
        parts.progress.failed(container.name, f"not moved back yet: {error.what}")
        ledger.change_container(parts, container, work=None)


def settle(parts: Parts, container: Container) -> bool:
    """Remove what a completed move left at the other host; False if that must wait."""
    move = container.move
    if move is None:
        return True
    try:
        remove_other_end(parts, container, move)
    except ClockerError as error:
        parts.progress.failed(container.name, f"remains are not removed yet: {error.what}")
        return False
    with parts.store.transaction() as tx:
        now = tx.container(container.name)
        if now is not None and now.id == container.id and now.move == move:
            tx.put_container(replace(now, move=None))
    return True


def recover_moves(parts: Parts) -> tuple[str, ...]:
    """End what processes that are gone had begun; the names of those that are whole again."""
    with parts.store.read() as tx:
        moving = [c for c in tx.containers() if c.move and c.state not in _HEALED]
    recovered = []
    for container in moving:
        if container.state is ContainerState.MOVING:
            if claimed := _claim(parts, container):
                undo_move(parts, claimed)
                recovered.append(container.name)
        elif container.state is not ContainerState.REMOVING and settle(parts, container):
            recovered.append(container.name)
    return tuple(recovered)


def _claim(parts: Parts, container: Container) -> Container | None:
    claimed = ledger.claim_container(parts, container.name)
    return claimed if claimed and claimed.state is ContainerState.MOVING else None


def _undo(parts: Parts, container: Container) -> None:
    now, host = _current(parts, container)
    move = now.move
    if move is None:
        return
    left = _remove_target(parts, now, move)
    engine, known = parts.connections.engine(host), engine_name(parts.spec.name, now.name)
    engine.set_restart(known, now.request.restart)
    if move.running:
        engine.start(known)
        if move.started:
            announce(parts, engine, host, now, known)
    ledger.change_container(
        parts,
        now,
        event=("move", "undone", f"on {host.name}"),
        state=ContainerState.RUNNING if move.running else ContainerState.STOPPED,
        move=left,
        work=None,
    )


def _remove_target(parts: Parts, container: Container, move: Move) -> Move | None:
    """What stays on record of the move. Two must never run at one address: while the target may
    run and cannot be asked, the source must not be started."""
    try:
        remove_other_end(parts, container, move)
    except InfrastructureError as error:
        if move.started:
            raise
        parts.progress.failed(container.name, f"remains are not removed yet: {error.what}")
        return replace(move, ports=(), settled=True)
    return None


def _current(parts: Parts, container: Container) -> tuple[Container, Host]:
    with parts.store.read() as tx:
        now = ledger.still_held(tx, container)
        host = tx.host(now.host_id)
    if host is None:
        raise Unreachable("its host is gone", where=f"container {container.name}")
    return now, host


def _leave_to_others(parts: Parts, container: Container) -> None:
    """Whoever removes the container may have looked before this process made the target."""
    with parts.store.read() as tx:
        now = tx.container(container.name)
    is_ours = now is not None and now.id == container.id
    if container.move and not (is_ours and now and now.state is not ContainerState.REMOVING):
        try:
            remove_other_end(parts, container, container.move)
        except ClockerError as error:
            parts.progress.failed(container.name, f"not removed yet: {error.what}")
