"""A YAML file as plain data that still knows its lines. The only module that knows YAML.

Nothing of a file's values is ever quoted in a problem that is found here: they may be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from clocker.config.problems import Problem, refusal

MAXIMUM_DEPTH = 50

Loc = Sequence[int | str]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a kind of document may be, before it is looked at: bounds, and how plain words are
    read. ``core``: as YAML 1.2 does it, where ``no`` and ``22:22`` are text; else as YAML 1.1."""

    most_mib: int = 1
    most_aliases: int = 1000
    most_nodes: int = 100_000
    core: bool = False


CLOUD = Dialect()
APPLICATION = Dialect(most_mib=16, most_aliases=20_000, most_nodes=500_000, core=True)

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_SCALARS = {f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float")}
_TEXTS = {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value")}
_COLLECTIONS = {f"{_TAG}{kind}" for kind in ("map", "seq")}


@dataclass(slots=True)
class Document:
    """``data``: the mapping as written, before any ``${VAR}`` is replaced."""

    file: str
    data: dict[str, Any]
    lines: dict[tuple[int | str, ...], int] = field(default_factory=dict)

    def line(self, loc: Loc) -> int | None:
        """The line of the deepest part of ``loc`` that is written in the file."""
        for length in range(len(loc), -1, -1):
            if tuple(loc[:length]) in self.lines:
                return self.lines[tuple(loc[:length])]
        return None

    def raw(self, loc: Loc) -> Any:
        """The value as written, None when there is none."""
        value: Any = self.data
        for part in loc:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def problem(self, loc: Loc, sentence: str, remedy: str | None = None) -> Problem:
        return Problem(self.file, sentence, self.line(loc), dotted(loc), remedy)


def read_document(
    path: Path, *, empty: bool = False, remedy: str | None = None, dialect: Dialect = CLOUD
) -> Document:
    """``empty``: whether a file without content is an empty mapping. ConfigError."""
    return parse_document(_read(path, remedy, dialect), str(path), empty=empty, dialect=dialect)


def parse_document(
    text: str, file: str, *, empty: bool = False, dialect: Dialect = CLOUD
) -> Document:
    node = _compose(text, file, dialect)
    if node is None or (empty and node.tag == f"{_TAG}null"):
        if empty:
            return Document(file, {})
        raise refusal([Problem(file, "the file is empty", remedy="clocker init writes one")])
    if not isinstance(node, yaml.MappingNode):
        raise refusal(
            [Problem(file, "must be a mapping of keys to values", node.start_mark.line + 1)]
        )
    builder = _Builder(file, dialect)
    data = builder.build(node, ())
    if builder.problems:
        raise refusal(builder.problems)
    return Document(file, data, {(): 1, **builder.lines})


def dotted(loc: Loc) -> str:
    """``("rules", 1, "name")`` -> ``rules[1].name``"""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def yaml_text(data: Any) -> str:
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100))


def _read(path: Path, remedy: str | None, dialect: Dialect) -> str:
    most = dialect.most_mib * 1024 * 1024
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except FileNotFoundError:
        raise refusal([Problem(str(path), "there is no such file", remedy=remedy)]) from None
    except OSError as error:
        sentence = f"cannot be read: {error.strerror}"
        raise refusal([Problem(str(path), sentence, remedy="check its permissions")]) from None
    if len(content) > most:
        raise refusal([Problem(str(path), f"is larger than {dialect.most_mib} MiB")])
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refusal([Problem(str(path), "is not UTF-8 text", line)]) from None


def _compose(text: str, file: str, dialect: Dialect) -> Any:
    try:
        _check_bounds(text, file, dialect)
        return yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = Problem(
            file, f"is not YAML: {_without_values(error)}", mark.line + 1 if mark else None
        )
        raise refusal([problem]) from None


def _check_bounds(text: str, file: str, dialect: Dialect) -> None:
    """Before anything is built: aliases may multiply, and nesting may exhaust the stack."""
    aliases = depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        aliases += isinstance(event, yaml.AliasEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if aliases > dialect.most_aliases or depth > MAXIMUM_DEPTH:
            excess = "levels of nesting" if depth > MAXIMUM_DEPTH else "aliases"
            raise refusal([Problem(file, f"has too many {excess}", _line(event))])


def _without_values(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or "it has characters that YAML does not allow"
    if "alias" in problem:
        return "an alias without its anchor (quote text that begins with * or &)"
    return re.sub(r"(['\"]).{2,}\1", "a word", problem)


class _Builder:
    """Plain data out of nodes, the line of every place, and all problems on the way."""

    def __init__(self, file: str, dialect: Dialect) -> None:
        self.file = file
        self._dialect = dialect
        self.problems: list[Problem] = []
        self.lines: dict[tuple[int | str, ...], int] = {}
        self._nodes = 0
        self._above: list[int] = []
        self._scalars = yaml.constructor.SafeConstructor()

    def build(self, node: yaml.Node, loc: tuple[int | str, ...]) -> Any:
        self._nodes += 1
        if self._nodes > self._dialect.most_nodes or id(node) in self._above:
            problem = Problem(self.file, "its aliases expand without bound", _line(node))
            raise refusal([problem])
        self._above.append(id(node))
        try:
            return self._value(node, loc)
        finally:
            self._above.pop()

    def _value(self, node: yaml.Node, loc: tuple[int | str, ...]) -> Any:
        if node.tag not in _SCALARS | _TEXTS | _COLLECTIONS:
            self._report(node, loc, "YAML tags are not used here", "quote text that begins with !")
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*loc, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, loc)

    def _mapping(self, node: yaml.MappingNode, loc: tuple[int | str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == f"{_TAG}merge":
                self._merge(data, value, loc)
            elif not self._may_be_key(key):
                self._report(key, loc, "a key must be text", "put it in quotes")
            elif key.value in first:
                sentence = f"is written twice (first in line {first[key.value]})"
                self._report(key, (*loc, key.value), sentence, "remove one of them")
            else:
                first[key.value] = self.lines[(*loc, key.value)] = _line(key)
                data[key.value] = self.build(value, (*loc, key.value))
        return data

    def _merge(self, data: dict[str, Any], value: yaml.Node, loc: tuple[int | str, ...]) -> None:
        """``<<``: what it brings never replaces what is written; written keys that come later
        replace what it brought."""
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        for source in sources:
            merged = self.build(source, loc)
            if not isinstance(merged, dict):
                self._report(source, loc, "<< takes a mapping", None)
                return
            data.update({key: item for key, item in merged.items() if key not in data})

    def _item(self, node: yaml.Node, loc: tuple[int | str, ...]) -> Any:
        self.lines[loc] = _line(node)
        return self.build(node, loc)

    def _scalar(self, node: yaml.Node, loc: tuple[int | str, ...]) -> Any:
        if self._is_text(node):
            return node.value
        try:
            kind = node.tag.removeprefix(_TAG)
            return getattr(self._scalars, f"construct_yaml_{kind}")(node)
        except (ValueError, OverflowError, KeyError, IndexError):
            self._report(node, loc, "is not a number that can be read", "put text in quotes")
            return None

    def _may_be_key(self, node: yaml.Node) -> bool:
        """Ports are keys in some documents: a number is taken as it is written."""
        if not isinstance(node, yaml.ScalarNode):
            return False
        return self._is_text(node) or (self._dialect.core and node.tag in _SCALARS)

    def _is_text(self, node: yaml.Node) -> bool:
        return node.tag in _TEXTS or (self._dialect.core and _is_word(node))

    def _report(
        self, node: yaml.Node, loc: tuple[int | str, ...], sentence: str, remedy: str | None
    ) -> None:
        self.problems.append(Problem(self.file, sentence, _line(node), dotted(loc), remedy))


def _is_word(node: yaml.Node) -> bool:
    """Whether YAML 1.2 takes it for text, and 1.1 does not: yes, no, on and off; and 22:22, which
    1.1 takes for a number to the base of 60."""
    if node.tag == f"{_TAG}bool":
        return node.value.lower() not in ("true", "false")
    return ":" in node.value


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1
