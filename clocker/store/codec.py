"""Values of the model to JSON text and back."""

from __future__ import annotations

from collections.abc import Mapping
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
    try:
        return _ENCODER.encode(value).decode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"a {type(value).__name__} cannot be stored: {error}") from error


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
