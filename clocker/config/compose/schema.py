"""The Compose specification's own JSON schema, as the package check-jsonschema carries it.

Only the data of that package is read: nothing of it is imported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, TypeAlias

from clocker.config.compose.alike import judged, one_of_each
from clocker.config.document import Document
from clocker.config.problems import Problem, nearest

Place: TypeAlias = tuple[int | str, ...]

_PLACE = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_BOUNDS = {"minimum": "must be at least", "maximum": "must be at most"}


def schema_problems(document: Document, data: Any) -> Iterator[tuple[Place, Problem]]:
    """How ``data``, what the document says once its variables are known, departs from it: each
    place, and what is wrong there."""
    if _validator().is_valid(one_of_each(data, _by_value())):
        return
    for error in _validator().iter_errors(data):
        deepest = _deepest(error)
        yield from _problems(document, deepest, tuple(error.absolute_path))


@cache
def schema() -> Mapping[str, Any]:
    """Without references: those take most of the time of a check."""
    path = Path(str(distribution("check-jsonschema").locate_file(_PLACE)))
    found = json.loads(path.read_text(encoding="utf-8"))
    definitions = found.pop("$defs")
    flat: dict[str, Any] = _flat(found, definitions)
    return flat


@cache
def _by_value() -> frozenset[str]:
    return judged(schema())


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def _flat(part: Any, definitions: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_flat(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _flat(definitions[part["$ref"].rpartition("/")[2]], definitions)
    made = {k: _flat(v, definitions) for k, v in part.items() if k != "description"}
    return _joined(made) if made.get("unevaluatedProperties") is False else made


def _joined(part: dict[str, Any]) -> dict[str, Any]:
    """A mapping that is described in several places, as one that is in one."""
    parts = [*part.pop("allOf", ()), part]
    del part["unevaluatedProperties"]
    for key in ("properties", "patternProperties"):
        part[key] = {name: value for each in parts for name, value in each.get(key, {}).items()}
    return {**part, "type": "object", "additionalProperties": False}


def _deepest(error: Any) -> Any:
    """Of what may be one of several things, the fault of the one that it probably is."""
    while error.validator in ("oneOf", "anyOf") and error.context:
        branches: dict[int, list[Any]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        close = [those for those in branches.values() if not _is_other_kind(those)]
        if not close:
            return error
        error = min(close, key=len)[0]
    return error


def _is_other_kind(errors: list[Any]) -> bool:
    return any(e.validator == "type" and len(e.path) == 0 for e in errors)


def _problems(document: Document, error: Any, whole: Place) -> Iterator[tuple[Place, Problem]]:
    """``whole``: the place of what is at fault as a whole."""
    loc = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        for key, problem in _unknown_keys(document, error, loc):
            yield whole if len(loc) > len(whole) else (*loc, key), problem
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        yield whole, document.problem((*loc, missing[0]), "is missing")
    elif error.validator == "uniqueItems":
        yield whole, document.problem(loc, "has the same entry twice", "remove one of them")
    else:
        yield whole, document.problem(loc, _sentence(error))


def _unknown_keys(document: Document, error: Any, loc: Place) -> Iterator[tuple[str, Problem]]:
    known = list(error.schema.get("properties", ()))
    patterns = [re.compile(p) for p in error.schema.get("patternProperties", ())]
    for key in error.instance:
        if key in known or any(pattern.search(key) for pattern in patterns):
            continue
        if not known:
            sentence = "is no name: letters, digits, . _ and - make one"
            yield key, document.problem((*loc, key), sentence)
            continue
        near = nearest(key, known)
        remedy = f"did you mean {near}?" if near else f"known keys: {', '.join(sorted(known))}"
        yield key, document.problem((*loc, key), "unknown key", remedy)


def _sentence(error: Any) -> str:
    kind, wanted = error.validator, error.validator_value
    if kind == "type":
        return f"must be {_kinds([wanted] if isinstance(wanted, str) else wanted)}"
    if kind in ("oneOf", "anyOf"):
        return f"must be {_kinds(_types(wanted))}"
    if kind in ("enum", "const"):
        listed = wanted if isinstance(wanted, list) else [wanted]
        return f"must be one of {', '.join(map(str, listed))}"
    if kind in _BOUNDS:
        return f"{_BOUNDS[kind]} {wanted}"
    if kind == "pattern":
        return f"must match {wanted}"
    return "is not as the Compose specification has it"


def _types(branches: list[Any]) -> list[str]:
    found: dict[str, None] = {}
    for branch in branches:
        kinds = branch.get("type", ())
        found.update(dict.fromkeys([kinds] if isinstance(kinds, str) else kinds))
    return list(found)


def _kinds(types: list[str]) -> str:
    return " or ".join(_KINDS[kind] for kind in types) or "something else"
