"""The cloud's certificate authorities on record, and their keys, which are kept nowhere."""

from __future__ import annotations

import msgspec

from clocker.certificates import new_authority, secret_of
from clocker.errors import StoreError
from clocker.interfaces import Parts, Store, Transaction
from clocker.model import Authority, Trust

_SETTING = "engine-trust"


def trust_of(store: Store) -> Trust | None:
    with store.read() as tx:
        return read_trust(tx)


def ensured_trust(parts: Parts) -> Trust:
    """The first authority is made when it is first needed."""
    if found := trust_of(parts.store):
        return found
    made = Trust((authority_of(parts, 1),))
    with parts.store.transaction() as tx:
        if found := read_trust(tx):
            return found
        put_trust(tx, made)
    return made


def authority_of(parts: Parts, generation: int) -> Authority:
    cloud = parts.spec.name
    secret = secret_of(parts.keys, cloud, generation)
    return new_authority(secret, cloud, generation, parts.clock())


def read_trust(tx: Transaction) -> Trust | None:
    text = tx.setting(_SETTING)
    try:
        return msgspec.json.decode(text, type=Trust) if text else None
    except msgspec.MsgspecError as error:
        raise StoreError(f"the record of the cloud's authorities is damaged: {error}") from error


def put_trust(tx: Transaction, trust: Trust) -> None:
    tx.set_setting(_SETTING, msgspec.json.encode(trust).decode())
