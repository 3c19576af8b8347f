"""Ends what processes that are gone had begun with containers."""

from __future__ import annotations

from clocker.cloud import installs, ledger
from clocker.cloud.move_back import recover_moves
from clocker.cloud.release import undo
from clocker.cloud.retire import finish_deleting
from clocker.errors import ClockerError
from clocker.interfaces import Parts
from clocker.model import ContainerState


def recover(parts: Parts) -> tuple[str, ...]:
    """Remove what was being made or removed, move back what was being moved; returns the names.
    A host that is away does not stop it, nor does one that cannot be removed yet."""
    try:
        finish_deleting(parts)
    except ClockerError as error:
        parts.progress.failed(parts.spec.name, f"left for the next command: {error.what}")
    installs.recover(parts)
    with parts.store.read() as tx:
        left = [
            container
            for container in tx.containers()
            if container.state in (ContainerState.CREATING, ContainerState.REMOVING)
            and ledger.is_abandoned(parts, container.work)
        ]
    recovered = []
    for container in left:
        if claimed := ledger.claim_container(parts, container.name):
            undo(parts, claimed)
            recovered.append(claimed.name)
    return (*recovered, *recover_moves(parts))
