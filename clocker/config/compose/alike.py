"""Services that a schema cannot tell apart: of thousands that are written alike, one is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_BY_VALUE = {"enum", "const", "pattern", "minimum", "maximum"}
_MANY = 100
"""Of fewer services all are checked: to compare them would take as long."""


def judged(schema: Any, name: str = "") -> frozenset[str]:
    """The keys whose values the schema judges by more than their types."""
    if isinstance(schema, list):
        return frozenset().union(*(judged(each, name) for each in schema))
    if not isinstance(schema, dict):
        return frozenset()
    found = {name} if _BY_VALUE & set(schema) else set()
    for key, part in schema.items():
        if key in ("properties", "patternProperties"):
            for inner, each in part.items():
                found |= judged(each, inner)
        else:
            found |= judged(part, name)
    return frozenset(found)


def one_of_each(data: Any, by_value: frozenset[str]) -> Any:
    """The document with one service of those that are alike."""
    services = data.get("services") if isinstance(data, dict) else None
    if not isinstance(services, dict) or len(services) < _MANY:
        return data
    found: dict[Any, str] = {}
    for name, service in services.items():
        found.setdefault((_is_odd(name), kind(service, "", by_value)), name)
    return {**data, "services": {name: services[name] for name in found.values()}}


def kind(value: Any, name: str, by_value: frozenset[str]) -> Any:
    """Equal for values that the schema takes for the same."""
    if isinstance(value, Mapping):
        return tuple((key, kind(value[key], key, by_value)) for key in sorted(value))
    if isinstance(value, list):
        unlike = len({json.dumps(item, sort_keys=True) for item in value}) == len(value)
        return (unlike, *(_item(item, name, by_value) for item in value))
    return (type(value).__name__, value if name in by_value or isinstance(value, float) else None)


def _item(value: Any, name: str, by_value: frozenset[str]) -> Any:
    """1 and 1.0 are the same to a list that has everything once."""
    plain = isinstance(value, int | float)
    return (type(value).__name__, value) if plain else kind(value, name, by_value)


def _is_odd(name: str) -> bool:
    """Names are held against a pattern."""
    return not name.replace("-", "").isalnum() or not name.isascii()
