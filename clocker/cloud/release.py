"""Gives a container back, and undoes one that did not come to be. Idempotent at every step."""

from __future__ import annotations

from dataclasses import replace

from clocker.cloud import ledger, secrets
from clocker.cloud.names import withdraw
from clocker.cloud.remains import remove_from, remove_other_end
from clocker.errors import ClockerError, NotFound
from clocker.interfaces import Parts
from clocker.model import Container, ContainerState


def release(parts: Parts, name: str) -> None:
    """Remove the container; its address and name are free once nothing of it is left.
    NotFound; Unreachable (it then stays on record as being removed, to be called again)."""
    with parts.store.transaction() as tx:
        container = tx.container(name)
        if container is None:
            raise not_found(parts, name)
        claimed = replace(container, state=ContainerState.REMOVING, work=ledger.new_work(parts, tx))
        tx.put_container(claimed)
    _finish(parts, claimed, "release")


def undo(parts: Parts, container: Container) -> None:
    """Remove what came to be of a container that this process could not complete. The error
    that is on its way is more telling than one from here, which is only reported; what is left
    is on record and removed by the next command."""
    try:
        _finish(parts, container, "undo")
    except ClockerError as error:
        parts.progress.failed(container.name, f"not removed yet: {error.what}")


def not_found(parts: Parts, name: str) -> NotFound:
    return NotFound(
        f"no container is called {name!r}",
        where=f"cloud {parts.spec.name}",
        remedy="clocker ps lists them",
    )


def _finish(parts: Parts, container: Container, verb: str) -> None:
    with parts.store.read() as tx:
        host = tx.host(container.host_id)
        is_current = _is(container, tx.container(container.name))
    if is_current:
        withdraw(parts, container, container.endpoints)
    remove_from(parts, host, container)
    secrets.remove(parts, host, container)
    if container.move:
        remove_other_end(parts, container, container.move)
    with parts.store.transaction() as tx:
        if not _is(container, tx.container(container.name)):
            return
        tx.delete_container(container.id)
        tx.release_leases(f"container/{container.name}", parts.clock())
        ledger.log(parts, tx, verb, container.name, "removed")
    parts.progress.done(container.name, "removed")


def _is(container: Container, other: Container | None) -> bool:
    """The name may belong to a successor by now, which must not be touched."""
    return other is not None and other.id == container.id
