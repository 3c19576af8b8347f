"""Frozen dataclasses of many fields, made by the ten thousand."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick(kind: type[T]) -> type[T]:
    """A frozen dataclass whose values go into its dictionary or its slots at once. What
    ``dataclasses`` generates calls ``object.__setattr__`` for each, which takes up to three times
    as long. To whoever uses the class all else is the same."""
    known: dict[str, Any] = {}
    has_slots = "__slots__" in vars(kind)
    parameters, lines = ["self"], [] if has_slots else ["values = self.__dict__"]
    for field in fields(kind):  # type: ignore[arg-type]
        parameters.append(_parameter(field, known))
        if has_slots:
            known[f"_set_{field.name}"] = getattr(kind, field.name).__set__
            lines.append(f"_set_{field.name}(self, {_value(field)})")
        else:
            lines.append(f"values[{field.name!r}] = {_value(field)}")
    text = f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(lines)
    exec(text, known)  # noqa: S102 - as dataclasses do; names of fields are identifiers
    made = known["__init__"]
    made.__qualname__, made.__module__ = f"{kind.__qualname__}.__init__", kind.__module__
    made.__annotations__ = kind.__init__.__annotations__
    kind.__init__ = made  # type: ignore[method-assign]
    return kind


def _parameter(field: Field[Any], known: dict[str, Any]) -> str:
    if field.default_factory is not MISSING:
        known[f"_make_{field.name}"] = field.default_factory
        known["_none"] = MISSING
        return f"{field.name}=_none"
    if field.default is MISSING:
        return field.name
    known[f"_default_{field.name}"] = field.default
    return f"{field.name}=_default_{field.name}"


def _value(field: Field[Any]) -> str:
    if field.default_factory is MISSING:
        return field.name
    return f"_make_{field.name}() if {field.name} is _none else {field.name}"
