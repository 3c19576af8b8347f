"""Which images are still to be shared: on record with what says that they were made, until they are
pushed. Whoever comes by first does it, one at a time for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from clocker.cloud import ledger
from clocker.interfaces import Parts, Transaction
from clocker.model import Work

_SETTING = "unshared"
_AGAIN_S = 60.0
_LATEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Unshared:
    """``host_id``: where it was made. ``tried``: how often in vain, and when last."""

    tag: str
    image_id: str
    host_id: str
    tried: int = 0
    tried_at: float = 0.0

    @property
    def due_at(self) -> float:
        """At once; but what keeps failing is tried less and less often."""
        return self.tried_at + min(_AGAIN_S * 2 ** (self.tried - 1), _LATEST_S) if self.tried else 0


def intend(tx: Transaction, tag: str, image_id: str, host_id: str) -> None:
    """Instead of what was of that name before."""
    others = [item for item in of(tx) if item.tag != tag]
    _set(tx, [*others, Unshared(tag, image_id, host_id)])


def of(tx: Transaction) -> list[Unshared]:
    text = tx.setting(_SETTING)
    return msgspec.json.decode(text, type=list[Unshared]) if text else []


def due(parts: Parts) -> list[Unshared]:
    """Those that nobody is at, and whose time has come."""
    with parts.store.read() as tx:
        return [item for item in of(tx) if _is_due(parts, tx, item)]


def claim(parts: Parts, item: Unshared) -> Work | None:
    """None when somebody else is at it, or has been."""
    with parts.store.transaction() as tx:
        if item not in of(tx):
            return None
        return ledger.claim_setting(parts, tx, lease_of(item.tag))


def end(parts: Parts, item: Unshared, work: Work, *, done: bool) -> None:
    """Let go of what was claimed; it stays on record unless it is ``done``."""
    failed = replace(item, tried=item.tried + 1, tried_at=parts.clock())
    with parts.store.transaction() as tx:
        if item in (items := of(tx)):
            left = [other for other in items if other != item]
            _set(tx, left if done else [*left, failed])
        ledger.release_setting(tx, lease_of(item.tag), work)


def lease_of(tag: str) -> str:
    return f"share/{tag}"


def _is_due(parts: Parts, tx: Transaction, item: Unshared) -> bool:
    is_free = ledger.setting_is_free(parts, tx, lease_of(item.tag))
    return is_free and item.due_at <= parts.clock()


def _set(tx: Transaction, items: Iterable[Unshared]) -> None:
    tx.set_setting(_SETTING, msgspec.json.encode(list(items)).decode())
