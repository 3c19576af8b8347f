"""What is being removed at the providers: meanwhile nobody takes it in or builds upon it."""

from __future__ import annotations

import json

from clocker.cloud.remnants import Thing
from clocker.interfaces import Parts, Transaction

_SETTING = "gc/removing"
_POLL_S = 1.0
# A security group is waited for until the last machine in it has gone.
_LONGEST_S = 330.0

Removals = dict[str, tuple[str, float]]
"""Who removes a thing, and until when that may take, by the thing's key."""


def begin(parts: Parts, tx: Transaction, thing: Thing) -> None:
    """In the transaction that has decided."""
    _write(tx, _read(parts, tx) | {thing.key: (parts.owner, parts.clock() + _LONGEST_S)})


def end(parts: Parts, thing: Thing) -> None:
    with parts.store.transaction() as tx:
        left = _read(parts, tx)
        left.pop(thing.key, None)
        _write(tx, left)


def is_begun(parts: Parts, tx: Transaction, thing: Thing) -> bool:
    return thing.key in _read(parts, tx)


def await_none(parts: Parts, provider: str, subject: str) -> None:
    """Whoever has stored an intent needs to wait only for removals that had been begun before."""
    while True:
        with parts.store.read() as tx:
            busy = [key for key in _read(parts, tx) if key.startswith(f"{provider}/")]
        if not busy:
            return
        parts.progress.step(subject, f"waiting: clocker gc is removing {busy[0]}")
        parts.sleep(_POLL_S)


def _read(parts: Parts, tx: Transaction) -> Removals:
    """Those whose process may live."""
    found = json.loads(tx.setting(_SETTING) or "{}")
    return {
        key: (owner, until)
        for key, (owner, until) in found.items()
        if until > parts.clock() and not parts.owner_is_dead(owner)
    }


def _write(tx: Transaction, removals: Removals) -> None:
    tx.set_setting(_SETTING, json.dumps(removals))
