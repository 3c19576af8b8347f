"""Holds a document against its model, and tells all that is wrong with it as sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from clocker.config.document import Document, Loc
from clocker.config.environment import with_environment
from clocker.config.problems import Problem, Unfit, nearest

M = TypeVar("M", bound=BaseModel)

_SENTENCES = {
    "missing": "is missing",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "greater_than": "must be above {gt:g}",
    "less_than": "must be below {lt:g}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must match {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}
_REMEDIES = {"string_type": "put it in quotes", "list_type": "write [a, b]"}
_SECRET = re.compile(r"://[^/]*@|-----BEGIN|\n")
_SECRET_PARTS = {"arguments", "create", "env", "options", "password", "store", "user_data"}


def checked(
    document: Document, model: type[M], environ: Mapping[str, str], loc: Loc = ()
) -> tuple[M | None, list[Problem]]:
    """The part of the document at ``loc`` as a ``model``, or None and every problem."""
    value, unset = with_environment(document, document.raw(loc), loc, environ)
    found, problems = fitted(document, model, value, loc, unset)
    return found, unset + problems


def fitted(
    document: Document, model: type[M], value: Any, loc: Loc, unset: Sequence[Problem]
) -> tuple[M | None, list[Problem]]:
    """``value``, which stands at ``loc``, as a ``model``, or None and the problems besides those
    of references that are ``unset``."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        told = {problem.path for problem in unset}
        found = [_problem(document, model, tuple(loc), item) for item in _errors(error)]
        return None, [problem for problem in found if problem.path not in told]


def _errors(error: ValidationError) -> list[dict[str, Any]]:
    return [dict(item) for item in error.errors(include_url=False, include_input=False)]


def _problem(
    document: Document, model: type[BaseModel], base: tuple[int | str, ...], item: dict[str, Any]
) -> Problem:
    inner: tuple[int | str, ...] = item["loc"]
    loc = (*base, *inner)
    if item["type"] == "extra_forbidden":
        return _unknown_key(document, model, loc, inner)
    context = item.get("ctx", {})
    cause = context.get("error")
    template = _SENTENCES.get(item["type"], item["msg"])
    sentence = str(cause) if cause else template.format(**context)
    remedy = cause.remedy if isinstance(cause, Unfit) else _REMEDIES.get(item["type"])
    return document.problem(loc, sentence + _shown(document, loc), remedy)


def _unknown_key(
    document: Document, model: type[BaseModel], loc: Loc, inner: tuple[int | str, ...]
) -> Problem:
    known = _fields(model, inner[:-1])
    near = nearest(str(inner[-1]), known)
    remedy = f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"
    return document.problem(loc, "unknown key", remedy)


def _fields(model: type[BaseModel], loc: Loc) -> list[str]:
    """The keys that the part of the model at ``loc`` has."""
    parts = iter(loc)
    for part in parts:
        if isinstance(part, int):  # of a list, whose kind has been looked at
            continue
        annotation = model.model_fields[part].annotation
        if get_origin(annotation) is dict:
            next(parts, None)  # whichever of its keys
        # A list of them, or one that may be left out, is told by what it is made of.
        inner = next(filter(_is_model, (annotation, *get_args(annotation))), None)
        if inner is None:
            return []
        model = inner
    return keys(model)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def keys(model: type[BaseModel]) -> list[str]:
    """As documents write them."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _shown(document: Document, loc: Loc) -> str:
    """What stands there instead, as written (a ``${VAR}`` unresolved), unless it may be secret."""
    value = document.raw(loc)
    if value is None or isinstance(value, dict | list) or _SECRET_PARTS & set(loc):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "" if _SECRET.search(text) or len(text) > 60 else f", not {text!r}"
