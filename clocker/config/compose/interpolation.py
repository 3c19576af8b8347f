"""``$NAME``, ``${NAME}`` and its forms, as the Compose specification has them; ``$$`` is a
dollar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clocker.config.document import Document
from clocker.config.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")
_WHOLE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_DEEPEST = 20
_LONGEST = 1024 * 1024


@dataclass(slots=True)
class Interpolated:
    """``references``: which variable a whole text was, by place."""

    data: Any = None
    references: dict[Any, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


class _Malformed(ValueError):
    pass


class _Required(ValueError):
    """A variable that ``${NAME:?}`` demands."""


def interpolated(document: Document, variables: Mapping[str, str]) -> Interpolated:
    found = Interpolated()
    found.data = _within(document, document.data, (), variables, found)
    return found


def substituted(text: str, variables: Mapping[str, str], unset: dict[str, None]) -> str:
    """The text with its references replaced; ``unset`` collects the variables that were needed
    and are not there. A ValueError's text is a sentence."""
    return _Parser(text, variables, unset).all()


def _within(
    document: Document,
    value: Any,
    loc: tuple[int | str, ...],
    variables: Mapping[str, str],
    found: Interpolated,
) -> Any:
    if isinstance(value, dict):
        return {k: _within(document, v, (*loc, k), variables, found) for k, v in value.items()}
    if isinstance(value, list):
        return [_within(document, v, (*loc, i), variables, found) for i, v in enumerate(value)]
    if not isinstance(value, str):
        return value
    if "\0" in value:
        found.problems.append(document.problem(loc, "must not have a NUL character"))
    return _text(document, value, loc, variables, found) if "$" in value else value


def _text(
    document: Document,
    value: str,
    loc: tuple[int | str, ...],
    variables: Mapping[str, str],
    found: Interpolated,
) -> str:
    unset: dict[str, None] = {}
    try:
        text = substituted(value, variables, unset)
    except _Malformed:
        sentence = "has a $ that begins no reference"
        remedy = "write $$ for a dollar, ${NAME}, ${NAME:-default}, ${NAME:?why} or ${NAME:+other}"
        found.problems.append(document.problem(loc, sentence, remedy))
        return ""
    except _Required as error:
        name, _, why = str(error).partition("\0")
        said = f": {why}" if why else ""
        sentence = f"the variable {name} must be set{said}"
        found.problems.append(document.problem(loc, sentence, f"export {name}=..."))
        return ""
    for name in unset:
        sentence = f"the variable {name} is not set: nothing stands for it"
        remedy = f"export {name}=..., or write ${{{name}:-default}}"
        found.warnings.append(document.problem(loc, sentence, remedy))
    whole = _WHOLE.fullmatch(value)
    if whole and not unset:
        found.references[loc] = whole[1] or whole[2]
    return text


class _Parser:
    def __init__(self, text: str, variables: Mapping[str, str], unset: dict[str, None]) -> None:
        self._text = text
        self._variables = variables
        self._unset = unset
        self._at = 0

    def all(self) -> str:
        return self._until("", 0)

    def _until(self, end: str, depth: int) -> str:
        pieces: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == end:
                return "".join(pieces)
            self._at += 1
            pieces.append(self._reference(depth) if char == "$" else char)
        if end:
            raise _Malformed
        made = "".join(pieces)
        if len(made) > _LONGEST:
            raise _Malformed
        return made

    def _reference(self, depth: int) -> str:
        if self._text.startswith("$", self._at):
            self._at += 1
            return "$"
        if depth > _DEEPEST:
            raise _Malformed
        if not self._text.startswith("{", self._at):
            return self._plain(self._name())
        self._at += 1
        name = self._name()
        operator = _OPERATOR.match(self._text, self._at)
        if operator is None:
            self._close()
            return self._plain(name)
        self._at = operator.end()
        return self._conditional(name, operator[0], depth)

    def _conditional(self, name: str, operator: str, depth: int) -> str:
        """With a colon a variable that is set to nothing counts as unset."""
        before = dict(self._unset)
        argument = self._until("}", depth + 1)
        self._close()
        value = self._variables.get(name)
        given = bool(value) if operator[0] == ":" else value is not None
        kind = operator[-1]
        if given is not (kind == "+"):
            # What is said for the other case is of no matter, nor what is not set in it.
            self._unset.clear()
            self._unset.update(before)
        if kind == "+":
            return argument if given else ""
        if given:
            return value or ""
        if kind == "?":
            raise _Required(f"{name}\0{argument}")
        return argument

    def _plain(self, name: str) -> str:
        if name not in self._variables:
            self._unset[name] = None
        return self._variables.get(name, "")

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise _Malformed
        self._at = match.end()
        return match[0]

    def _close(self) -> None:
        if not self._text.startswith("}", self._at):
            raise _Malformed
        self._at += 1
