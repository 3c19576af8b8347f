"""Secrets by reference: ``{file: PATH}`` and ``{command: ...}`` in the arguments of a provider's
entry, beside the ``${VAR}`` that every document may have."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clocker.config.document import Document, Loc
from clocker.config.environment import with_environment
from clocker.config.problems import Problem

REFERENCES = frozenset({"file", "command"})


@dataclass(frozen=True, slots=True)
class FileReference:
    """``where``, ``what``: the place in the document, for errors."""

    path: Path
    where: str
    what: str


@dataclass(frozen=True, slots=True)
class CommandReference:
    """``folder``: where it runs, that of the document."""

    argv: tuple[str, ...]
    folder: str
    where: str
    what: str


class References:
    """Finds the references in what stands in a document. ``unset``: those that lead nowhere now;
    ``problems``: those that are not written as they must be."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self.unset: list[Problem] = []
        self.problems: list[Problem] = []
        self._document = document
        self._environ = environ

    def within(self, value: Any, loc: Loc) -> Any:
        """``value``, which stands at ``loc``, with an object for every mapping that refers."""
        if isinstance(value, list):
            return [self.within(item, (*loc, index)) for index, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if REFERENCES & set(value):
            return self._reference(value, loc)
        return {key: self.within(item, (*loc, key)) for key, item in value.items()}

    def _reference(
        self, value: dict[str, Any], loc: Loc
    ) -> FileReference | CommandReference | None:
        if set(value) == {"file"} and isinstance(value["file"], str):
            return self._file(value["file"], (*loc, "file"))
        argv = _words(value.get("command")) if set(value) == {"command"} else ()
        if argv:
            return self._command(argv, (*loc, "command"))
        remedy = "write {file: PATH} or {command: [pass, show, NAME]}"
        self.problems.append(self._document.problem(loc, "must be a file or a command", remedy))
        return None

    def _file(self, written: str, loc: Loc) -> FileReference:
        name, unset = with_environment(self._document, written, loc, self._environ)
        path = beside(self._document, loc, name)
        if not unset and not _is_there(path):
            remedy = "write the secret into it, and chmod 600 it"
            unset = [self._document.problem(loc, "there is no such file", remedy)]
        self.unset += unset
        place = self._document.problem(loc, "")
        return FileReference(path, place.where, place.path)

    def _command(self, argv: tuple[str, ...], loc: Loc) -> CommandReference:
        if any("${" in word for word in argv):
            sentence = "must not have ${...}: whoever lists processes could read it"
            remedy = "the command has this environment: name the variable in a script of yours"
            self.problems.append(self._document.problem(loc, sentence, remedy))
        folder = beside(self._document, loc, ".")
        place = self._document.problem(loc, "")
        return CommandReference(argv, str(folder), place.where, place.path)


def beside(document: Document, loc: Loc, name: str) -> Path:
    """Relative names are meant from the folder of the file in which ``loc`` is written."""
    folder = Path(document.problem(loc, "").file).parent.absolute()
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:  # ~NAME of nobody
        return folder / name


def _is_there(path: Path) -> bool:
    try:
        return path.exists() and not path.is_dir()
    except OSError:  # a folder above it is closed to us
        return False


def _words(command: object) -> tuple[str, ...]:
    """A list as it is; a text split as a shell does, without being one."""
    if isinstance(command, str):
        try:
            return tuple(shlex.split(command))
        except ValueError:
            return ()
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return tuple(command)
    return ()
