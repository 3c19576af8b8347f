"""The files of a context, wherever they come from, by their names. Pure.

What is untrusted never becomes a file of this machine: it is entries here, and bytes in one
nameless file (``clocker.contexts.spool``).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from clocker.contexts.limits import Limits
from clocker.errors import BadInput

_LINKS_FOLLOWED = 40


class Kind(StrEnum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Entry:
    """``pieces``: a file's content. ``target``: a symbolic link's."""

    kind: Kind
    mode: int
    size: int = 0
    target: str = ""
    pieces: Callable[[], Iterator[bytes]] = field(default=lambda: iter(()), compare=False)


Tree: TypeAlias = dict[str, Entry]
"""By paths without a leading ``./``; the context itself is not among them."""

FOLDER = Entry(Kind.FOLDER, 0o755)


class Unsafe(Exception):  # noqa: N818 - a refusal
    """What an archive holds that is not taken; a sentence about it."""


def clean(name: str, limits: Limits) -> str:
    """A name in an archive as a name in the tree, empty for the context itself."""
    if len(name) > limits.name_length:
        raise Unsafe(f"a name is longer than {limits.name_length} characters")
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in name):
        raise Unsafe(f"{shown(name)} has control characters in its name")
    if name.startswith("/"):
        raise Unsafe(f"{shown(name)} has an absolute path")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Unsafe(f"{shown(name)} leads out of the archive")
    if len(parts) > limits.depth:
        raise Unsafe(f"{shown(name)} lies deeper than {limits.depth} folders")
    return "/".join(parts)


def add(tree: Tree, name: str, entry: Entry, limits: Limits) -> None:
    """As in an archive: the last of a name is meant."""
    if name not in tree and len(tree) >= limits.entries:
        raise Unsafe(f"there are more than {limits.entries} files")
    tree[name] = entry


def whole(tree: Tree, *, links: bool = True) -> Tree:
    """With all folders, each of which is one; and with ``links`` none of these leads out."""
    full = dict(tree)
    for name in tree:
        for parent in parents(name):
            if full.setdefault(parent, FOLDER).kind is not Kind.FOLDER:
                raise Unsafe(f"{shown(name)} lies below {shown(parent)}, which is no folder")
    if links:
        for name, entry in full.items():
            if entry.kind is Kind.LINK:
                resolve(full, name)
    return full


def parents(name: str) -> Iterator[str]:
    """The innermost last."""
    at = name.find("/")
    while at > 0:
        yield name[:at]
        at = name.find("/", at + 1)


def resolve(tree: Tree, name: str) -> str | None:
    """Where the path leads through all links on it; None when nothing is there. Unsafe when it
    leads out of the tree, on any way."""
    done: list[str] = []
    left = name.split("/")[::-1]
    followed = 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                raise Unsafe(f"{shown(name)} is a link that leads out")
            done.pop()
            continue
        entry = tree.get("/".join([*done, part]))
        if entry is None:
            _check_missing(name, done, left)
            return None
        if entry.kind is not Kind.LINK:
            done.append(part)
            continue
        followed += 1
        if followed > _LINKS_FOLLOWED:
            raise Unsafe(f"{shown(name)} is a link that leads in a circle")
        if entry.target.startswith("/"):
            raise Unsafe(f"{shown(name)} is a link that leads out")
        left.extend(entry.target.split("/")[::-1])
    return "/".join(done)


def _check_missing(name: str, done: list[str], left: list[str]) -> None:
    """What is behind nothing may be there later, and lead out then."""
    rest = posixpath.normpath("/".join([*done, "x", *left[::-1]]))
    if rest.split("/")[0] == "..":
        raise Unsafe(f"{shown(name)} is a link that leads out")


def below(tree: Mapping[str, Entry], folder: str) -> Tree:
    """The part of the tree in ``folder``."""
    start = f"{folder}/"
    return {name[len(start) :]: entry for name, entry in tree.items() if name.startswith(start)}


def refusal(error: Unsafe, where: str) -> BadInput:
    return BadInput(str(error), where=where, remedy="build from what you trust, without it")


def shown(name: str) -> str:
    """Quoted, and as long as a line."""
    return ascii(name if len(name) <= 80 else f"{name[:80]}...")
