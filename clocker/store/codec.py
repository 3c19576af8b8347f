"""Values of the model to JSON text and back.

Of a container only what is not as the defaults have it is written: a handful of fifty fields, and
what a transaction takes is mostly its bytes. So these defaults are part of what is on record: one
that changes takes a migration that writes what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, dataclass, fields
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
    shape = _shape(kind)
    told = dict(zip(shape.needed, shape.needed_of(value)))  # noqa: B905 - takes longer
    parts = shape.others_of(value)
    if parts != shape.defaults:  # mostly all are as by default, and one look tells
        told.update(
            (name, part)
            for name, part, default in zip(shape.others, parts, shape.defaults, strict=True)
            if part != default
        )
    return told


@dataclass(frozen=True, slots=True)
class _Shape:
    """Of a class: the fields that each value has to say, and the others with their defaults."""

    needed: tuple[str, ...]
    needed_of: Callable[[object], tuple[Any, ...]]
    others: tuple[str, ...]
    others_of: Callable[[object], tuple[Any, ...]]
    defaults: tuple[Any, ...]


@cache
def _shape(kind: Any) -> _Shape:
    default_of = {field.name: _default(field) for field in fields(kind)}
    needed = tuple(name for name, default in default_of.items() if default is MISSING)
    others = tuple(name for name in default_of if name not in needed)
    defaults = tuple(default_of[name] for name in others)
    return _Shape(needed, _getter(needed), others, _getter(others), defaults)


def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
