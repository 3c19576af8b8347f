"""Keeps this process's leases alive while work on them takes longer than a lease lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event as Flag
from threading import Thread
from typing import TypeAlias

from clocker.cloud import ledger
from clocker.cloud.ledger import HOLD_S
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, Host, Work

Renew: TypeAlias = Callable[[Transaction], bool]
"""Makes a lease last longer; False when it is somebody else's now."""


@contextmanager
def holding(parts: Parts, thing: Host | Container) -> Iterator[None]:
    """Renew the lease on ``thing`` every third of its length until the block is left."""
    with _beating(parts, thing.name, lambda tx: _renew(parts, tx, thing)):
        yield


@contextmanager
def holding_setting(parts: Parts, key: str, work: Work) -> Iterator[None]:
    """The same for a lease of ``ledger.claim_setting``."""
    with _beating(parts, key, lambda tx: ledger.renew_setting(parts, tx, key, work)):
        yield


@contextmanager
def _beating(parts: Parts, name: str, renew: Renew) -> Iterator[None]:
    stop = Flag()
    beat = Thread(target=_beat, args=(parts, name, renew, stop), daemon=True)
    beat.start()
    try:
        yield
    finally:
        stop.set()


def _beat(parts: Parts, name: str, renew: Renew, stop: Flag) -> None:
    while not stop.wait(HOLD_S / 3):
        try:
            with parts.store.transaction() as tx:
                if not renew(tx):
                    return
        except ClockerError as error:  # a store that is away for a moment is asked again
            parts.progress.failed(name, f"could not renew the lease: {error.what}")


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


@contextmanager
def holding_application(parts: Parts, name: str, work: Work) -> Iterator[None]:
    """The same for the lease on an application."""
    with _beating(parts, name, lambda tx: _renew_application(parts, tx, name, work)):
        yield


def _renew_application(parts: Parts, tx: Transaction, name: str, work: Work) -> bool:
    now = tx.application(name)
    if now is None or now.work is None or now.work.token != work.token:
        return False
    renewed = replace(now.work, deadline=parts.clock() + HOLD_S)
    tx.put_application(replace(now, work=renewed))
    return True
