"""``.dockerignore``, as Docker reads it. Pure.

A pattern matches a path, or any folder above it; the last one that matches decides. Matching
takes time in proportion to path and pattern whatever they are: they may come from a stranger.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from clocker.errors import BadInput

_MOST_PATTERNS = 1000
_LONGEST_PATTERN = 1000
_MOST_FORMS = 32
_ANY = "**"
_MANY_STARS = re.compile(r"(?<!\\)\*{4,}")

Segments: TypeAlias = tuple[str | re.Pattern[str], ...]
"""A text, a pattern for one part of a path, or ``**`` for any number of parts."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """``keep``: of a line that begins with ``!``. ``forms``: one of them must match."""

    forms: tuple[Segments, ...]
    keep: bool


class Ignore:
    """What is left out of a context. ``always``: files that are not, whatever is said."""

    def __init__(self, patterns: Sequence[Pattern] = (), always: Sequence[str] = ()) -> None:
        self._patterns = tuple(patterns)
        self._always = frozenset(always)
        self._has_exceptions = any(pattern.keep for pattern in patterns)

    def leaves_out(self, path: str) -> bool:
        if path in self._always:
            return False
        parts, ignored = path.split("/"), False
        for pattern in self._patterns:
            if pattern.keep == ignored and any(_matches(form, parts) for form in pattern.forms):
                ignored = not pattern.keep
        return ignored

    def leaves_out_all_below(self, folder: str) -> bool:
        """Whether it need not even be looked into."""
        below = any(name.startswith(f"{folder}/") for name in self._always)
        return not self._has_exceptions and not below and self.leaves_out(folder)


def parse_ignore(text: str, always: Sequence[str] = ()) -> Ignore:
    """BadInput for a pattern that is none."""
    lines = text.removeprefix("\ufeff").splitlines()
    patterns = [found for number, line in enumerate(lines, 1) if (found := _pattern(line, number))]
    if len(patterns) > _MOST_PATTERNS:
        raise BadInput(f"more than {_MOST_PATTERNS} patterns", where=".dockerignore")
    return Ignore(patterns, always)


def _pattern(line: str, number: int) -> Pattern | None:
    if line.startswith("#"):
        return None
    text = line.strip()
    keep = text.startswith("!")
    text = text.removeprefix("!").strip()
    if not text:
        if keep:
            raise _bad(number, "a ! without a pattern")
        return None
    if len(text) > _LONGEST_PATTERN:
        raise _bad(number, f"it is longer than {_LONGEST_PATTERN} characters")
    text = posixpath.normpath(text).lstrip("/")
    text = _MANY_STARS.sub(lambda run: _ANY + "*" * (len(run[0]) % 2), text)  # means the same
    if not text or text == ".":
        return None
    try:
        return Pattern(tuple(tuple(map(_segment, form)) for form in _forms(text)), keep)
    except (re.error, ValueError, IndexError):
        raise _bad(number, "it has a [ or \\ that is not closed") from None


def _bad(number: int, why: str) -> BadInput:
    return BadInput(
        f"the pattern cannot be understood: {why}",
        where=f".dockerignore:{number}",
        remedy="see docs/images.md for what patterns may have",
    )


def _forms(text: str) -> list[list[str]]:
    """``**`` within a part stands for any number of folders there, or for none: two forms."""
    forms: list[list[str]] = [[]]
    left = text
    while left:
        part, _, left = left.partition("/")
        head, inner, rest = part.partition(_ANY)
        if part == _ANY or not inner:
            forms = [[*form, part] for form in forms]
            continue
        rest = "/".join(filter(None, [rest, left])) if rest or left else ""
        left = ""
        tails = _forms(rest) if rest else []
        forms = [[*form, *more] for form in forms for more in _spread(head, tails)]
        if len(forms) > _MOST_FORMS:
            raise ValueError("too many **")
    return forms


def _spread(head: str, tails: list[list[str]]) -> Iterator[list[str]]:
    if not tails:
        yield [f"{head}*"] if head else [_ANY]
        return
    for first, *more in tails:
        if not head:
            yield [_ANY, first, *more]
            continue
        yield [head + first, *more]
        yield [f"{head}*", _ANY, first, *more]


def _segment(text: str) -> str | re.Pattern[str]:
    if text == _ANY or not set(text) & set("*?[\\"):
        return text
    return re.compile(_expression(text), re.DOTALL)


def _expression(text: str) -> str:
    """Each ``*`` but the last takes as little as it can, for good: nothing is tried twice."""
    pieces: list[str] = [""]
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
        elif letter == "?":
            pieces[-1] += "."
        elif letter == "[":
            end = text.index("]", at + 1)
            pieces[-1] += _letters(text[at:end])
            at = end + 1
        elif letter == "\\":
            pieces[-1] += re.escape(text[at])
            at += 1
        else:
            pieces[-1] += re.escape(letter)
    first, *others = pieces
    if not others:
        return first
    *middle, last = others
    return first + "".join(f"(?>.*?{piece})" for piece in middle) + f".*{last}"


def _letters(inside: str) -> str:
    negated = inside.startswith("^")
    inside = inside.removeprefix("^")
    ranges = re.sub(r"([\[\]\\&~|^])", r"\\\1", inside)
    return f"[{'^' if negated else ''}{ranges}]"


def _matches(form: Segments, parts: Sequence[str]) -> bool:
    """The path or a folder above it: so many of the form's parts must be used up, not all of the
    path's."""
    if _ANY not in form:
        return len(form) <= len(parts) and all(map(_fits, form, parts))
    places = {0}
    for number, segment in enumerate(form):
        if segment == _ANY:
            last = number == len(form) - 1
            # At the end it is what is below, not the folder itself.
            places = set(range(min(places) + last, len(parts) + 1)) if places else set()
        else:
            places = {at + 1 for at in places if at < len(parts) and _fits(segment, parts[at])}
    return bool(places)


def _fits(segment: str | re.Pattern[str], part: str) -> bool:
    if isinstance(segment, str):
        return segment == part
    return segment.fullmatch(part) is not None
