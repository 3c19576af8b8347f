"""Files of variables: ``.env`` and those of ``env_file``. A value is never quoted in a problem."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clocker.config.compose.interpolation import substituted
from clocker.config.problems import Problem

_MOST_BYTES = 1024 * 1024
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:([=:])[ \t]*)?")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$"}


@dataclass(slots=True)
class Variables:
    """``values``: None for a variable that is only named: its value is from the environment."""

    values: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_variables(path: Path, environ: Mapping[str, str], *, raw: bool = False) -> Variables:
    """``raw``: values are taken as they are written, quotes and dollars and all. A problem when
    the file cannot be read."""
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError):
        return Variables(problems=[Problem(str(path), "must be a file of text that can be read")])
    if len(content) > _MOST_BYTES:
        return Variables(problems=[Problem(str(path), "is larger than 1 MiB")])
    if "\0" in text:
        return Variables(problems=[Problem(str(path), "must not have a NUL character")])
    return _Reader(text, str(path), environ, raw=raw).read()


class _Reader:
    def __init__(self, text: str, file: str, environ: Mapping[str, str], *, raw: bool) -> None:
        self._lines = text.splitlines()
        self._file = file
        self._environ = environ
        self._raw = raw
        self._at = 0
        self._found = Variables()

    def read(self) -> Variables:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if line.strip() and not line.lstrip().startswith("#"):
                self._entry(line)
        return self._found

    def _entry(self, line: str) -> None:
        match = _LINE.match(line)
        rest = line[match.end() :] if match else ""
        if match is None or (match[2] is None and rest.strip()):
            self._report("must be NAME=VALUE")
        elif match[2] is None:
            self._found.values[match[1]] = None
        elif self._raw:
            self._found.values[match[1]] = rest
        else:
            self._found.values[match[1]] = self._value(rest)

    def _value(self, rest: str) -> str:
        quote = rest[:1]
        if quote not in ("'", '"'):
            return self._substituted(re.split(r"(?:^|\s)#", rest, maxsplit=1)[0].rstrip())
        text = self._quoted(rest[1:], quote)
        return text if quote == "'" else self._substituted(_unescaped(text))

    def _quoted(self, rest: str, quote: str) -> str:
        """Up to the closing quote, which may be in a later line."""
        first, text = self._at, rest
        pattern = re.compile(r"((?:[^\\\"]|\\.)*)\"" if quote == '"' else r"([^']*)'", re.DOTALL)
        while (match := pattern.match(text)) is None:
            if self._at == len(self._lines):
                self._at = first
                self._report("has a quote that is not closed")
                return ""
            text += "\n" + self._lines[self._at]
            self._at += 1
        return match[1]

    def _substituted(self, text: str) -> str:
        known = {k: v for k, v in self._found.values.items() if v is not None}
        try:
            return substituted(text, {**known, **self._environ}, {}) if "$" in text else text
        except ValueError:
            self._report("has a $ that begins no reference", "put the value in single quotes")
            return ""

    def _report(self, sentence: str, remedy: str | None = None) -> None:
        self._found.problems.append(Problem(self._file, sentence, self._at, remedy=remedy))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), text, flags=re.DOTALL)
