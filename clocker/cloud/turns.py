"""What the whole cloud does once: whoever has the lease does it; all others wait for that, and
share its outcome or its failure."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from clocker.cloud import ledger
from clocker.errors import InfrastructureError, TimedOut
from clocker.interfaces import Parts, Transaction

_LOOK_S = 0.2
_BEYOND_S = 300.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The last one of its kind: whoever has waited for it need not try the same."""

    at: float
    what: str


def await_end(parts: Parts, lease: str, subject: str, what: str, limit_s: float) -> None:
    """Until whoever is at it has ended, or is gone; InfrastructureError when that failed."""
    parts.progress.step(subject, f"waiting for the same {what} elsewhere")
    begun = parts.clock()
    while not is_free(parts, lease):
        if parts.clock() - begun > limit_s + _BEYOND_S:
            raise TimedOut(f"the same {what} elsewhere does not end", where=what)
        parts.sleep(_LOOK_S)
    if failure := failed_since(parts, lease, begun):
        raise InfrastructureError(f"the same {what} has failed elsewhere:\n{failure}")


def is_free(parts: Parts, lease: str) -> bool:
    with parts.store.read() as tx:
        return ledger.setting_is_free(parts, tx, lease)


def made_last(parts: Parts, lease: str) -> str | None:
    """The id of the image that whoever had the lease last has made."""
    with parts.store.read() as tx:
        return tx.setting(_made_of(lease))


def failed_since(parts: Parts, lease: str, since: float) -> str | None:
    """What the last failure after that time said."""
    with parts.store.read() as tx:
        text = tx.setting(_failure_of(lease))
    failure = msgspec.json.decode(text, type=Failure) if text else None
    return failure.what if failure and failure.at > since else None


def note_made(tx: Transaction, lease: str, image_id: str) -> None:
    """From now on that is what the lease's name means."""
    tx.set_setting(_made_of(lease), image_id)


def note_failure(parts: Parts, tx: Transaction, lease: str, what: str) -> None:
    told = Failure(parts.clock(), what)
    tx.set_setting(_failure_of(lease), msgspec.json.encode(told).decode())


def _made_of(lease: str) -> str:
    return f"{lease}/made"


def _failure_of(lease: str) -> str:
    return f"{lease}/failed"
