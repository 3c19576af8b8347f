"""Changes to the record of a cloud: each one transaction, fenced by the token of whoever works.

A lease (``Work``) on a host or container says who carries out its unfinished work. It ends with
its deadline, or at once when its owner's process is gone. Whoever takes over gets a larger
token, and writes that still carry the old one are refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from clocker.errors import InfrastructureError
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, Event, Host, Work

HOLD_S = 30.0


class TakenOver(InfrastructureError):
    """Another process carries on with what this one had begun; this one must let go."""


def new_work(parts: Parts, tx: Transaction) -> Work:
    return Work(parts.owner, tx.next_token(), parts.clock() + HOLD_S)


def is_abandoned(parts: Parts, work: Work | None) -> bool:
    """Whether unfinished work has nobody who does it."""
    return work is None or work.deadline < parts.clock() or parts.owner_is_dead(work.owner)


def claim_host(
    parts: Parts, host_id: str, *, never_ready: bool = False, **changes: Any
) -> Host | None:
    """Take the unfinished host over, with ``changes``; None when somebody else is at it, when
    it is gone, or, with ``never_ready``, when a bootstrap has once completed on it."""
    with parts.store.transaction() as tx:
        host = tx.host(host_id)
        if host is None or not is_abandoned(parts, host.work):
            return None
        if never_ready and host.stamp is not None:
            return None
        claimed = replace(host, work=new_work(parts, tx), error=None, **changes)
        tx.put_host(claimed)
        return claimed


def claim_setting(parts: Parts, tx: Transaction, key: str) -> Work | None:
    """Take a lease that is no host's or container's; None while somebody else has it."""
    if not is_abandoned(parts, _setting_work(tx, key)):
        return None
    work = new_work(parts, tx)
    tx.set_setting(key, msgspec.json.encode(work).decode())
    return work


def setting_is_free(parts: Parts, tx: Transaction, key: str) -> bool:
    """Whether ``claim_setting`` would succeed."""
    return is_abandoned(parts, _setting_work(tx, key))


def holds_setting(tx: Transaction, key: str, work: Work) -> bool:
    """Whether ``work`` is the latest claim, and has not been let go of."""
    return _token(_setting_work(tx, key)) == work.token


def still_holds_setting(tx: Transaction, key: str, work: Work) -> None:
    """TakenOver unless ``work`` is the latest claim."""
    if not holds_setting(tx, key, work):
        raise TakenOver("another process carries on with this")


def renew_setting(parts: Parts, tx: Transaction, key: str, work: Work) -> bool:
    if not holds_setting(tx, key, work):
        return False
    renewed = replace(work, deadline=parts.clock() + HOLD_S)
    tx.set_setting(key, msgspec.json.encode(renewed).decode())
    return True


def release_setting(tx: Transaction, key: str, work: Work) -> None:
    if holds_setting(tx, key, work):
        tx.set_setting(key, "")


def claim_container(parts: Parts, name: str) -> Container | None:
    """Take the unfinished container over; None when somebody else is at it, or it is gone."""
    with parts.store.transaction() as tx:
        container = tx.container(name)
        if container is None or not is_abandoned(parts, container.work):
            return None
        claimed = replace(container, work=new_work(parts, tx))
        tx.put_container(claimed)
        return claimed


def change_host(parts: Parts, host: Host, **changes: Any) -> Host:
    """Write ``changes`` to the host that ``host.work`` entitles to; TakenOver otherwise."""
    with parts.store.transaction() as tx:
        now = tx.host(host.id)
        if now is None or _token(now.work) != _token(host.work):
            raise TakenOver(f"host {host.name} has been taken over by another process")
        changed = replace(now, **changes)
        tx.put_host(changed)
        return changed


def change_container(
    parts: Parts, container: Container, *, event: tuple[str, str, str] | None = None, **changes: Any
) -> Container:
    """Write ``changes`` to the container that ``container.work`` entitles to, and the event
    (verb, outcome, detail) with them."""
    with parts.store.transaction() as tx:
        changed = replace(still_held(tx, container), **changes)
        tx.put_container(changed)
        if event:
            log(parts, tx, event[0], changed.name, event[1], event[2])
        return changed


def still_held(tx: Transaction, container: Container) -> Container:
    """The container as it is now, if ``container.work`` entitles to it; TakenOver otherwise."""
    now = tx.container(container.name)
    if now is None or now.id != container.id or _token(now.work) != _token(container.work):
        raise TakenOver(f"container {container.name} has been taken over by another process")
    return now


def log(
    parts: Parts, tx: Transaction, verb: str, subject: str, outcome: str, detail: str = ""
) -> None:
    who = parts.owner.partition(":")[0]
    tx.append_event(Event(parts.clock(), who, verb, subject, outcome, detail))


def log_all(
    parts: Parts, tx: Transaction, verb: str, outcome: str, details: Iterable[tuple[str, str]]
) -> None:
    """The same of many: their names and details."""
    who, now = parts.owner.partition(":")[0], parts.clock()
    tx.append_events([Event(now, who, verb, name, outcome, detail) for name, detail in details])


def log_now(parts: Parts, verb: str, subject: str, outcome: str, detail: str = "") -> None:
    with parts.store.transaction() as tx:
        log(parts, tx, verb, subject, outcome, detail)


def _setting_work(tx: Transaction, key: str) -> Work | None:
    text = tx.setting(key)
    return msgspec.json.decode(text, type=Work) if text else None


def _token(work: Work | None) -> int:
    return work.token if work else 0
