"""How documents describe an image that is to be made: ``build`` and ``install``.

``build`` is a context alone, or a mapping; ``image: {dockerfile: ...}`` is the same mapping.
``install`` is a command, a list of commands, or a mapping. What names a file means it from the
document's folder. Of a field that is a BuildDocument or InstallDocument, ``model`` makes the
request's part; Unfit: a file that it names is not as it must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from clocker.config.fields import Duration, Strict
from clocker.config.problems import Unfit
from clocker.errors import BadInput
from clocker.model import Build, Install, InstallFile

MOST_BYTES = 1024 * 1024
"""Of all files of one ``install``: they are kept with the request."""

_URL = re.compile(r"(?:git\+)?[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ARCHIVE = re.compile(r"https?://", re.IGNORECASE)
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODE = r"^0?[0-7]{3}$"
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._:~=*@-]*")
_SCRIPT = "/tmp/clocker-install"  # noqa: S108 - within the image


def _texts(value: Any) -> Any:
    """A mapping of texts, also as Compose lists it: ``[K=V]``; numbers are taken as written."""
    if isinstance(value, list):
        pairs = [str(item).partition("=") for item in value]
        if strange := [name for name, assigned, _ in pairs if not assigned]:
            raise Unfit(
                f"must give {strange[0]!r} a value", f"write {strange[0]}: ${{{strange[0]}}}"
            )
        value = {name: text for name, _, text in pairs}
    if not isinstance(value, dict):
        return value
    return {key: _text(item) for key, item in value.items()}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]
Lines = Annotated[list[str], BeforeValidator(_listed)]


class BuildDocument(Strict):
    """``dockerfile`` without ``context`` is the context itself: a directory, say, or a Dockerfile
    alone."""

    context: str = ""
    dockerfile: str | None = None
    checksum: str | None = None
    args: Texts = Field(default_factory=dict)
    target: str | None = None
    substitutions: Texts = Field(default_factory=dict)
    timeout: Duration = 1200.0

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        return {"context": value} if isinstance(value, str) else value

    @field_validator("dockerfile")
    @classmethod
    def _has_a_context(cls, value: str | None, info: ValidationInfo) -> str | None:
        if not value:
            raise Unfit("must name a file")
        if info.data.get("context") and Path(value).is_absolute():
            raise Unfit("must lie within the context, and is no absolute path")
        return value

    @field_validator("checksum")
    @classmethod
    def _is_checksum(cls, value: str | None) -> str | None:
        if value is not None and not _CHECKSUM.fullmatch(value):
            raise Unfit("must be sha256: and 64 hexadecimal digits", "as sha256sum prints them")
        return value

    @field_validator("args")
    @classmethod
    def _are_arguments(cls, value: dict[str, str]) -> dict[str, str]:
        if strange := [name for name in value if not _ARGUMENT.fullmatch(name)]:
            raise Unfit(f"must have names like those of variables, and {strange[0]!r} is none")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> BuildDocument:
        if not (self.context or self.dockerfile):
            raise Unfit("must have a context", "write  context: FOLDER")
        if self.checksum is None and _ARCHIVE.match(self._place):
            raise Unfit(
                "must have the checksum of what is downloaded",
                "write  checksum: sha256:...  as sha256sum prints it",
            )
        return self

    @property
    def _place(self) -> str:
        return self.context or self.dockerfile or ""

    def model(self, folder: Path) -> Build:
        place = self._place
        within = self.dockerfile if self.context else None
        return Build(
            context=place if _URL.match(place) else str(_absolute(folder, place)),
            dockerfile=within or "Dockerfile",
            checksum=self.checksum,
            args=self.args,
            target=self.target,
            substitutions=self.substitutions,
            timeout_s=self.timeout,
        )


def build_of(values: Mapping[str, Any], folder: Path, where: str) -> Build:
    """The Build that the fields of a BuildDocument describe; BadInput, said of ``where``."""
    with _said_of(where):
        return BuildDocument.model_validate(values).model(folder)


def install_of(values: Mapping[str, Any], folder: Path, where: str) -> Install:
    """The Install that the fields of an InstallDocument describe; BadInput, said of ``where``."""
    with _said_of(where):
        return InstallDocument.model_validate(values).model(folder)


@contextmanager
def _said_of(where: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        given = first["input"]
        # A mapping may hold more than what is wrong.
        shown = f": {given!r}"[:200] if isinstance(given, str | int) else ""
        raise BadInput(f"{said}{shown}", where=where) from None
    except Unfit as error:
        raise BadInput(str(error), where=where, remedy=error.remedy) from None


class FileDocument(Strict):
    """``source``: a file beside the document; or ``content`` is its text."""

    target: str
    source: str | None = None
    content: str | None = None
    mode: str = Field(default="0644", pattern=_MODE)

    @field_validator("target")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        if not value.startswith("/") or value.endswith("/") or ".." in value.split("/"):
            raise Unfit("must be the absolute path of a file in the image")
        return value

    @model_validator(mode="after")
    def _has_one_origin(self) -> FileDocument:
        if (self.source is None) == (self.content is None):
            raise Unfit("must have either a source or a content")
        return self


class InstallDocument(Strict):
    """``args``: variables for the commands. ``script``: a file that is run after the commands, by
    what its first line says, else by the shell."""

    packages: Lines = Field(default_factory=list)
    files: list[FileDocument] = Field(default_factory=list)
    commands: Lines = Field(default_factory=list)
    args: Texts = Field(default_factory=dict)
    script: str | None = None
    ttl: Duration | None = None
    timeout: Duration = 900.0
    keep: bool = True

    @model_validator(mode="before")
    @classmethod
    def _may_be_short(cls, value: Any) -> Any:
        return {"commands": value} if isinstance(value, str | list) else value

    @field_validator("packages")
    @classmethod
    def _are_packages(cls, value: list[str]) -> list[str]:
        if strange := [name for name in value if not _PACKAGE.fullmatch(name)]:
            raise Unfit(f"must be names of packages, and {strange[0]!r} is none")
        return value

    @model_validator(mode="after")
    def _does_something(self) -> InstallDocument:
        if not (self.packages or self.files or self.commands or self.script):
            raise Unfit("must have packages, files, commands or a script")
        return self

    def model(self, folder: Path) -> Install:
        files = [_file(folder, each) for each in self.files]
        commands = list(self.commands)
        if self.script is not None:
            text = _content(folder, self.script)
            files.append(InstallFile(_SCRIPT, text, 0o755))
            run = _SCRIPT if text.startswith(b"#!") else f"sh {_SCRIPT}"
            commands.append(f"{run} && rm {_SCRIPT}")
        if sum(len(each.content) for each in files) > MOST_BYTES:
            raise Unfit(
                "must not put more than 1 MiB of files", "build larger ones in with a Dockerfile"
            )
        return Install(
            packages=tuple(self.packages),
            files=tuple(files),
            commands=tuple(commands),
            args=self.args,
            ttl_s=self.ttl,
            timeout_s=self.timeout,
            keep=self.keep,
        )


def _file(folder: Path, file: FileDocument) -> InstallFile:
    if file.source is None:
        content = (file.content or "").encode()
    else:
        content = _content(folder, file.source)
    return InstallFile(file.target, content, int(file.mode, 8))


def _content(folder: Path, name: str) -> bytes:
    path = _absolute(folder, name)
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise Unfit(f"must name a file that can be read: {path}: {error.strerror}") from None
    return content


def _absolute(folder: Path, name: str) -> Path:
    return Path(folder, name).resolve()
