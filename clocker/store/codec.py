"""Values of the model to JSON text and back.

Of a container only what is not as the defaults have it is written: a handful of fifty fields, and
what a transaction takes is mostly its bytes. So these defaults are part of what is on record: one
that changes takes a migration that writes what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from clocker.errors import StoreError
from clocker.model import Container, Deployment, Event, Host, Net

T = TypeVar("T")


def _plain(value: object) -> object:
    """The model says Mapping: any will do, not only a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Host, Container, Event, Net, Deployment)
}


def encode(value: object) -> str:
    if isinstance(value, Container):
        return encode_containers((value,))[0]
    with _refusing(type(value)):
        return _ENCODER.encode(value).decode()


def encode_containers(containers: Sequence[Container]) -> list[str]:
    """As ``encode``; a request that several share is encoded once."""
    requests: dict[int, msgspec.Raw] = {}
    with _refusing(Container):
        return [_encoded(container, requests) for container in containers]


def decode(kind: type[T], text: str) -> T:
    """StoreError when the text is no ``kind``; fields that it does not know are left out."""
    try:
        value: T = _DECODERS[kind].decode(text)
    except msgspec.MsgspecError as error:
        raise StoreError(
            f"the record of a {kind.__name__} cannot be read: {error}",
            remedy="it is damaged or was written by a newer Clocker: upgrade, or rebuild the "
            "state from what is running: clocker adopt",
        ) from error
    return value


@contextmanager
def _refusing(kind: type) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError) as error:
        raise StoreError(f"a {kind.__name__} cannot be stored: {error}") from error


def _encoded(container: Container, requests: dict[int, msgspec.Raw]) -> str:
    request = container.request
    text = requests.get(id(request))
    if text is None:
        text = requests[id(request)] = msgspec.Raw(_ENCODER.encode(_told(request)))
    told = _told(container)
    told["request"] = text
    return _ENCODER.encode(told).decode()


def _told(value: object) -> dict[str, object]:
    """The fields that are not as the defaults have them."""
    kind: Any = type(value)
    names, get, defaults = _fields(kind)
    return {
        name: part
        for name, part, default in zip(names, get(value), defaults)  # noqa: B905 - takes a fifth
        if part is not default and (default is MISSING or part != default)
    }


@cache
def _fields(kind: Any) -> tuple[tuple[str, ...], Callable[[object], Any], tuple[object, ...]]:
    """Their names, how to get all of a value, and the defaults."""
    names = tuple(field.name for field in fields(kind))
    return names, attrgetter(*names), tuple(map(_default, fields(kind)))


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()
