"""Values of the model to JSON text and back.

Of a container only what is not as the defaults have it is written: a handful of fifty fields, and
what a transaction takes is mostly its bytes. So these defaults are part of what is on record: one
that changes takes a migration that writes what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from clocker.errors import StoreError
from clocker.model import Container, ContainerRequest, Deployment, Event, Host, Net

T = TypeVar("T")


def _plain(value: object) -> object:
    """The model says Mapping: any will do, not only a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__} is no JSON value")


class _Record:
    """What is written of a dataclass: a Struct, which leaves out what is as by default."""

    def __init__(self, kind: Any) -> None:
        names = [field.name for field in fields(kind)]
        self.values_of = attrgetter(*names)
        self.defaults = [_default(field) for field in fields(kind)]
        self.made_of: Any = msgspec.defstruct(
            f"_{kind.__name__}Record",
            [
                (name, Any) if default is MISSING else (name, Any, default)
                for name, default in zip(names, self.defaults, strict=True)
            ],
            omit_defaults=True,
            gc=False,  # holds nothing that could hold it
        )


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Host, Container, Event, Net, Deployment)
}
_CONTAINER = _Record(Container)
_REQUEST = _Record(ContainerRequest)


def encode(value: object) -> str:
    if isinstance(value, Container):
        return encode_containers((value,))[0]
    with _refusing(type(value)):
        return _ENCODER.encode(value).decode()


def encode_containers(containers: Sequence[Container]) -> list[str]:
    """As ``encode``; a request that several share is encoded once."""
    requests: dict[int, msgspec.Raw] = {}
    record_of, values_of = _CONTAINER.made_of, _CONTAINER.values_of
    records = []
    with _refusing(Container):
        for container in containers:
            record = record_of(*values_of(container))
            text = requests.get(id(container.request))
            if text is None:
                text = requests[id(container.request)] = _encoded(container.request)
            record.request = text
            records.append(record)
        return _ENCODER.encode_lines(records).decode().split("\n")[:-1]


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


def _encoded(request: ContainerRequest) -> msgspec.Raw:
    """A Struct takes for a default only the very same value, so what equals one is replaced."""
    values = [
        default if value == default else value
        for value, default in zip(_REQUEST.values_of(request), _REQUEST.defaults, strict=True)
    ]
    return msgspec.Raw(_ENCODER.encode(_REQUEST.made_of(*values)))
