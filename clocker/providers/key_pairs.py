"""How the cloud's public key comes to a machine: named in the account, or handed over with it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.providers.refusals import AlreadyThere, Gone
from clocker.providers.tagging import Arguments, Driver

Pair = Any
# The hosts of a cloud are made side by side, and some accounts write all their keys at once.
MAKING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Handed:
    """With every machine. ``arguments``: of ``create_node``, for a key line and a user."""

    arguments: Callable[[str, str], Arguments]


@dataclass(frozen=True, slots=True)
class Kept:
    """By the account, under a name: made once for a cloud. ``make``: from the driver, the name,
    the key line and the place. ``listed``: at a place, or at all of them (None). ``arguments``:
    of ``create_node``, for what was made."""

    make: Callable[[Driver, str, str, Any], Any] = lambda driver, name, key, _: (
        driver.import_key_pair_from_string(name, key)
    )
    listed: Callable[[Driver, Any], Sequence[Pair]] = lambda driver, _: driver.list_key_pairs()
    delete: Callable[[Driver, Pair], Any] = lambda driver, pair: driver.delete_key_pair(pair)
    arguments: Callable[[Pair], Arguments] = lambda pair: {"ex_keyname": pair.name}


KeyWay = Handed | Kept | None


def key_arguments(
    way: KeyWay, driver: Driver, name: str, key: str, *, user: str, place: Any
) -> Arguments:
    """What lets the ``key`` in; it is made where it is kept and not there yet."""
    if way is None or not key:
        return {}
    if isinstance(way, Handed):
        return way.arguments(key, user)
    return way.arguments(_ensured(way, driver, name, key, place))


def remove_pair(way: Kept, driver: Driver, name: str) -> None:
    for pair in way.listed(driver, None):
        if pair.name == name:
            with contextlib.suppress(Gone):
                way.delete(driver, pair)


def _ensured(way: Kept, driver: Driver, name: str, key: str, place: Any) -> Pair:
    """The pair of that name. Of two that were made at once the first stays."""
    pairs = _matching(way, driver, name, key, place)
    if not pairs:
        with MAKING:
            pairs = _made(way, driver, name, key, place)
    named = sorted((p for p in pairs if p.name == name), key=_identity)
    return (named or pairs)[0]


def _made(way: Kept, driver: Driver, name: str, key: str, place: Any) -> list[Pair]:
    if pairs := _matching(way, driver, name, key, place):
        return pairs  # by another thread, meanwhile
    made = None
    with contextlib.suppress(AlreadyThere):
        made = way.make(driver, name, key, place)
    # A list may be late, but not for the one that has made it.
    return _matching(way, driver, name, key, place) or [made]


def _matching(way: Kept, driver: Driver, name: str, key: str, place: Any) -> list[Pair]:
    """By name; by its content too, as some accounts refuse a key that is there under another."""
    words = key.split()[:2]
    return [
        pair
        for pair in way.listed(driver, place)
        if pair.name == name or (pair.public_key or "").split()[:2] == words
    ]


def _identity(pair: Pair) -> str:
    extra = pair.extra if isinstance(pair.extra, Mapping) else {}
    return str(extra.get("id", ""))
