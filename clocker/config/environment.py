"""``${VAR}`` and ``${VAR:-default}`` in documents; ``$${`` is a literal ``${``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from clocker.config.document import Document, Loc
from clocker.config.problems import Problem

_REFERENCE = re.compile(
    r"\$\$\{|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?P<default>[^}]*))?\}|\$\{"
)


def with_environment(
    document: Document, value: Any, loc: Loc, environ: Mapping[str, str]
) -> tuple[Any, list[Problem]]:
    """``value`` (which stands at ``loc``) with its references replaced, always by text: a
    password of digits stays a password."""
    problems: list[Problem] = []
    return _replaced(document, value, tuple(loc), environ, problems), problems


def references(text: str) -> list[tuple[str, str | None]]:
    """The variables that ``text`` names, each with its default."""
    return [(m["name"], m["default"]) for m in _REFERENCE.finditer(text) if m["name"]]


def _replaced(
    document: Document,
    value: Any,
    loc: tuple[int | str, ...],
    environ: Mapping[str, str],
    problems: list[Problem],
) -> Any:
    if isinstance(value, dict):
        return {
            key: _replaced(document, item, (*loc, key), environ, problems)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            _replaced(document, item, (*loc, index), environ, problems)
            for index, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value

    def found(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match["name"]
        if name is None:
            sentence = "has a ${ that is not ${NAME} or ${NAME:-default}"
            problems.append(document.problem(loc, sentence, "write $${ for the characters ${"))
            return ""
        if environ.get(name) or (name in environ and match["default"] is None):
            return environ[name]
        if match["default"] is None:
            sentence = f"the environment variable {name} is not set"
            remedy = f"export {name}=..., or write ${{{name}:-default}}"
            problems.append(document.problem(loc, sentence, remedy))
        return match["default"] or ""

    return _REFERENCE.sub(found, value)
