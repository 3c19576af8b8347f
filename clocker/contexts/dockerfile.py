"""As much of a Dockerfile as must be known before an engine reads it: which images it wants.
Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping

_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$(?:\{(\w+)(?::([-+])([^}]*))?\}|(\w+))")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*", re.IGNORECASE)
_COPY_FROM = re.compile(r"--from=(\S+)")


def images_of(text: str, args: Mapping[str, str]) -> tuple[str, ...]:
    """Those that it builds on or copies from, each once. What depends on what only the engine
    knows (a variable without a value) is left out."""
    found: dict[str, None] = {}
    stages: set[str] = {"scratch"}
    values: dict[str, str] = {}
    begun = False
    for word, rest in instructions(text):
        if word == "ARG" and not begun:
            values |= _defaults(rest, values, args)
        elif word == "FROM" and (match := _FROM.fullmatch(rest)):
            begun = True
            image = _filled(match[1], values)
            if image and image.lower() not in stages:
                found.setdefault(image)
            if match[2]:
                stages.add(match[2].lower())
        elif word == "COPY" and (copied := _COPY_FROM.search(rest)):
            image = _filled(copied[1], {})
            if image and image.lower() not in stages and not image.isdecimal():
                found.setdefault(image)
    return tuple(found)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each with what follows it, continued lines joined, comments left out."""
    lines = text.lstrip("\ufeff").splitlines()
    escape = "\\"
    for line in lines:
        if not line.startswith("#"):
            break
        if directive := _DIRECTIVE.fullmatch(line):
            escape = directive[1]
    whole = ""
    for line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.endswith(escape):
            whole += stripped[:-1] + " "
            continue
        word, _, rest = (whole + stripped).strip().partition(" ")
        whole = ""
        yield word.upper(), rest.strip()


def _defaults(rest: str, before: Mapping[str, str], args: Mapping[str, str]) -> dict[str, str]:
    try:
        words = shlex.split(rest)
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for word in words:
        name, assigned, default = word.partition("=")
        filled = _filled(default, {**before, **found})
        if name in args:
            found[name] = args[name]
        elif assigned and filled is not None:
            found[name] = filled
    return found


def _filled(text: str, values: Mapping[str, str]) -> str | None:
    """None when a variable has no value."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        known = values.get(match[1] or match[4])
        if match[2] == "+":
            return match[3] if known else ""
        if match[2] == "-":
            return known or match[3]
        missing = missing or known is None
        return known or ""

    filled = _VARIABLE.sub(value, text).strip("\"'")
    return None if missing else filled
