"""Who installs what, on record: one at a time for each kind, on the whole cloud. A throw-away
container is on record before it is made, so that whoever comes after a crash removes it."""

from __future__ import annotations

import msgspec

from clocker.cloud import ledger, turns, unshared
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.shared_registry import shared_registry_of
from clocker.errors import ClockerError
from clocker.images.install import install_tag
from clocker.images.installer import INSTALLER_LABEL
from clocker.interfaces import Engine, Parts, Transaction
from clocker.model import ImageInfo, Work

_INTENTS = "installs"


def claim(parts: Parts, key: str, host_id: str) -> Work | None:
    """None while somebody else installs it. What a dead one may have left is still on record."""
    with parts.store.transaction() as tx:
        work = ledger.claim_setting(parts, tx, lease_of(key))
        if work is not None:
            _set_intents(tx, {*_intents(tx), (key, host_id)})
        return work


def end(
    parts: Parts,
    key: str,
    host_id: str,
    work: Work,
    *,
    clean: bool = True,
    failure: str | None = None,
    found: ImageInfo | None = None,
    new: bool = False,
) -> None:
    """Let go of what was claimed. Unless it is ``clean``, its container stays on record. What was
    ``found`` is from now on what this kind means; if it is ``new``, it is to be shared."""
    with parts.store.transaction() as tx:
        if clean:
            _set_intents(tx, _intents(tx) - {(key, host_id)})
        if found is not None:
            turns.note_made(tx, lease_of(key), found.id)
        if found is not None and new and shared_registry_of(parts, tx):
            unshared.intend(tx, install_tag(key), found.id, host_id)
        if failure is not None:
            turns.note_failure(parts, tx, lease_of(key), failure)
        ledger.release_setting(tx, lease_of(key), work)


def under_way(tx: Transaction) -> frozenset[tuple[str, str]]:
    """Keys, each with the host's id."""
    return frozenset(_intents(tx))


def remove_left(parts: Parts, engine: Engine, key: str) -> None:
    """The throw-away container of an installer that is gone."""
    for status in engine.list({CLOUD_LABEL: parts.spec.name, INSTALLER_LABEL: key}):
        engine.remove(status.engine_id)


def remove_elsewhere(parts: Parts, key: str, host_id: str) -> None:
    """What the same kind's installers have left on other hosts, by whoever has the lease. A host
    that is away keeps it, on record."""
    with parts.store.read() as tx:
        found = sorted(pair for pair in _intents(tx) if pair[0] == key and pair[1] != host_id)
    for _, other in found:
        try:
            _remove_on(parts, key, other)
        except ClockerError as error:
            parts.progress.failed(parts.spec.name, f"left for later: {error.what}")


def recover(parts: Parts) -> None:
    """Remove what installers that are gone have left, as far as their hosts answer."""
    with parts.store.read() as tx:
        pairs = sorted(_intents(tx))
        free = {key for key, _ in pairs if ledger.setting_is_free(parts, tx, lease_of(key))}
    for key, host_id in pairs:
        work = claim(parts, key, host_id) if key in free else None
        if work is not None:
            try:
                remove_elsewhere(parts, key, "")
            finally:
                end(parts, key, host_id, work, clean=False)


def lease_of(key: str) -> str:
    return f"install/{key}"


def _remove_on(parts: Parts, key: str, host_id: str) -> None:
    with parts.store.read() as tx:
        host = tx.host(host_id)
    if host is not None and host.stamp is not None:
        remove_left(parts, parts.connections.engine(host), key)
    with parts.store.transaction() as tx:
        _set_intents(tx, _intents(tx) - {(key, host_id)})


def _intents(tx: Transaction) -> set[tuple[str, str]]:
    text = tx.setting(_INTENTS)
    return set(msgspec.json.decode(text, type=list[tuple[str, str]])) if text else set()


def _set_intents(tx: Transaction, pairs: set[tuple[str, str]]) -> None:
    tx.set_setting(_INTENTS, msgspec.json.encode(sorted(pairs)).decode())
