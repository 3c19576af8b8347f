"""Public keys by name, which containers may be asked for with. Kept with the cloud's state; the
private halves are kept nowhere."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from clocker.cloud import ledger
from clocker.errors import BadInput, NameTaken, NotFound
from clocker.interfaces import Parts, Transaction

_SETTING = "key_pairs"
_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 @._-]{0,126}")


def key_pairs(parts: Parts) -> Mapping[str, str]:
    """The public keys, by their names."""
    with parts.store.read() as tx:
        return _read(tx)


def add(parts: Parts, name: str, public: str) -> str:
    """One line without its comment, as it is now on record. NameTaken, BadInput."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be a key pair's name", where="key pair")
    key = public_key(public)
    with parts.store.transaction() as tx:
        known = _read(tx)
        if name in known:
            raise NameTaken(f"there is a key pair {name!r} already", where="key pair")
        _write(parts, tx, {**known, name: key}, "add", name)
    return key


def remove(parts: Parts, name: str) -> None:
    """Containers that were asked for with it keep it. NotFound."""
    with parts.store.transaction() as tx:
        known = _read(tx)
        if name not in known:
            raise NotFound(f"no key pair is called {name!r}", where="key pair")
        del known[name]
        _write(parts, tx, known, "remove", name)


def public_key(line: str) -> str:
    """Its type and key, without a comment; BadInput."""
    key = " ".join(line.split()[:2])
    if not _KEY.fullmatch(key) or "\n" in line.strip():
        raise BadInput(
            "this is not one line of a public key",
            where="ssh key",
            remedy="give the contents of a .pub file",
        )
    return key


def _read(tx: Transaction) -> dict[str, str]:
    return dict(json.loads(tx.setting(_SETTING) or "{}"))


def _write(parts: Parts, tx: Transaction, keys: dict[str, str], verb: str, name: str) -> None:
    tx.set_setting(_SETTING, json.dumps(keys, sort_keys=True))
    ledger.log(parts, tx, "key pair", name, verb)
