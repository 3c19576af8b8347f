"""Keeps this process's leases alive while work on them takes longer than a lease lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event as Flag
from threading import Thread

from clocker.cloud.ledger import HOLD_S
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, Host


@contextmanager
def holding(parts: Parts, thing: Host | Container) -> Iterator[None]:
    """Renew the lease on ``thing`` every third of its length until the block is left."""
    stop = Flag()
    beat = Thread(target=_beat, args=(parts, thing, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()


def _beat(parts: Parts, thing: Host | Container, stop: Flag) -> None:
    while not stop.wait(HOLD_S / 3):
        try:
            with parts.store.transaction() as tx:
                if not _renew(parts, tx, thing):
                    return
        except ClockerError as error:  # a store that is away for a moment is asked again
            parts.progress.failed(thing.name, f"could not renew the lease: {error.what}")


def _renew(parts: Parts, tx: Transaction, thing: Host | Container) -> bool:
    deadline = parts.clock() + HOLD_S
    if isinstance(thing, Host):
        host = tx.host(thing.id)
        if host is None or host.work is None or host.work.owner != parts.owner:
            return False
        tx.put_host(replace(host, work=replace(host.work, deadline=deadline)))
        return True
    container = tx.container(thing.name)
    if container is None or container.work is None or container.work.owner != parts.owner:
        return False
    tx.put_container(replace(container, work=replace(container.work, deadline=deadline)))
    return True
