"""Sizes, durations and names as people write them. Pure; a ValueError's text is a sentence
that begins with "must"."""

from __future__ import annotations

import re

CLOUD_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB|M|G|T)?", re.IGNORECASE)
_SIZE_UNITS = {"": 1, "m": 1, "g": 1024, "t": 1024 * 1024}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)?")
_DURATION_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE_SENTENCE = "must be a size: MiB as a whole number, or with a unit (512MiB, 1GiB)"
_DURATION_SENTENCE = "must be a duration: seconds, or with a unit (90s, 10m, 1h)"


def size_mb(value: object) -> int:
    """``512``, ``512MiB``, ``1GiB``, ``1.5G`` -> MiB."""
    match = _SIZE.fullmatch(_text(value, _SIZE_SENTENCE))
    if not match:
        raise ValueError(_SIZE_SENTENCE)
    amount = float(match[1]) * _SIZE_UNITS[(match[2] or "")[:1].lower()]
    if not amount.is_integer():
        raise ValueError("must be a whole number of MiB")
    return int(amount)


def duration_s(value: object) -> float:
    """``90``, ``90s``, ``10m``, ``1h``, ``500ms`` -> seconds, above zero."""
    match = _DURATION.fullmatch(_text(value, _DURATION_SENTENCE))
    if not match:
        raise ValueError(_DURATION_SENTENCE)
    seconds = float(match[1]) * _DURATION_UNITS[match[2] or ""]
    if seconds <= 0:
        raise ValueError("must be a duration above zero")
    return seconds


def cloud_name(value: str) -> str:
    if not CLOUD_NAME.fullmatch(value) or value.endswith("-"):
        raise ValueError(
            "must be 1 to 20 characters: small letters, digits and inner hyphens, "
            "a letter first (it becomes a DNS name)"
        )
    return value


def dns_label(value: str) -> str:
    if not DNS_LABEL.fullmatch(value):
        raise ValueError("must be a DNS label: 1 to 63 small letters, digits and inner hyphens")
    return value


def _text(value: object, sentence: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(sentence)  # noqa: TRY004  # pydantic reports ValueErrors only
    return str(value).strip()[:40]
