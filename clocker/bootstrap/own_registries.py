"""The registries that are containers of the cloud: which they are, and who signs for them.

Their authority is one of their own: it signs for no engine, and is not replaced with that of the
engines. Its key follows from the cloud's, and is kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec

from clocker.certificates import new_authority, secret_of
from clocker.errors import StoreError
from clocker.interfaces import Keys, Parts, Transaction
from clocker.model import Authority, Container, Registry

REGISTRY_LABEL = "clocker-registry"
REGISTRY_PORT = 5000
_SETTING = "registries"
_PURPOSE = "registry"
_GENERATION = 1


@dataclass(frozen=True, slots=True)
class OwnRegistries:
    """``names``: of containers, some of which may be gone since."""

    authority: Authority
    names: tuple[str, ...] = ()


def own_registries(tx: Transaction, zone: str) -> tuple[Registry, ...]:
    """The first is where what is made of images is shared."""
    record = read_own(tx)
    if record is None:
        return ()
    found = [container for name in record.names if (container := tx.container(name))]
    return tuple(
        Registry(
            registry_name(container.name, zone),
            ca=record.authority.certificate,
            push=True,
            address=container.address,
        )
        for container in found
        if is_registry(container)
    )


def is_registry(container: Container) -> bool:
    return REGISTRY_LABEL in container.request.labels


def registry_name(container: str, zone: str) -> str:
    return f"{container}.{zone}:{REGISTRY_PORT}"


def add_own(parts: Parts, name: str) -> OwnRegistries:
    """Put it on record; the authority is made for the first."""
    made = OwnRegistries(_new_authority(parts))
    with parts.store.transaction() as tx:
        record = read_own(tx) or made
        if name not in record.names:
            record = replace(record, names=(*record.names, name))
        tx.set_setting(_SETTING, msgspec.json.encode(record).decode())
    return record


def read_own(tx: Transaction) -> OwnRegistries | None:
    text = tx.setting(_SETTING)
    try:
        return msgspec.json.decode(text, type=OwnRegistries) if text else None
    except msgspec.MsgspecError as error:
        raise StoreError(f"the record of the cloud's registries is damaged: {error}") from error


def registry_secret(keys: Keys, cloud: str) -> str:
    """What the authority's key is made of."""
    return secret_of(keys, f"{cloud}/{_PURPOSE}", _GENERATION)


def _new_authority(parts: Parts) -> Authority:
    cloud = parts.spec.name
    secret = registry_secret(parts.keys, cloud)
    return new_authority(secret, f"{cloud} registries", _GENERATION, parts.clock())
