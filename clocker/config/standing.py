"""What becomes of the keys of a foreign document: one table for the reader and for the page that
documents it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clocker.config.problems import nearest
from clocker.config.tree import Node, Report


class Standing(StrEnum):
    SUPPORTED = "supported"
    APPROXIMATED = "approximated"
    IGNORED = "ignored"  # with a warning: it changes nothing that matters
    REFUSED = "refused"  # to ignore it would change what is run


@dataclass(frozen=True, slots=True)
class Key:
    """``how``: what is made of it; or, where it is refused, what to write instead. ``harmless``:
    values that ask for nothing, as they are written in small letters."""

    standing: Standing
    how: str = ""
    harmless: tuple[str, ...] = ()


@dataclass(slots=True)
class Keys:
    """The keys of a mapping, by name; ``*`` is any name, or any place in a list."""

    key: Key | None = None
    below: dict[str, Keys] = field(default_factory=dict)


def keys_of(table: Mapping[str, Key]) -> Keys:
    """Of dotted paths."""
    root = Keys()
    for path, key in table.items():
        at = root
        for part in path.split("."):
            at = at.below.setdefault(part, Keys())
        at.key = key
    return root


def judge(node: Node, keys: Keys, report: Report) -> None:
    """Every key below ``node`` that is refused or ignored."""
    for name, item in _children(node):
        found = keys.below.get(name) or keys.below.get("*")
        if found is not None and not _is_told(item, found.key, report):
            judge(item, found, report)


def _children(node: Node) -> Iterator[tuple[str, Node]]:
    if isinstance(node.value, list):
        yield from (("*", item) for item in node.value)
    else:
        yield from ((name, item) for name, item in node.items() if not name.startswith("x-"))


def _is_told(node: Node, key: Key | None, report: Report) -> bool:
    if key is None or key.standing in (Standing.SUPPORTED, Standing.APPROXIMATED):
        return False
    value = node.value
    if value is None or value in ({}, []) or str(value).lower() in key.harmless:
        return True
    if key.standing is Standing.REFUSED:
        report.refuse(node, "is not supported", key.how or None)
    else:
        report.warn(node, f"is not used: {key.how}" if key.how else "is not used")
    return True


def judge_flat(node: Node, table: Mapping[str, Key], report: Report) -> None:
    """A mapping whose keys have dots in them: those that the table has not are refused."""
    for name, item in node.items():
        key = table.get(name)
        if key is not None:
            _is_told(item, key, report)
            continue
        near = nearest(name, table)
        report.refuse(item, "unknown key", f"did you mean {near}?" if near else None)
