"""Texts and numbers as Compose files have them. Pure; a ValueError's text is a sentence that
begins with "must"."""

from __future__ import annotations

import math
import re
import shlex
from typing import Any

from clocker.config.problems import Unfit

_BYTES = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}
_MIB = 1024 * 1024
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|µs|ms|ns|h|m|s|d|w))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|µs|ms|ns|h|m|s|d|w)")
_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
}
_MOST = 10**9


def truth(value: Any) -> bool:
    """An interpolated one is text."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise Unfit("must be true or false")


def whole(value: Any) -> int:
    try:
        found = float(str(value))
    except ValueError:
        raise Unfit("must be a whole number") from None
    if isinstance(value, bool) or not math.isfinite(found) or found != int(found):
        raise Unfit("must be a whole number")
    if not 0 <= found <= _MOST:
        raise Unfit(f"must be from 0 to {_MOST}")
    return int(found)


def number(value: Any) -> float:
    try:
        found = float(str(value))
    except ValueError:
        raise Unfit("must be a number") from None
    if isinstance(value, bool) or not 0 <= found <= _MOST:
        raise Unfit("must be a number from 0 on")
    return found


def mib(value: Any) -> int:
    """Bytes, or with a unit: ``64m``, ``1.5gb``; as whole MiB, rounded up."""
    match = _BYTES.fullmatch(str(value).strip()[:40])
    if isinstance(value, bool) or match is None:
        raise Unfit("must be a size: bytes, or with a unit", "such as 512m or 1gb")
    found = float(match[1]) * _UNITS[match[2].lower()] / _MIB
    if found > _MOST:
        raise Unfit("must be a smaller size")
    return math.ceil(found)


def seconds(value: Any) -> float:
    """``1m30s``, ``500ms``, ``0``."""
    text = str(value).strip()[:40]
    if text in ("0", "0s"):
        return 0.0
    if not _DURATION.fullmatch(text):
        raise Unfit("must be a duration", "such as 90s, 1m30s or 500ms")
    parts = _DURATION_PART.findall(text)
    return sum(float(amount) * _SECONDS[unit] for amount, unit in parts)


def text(value: Any) -> str:
    """As a variable or label has it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def printable(value: Any) -> str:
    found = text(value)
    if not found.isprintable():
        raise Unfit("must be one line of text without control characters")
    return found


def words(value: Any) -> tuple[str, ...]:
    """A text is split as a shell does, without being one."""
    if isinstance(value, list):
        return tuple(text(node.value) for node in value)
    try:
        return tuple(shlex.split(text(value)))
    except ValueError:
        raise Unfit("must have its quotes closed", "write a list of words") from None


def mode(value: Any) -> int:
    """``0440`` is octal to YAML, and so it is as text."""
    try:
        found = int(value, 8) if isinstance(value, str) else int(value)
    except ValueError:
        found = -1
    if isinstance(value, bool) or not 0 <= found <= 0o777:
        raise Unfit("must be a mode such as 0440")
    return found
