"""``$brooklyn:component("db").attributeWhenReady("host.address")``: expressions within YAML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

PREFIX = "$brooklyn:"

_NAME = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Argument, ...] = ()


Expression: TypeAlias = tuple[Call, ...]
"""Calls, each on what the one before gives."""
Argument: TypeAlias = "str | Expression"


def is_expression(value: object) -> bool:
    return isinstance(value, str) and value.strip().startswith(PREFIX)


def parsed(text: str) -> Expression:
    """ValueError: a sentence that begins with "is"."""
    parser = _Parser(text.strip())
    found = parser.expression(0)
    if not parser.is_done():
        raise ValueError("is no expression: something follows its end")
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def is_done(self) -> bool:
        return not self._text[self._at :].strip()

    def expression(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise ValueError("is an expression within too many others")
        self._skip(PREFIX)
        calls = [self._call(depth)]
        while self._skip("."):
            calls.append(self._call(depth))
        return tuple(calls)

    def _call(self, depth: int) -> Call:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise ValueError("is no expression: a function's name is missing")
        self._at = match.end()
        return Call(match[1], self._arguments(depth) if self._skip("(") else ())

    def _arguments(self, depth: int) -> tuple[Argument, ...]:
        found: list[Argument] = []
        while not self._skip(")"):
            if found and not self._skip(","):
                raise ValueError("is no expression: a bracket is not closed")
            found.append(self._argument(depth))
        return tuple(found)

    def _argument(self, depth: int) -> Argument:
        self._blanks()
        for pattern in (_TEXT, _NUMBER):
            match = pattern.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                groups = [group for group in match.groups() if group is not None]
                return re.sub(r"\\(.)", r"\1", groups[0]) if groups else match[0]
        return self.expression(depth + 1)

    def _skip(self, token: str) -> bool:
        self._blanks()
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
