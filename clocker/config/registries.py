"""``registries`` of ``clocker.yaml``: what each may hold, and the references to its password."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationInfo, field_validator

from clocker.config.document import Document, Loc
from clocker.config.fields import Strict
from clocker.config.problems import Problem, Unfit
from clocker.config.references import References
from clocker.model import Registry

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_HOST}(?:/{_PART})*")
_VARIABLE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}")
_MOST_CA_BYTES = 256 * 1024


class RegistryDocument(Strict):
    name: str
    username: str | None = Field(default=None, pattern=r"^[^\x00-\x1f:]{1,128}$")
    password: Any = None
    ca: str | None = None
    mirror: bool = False
    insecure: bool = False
    push: bool = False

    @field_validator("name")
    @classmethod
    def _is_registry(cls, value: str) -> str:
        host = value.partition("/")[0]
        if not _NAME.fullmatch(value) or not ("." in host or ":" in host or host == "localhost"):
            raise Unfit(
                "must be HOST, HOST:PORT or HOST[:PORT]/NAMESPACE, without https://",
                "such as registry.example.org:5000/team",
            )
        return value

    @field_validator("password")
    @classmethod
    def _has_a_user(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and not info.data.get("username"):
            raise Unfit("must have a username beside it")
        return value

    @field_validator("insecure")
    @classmethod
    def _is_one_of_both(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("ca"):
            raise Unfit("must not be true beside a ca, by which the registry is known")
        return value


@dataclass(frozen=True, slots=True)
class Login:
    """``password``: a text from the environment, or a reference that is still to be followed."""

    username: str
    password: Any = field(repr=False)


def read_registries(
    source: Document,
    entries: Sequence[RegistryDocument],
    environ: Mapping[str, str],
    folder: Path,
) -> tuple[tuple[Registry, ...], dict[str, Login], list[Problem]]:
    """Those of the document, and by their names how to log in."""
    registries: list[Registry] = []
    logins: dict[str, Login] = {}
    problems: list[Problem] = []
    for index, entry in enumerate(entries):
        loc: Loc = ("registries", index)
        ca, wrong = _authority(source, entry, loc, folder)
        problems += wrong
        if entry.name in {known.name for known in registries}:
            problems.append(source.problem((*loc, "name"), "must not be there twice"))
        registries.append(Registry(entry.name, ca, entry.mirror, entry.insecure, entry.push))
        if entry.username is not None:
            password, wrong = _password(source, entry, (*loc, "password"), environ)
            problems += wrong
            logins[entry.name] = Login(entry.username, password)
    if sum(entry.push for entry in entries) > 1:
        sentence = "must be true for one registry only: images are shared at one place"
        problems.append(source.problem(("registries",), sentence))
    return tuple(registries), logins, problems


def _authority(
    source: Document, entry: RegistryDocument, loc: Loc, folder: Path
) -> tuple[str, list[Problem]]:
    if entry.ca is None:
        return "", []
    path = folder / Path(entry.ca).expanduser()
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_CA_BYTES).decode("ascii")
    except (OSError, UnicodeDecodeError):
        text = ""
    if "-----BEGIN CERTIFICATE-----" in text and "PRIVATE KEY" not in text:
        return text, []
    sentence = "must be a file that can be read, of certificates in PEM and of no key"
    return "", [source.problem((*loc, "ca"), sentence)]


def _password(
    source: Document, entry: RegistryDocument, loc: Loc, environ: Mapping[str, str]
) -> tuple[Any, list[Problem]]:
    """Never one that is written out."""
    written = source.raw(loc)
    if isinstance(written, str) and _VARIABLE.fullmatch(written):
        return entry.password, []
    if isinstance(written, dict):
        read = References(source, environ)
        found = read.within(written, loc)
        known = not isinstance(found, dict)
        if known or read.problems:
            return found, [*read.unset, *read.problems]
    sentence = "must be a reference: a password is not kept in this file"
    return None, [source.problem(loc, sentence, "write ${NAME}, {file: PATH} or {command: [...]}")]
