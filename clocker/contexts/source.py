"""Where a context comes from, by how it is written. Pure; BadInput for what names nothing."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from clocker.errors import BadInput
from clocker.model import Build

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_REFERENCE = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._/+-]{0,198}[A-Za-z0-9_+-])?")
_GIT_SCHEMES = ("file", "http", "https", "ssh")
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Local:
    """A directory, a Dockerfile or an archive of this machine."""

    path: str


@dataclass(frozen=True, slots=True)
class Download:
    url: str
    checksum: str


@dataclass(frozen=True, slots=True)
class GitCheckout:
    """``reference``: a commit, tag or branch; empty: what the repository shows first. ``folder``:
    within it, empty for all of it."""

    url: str
    reference: str
    folder: str


Source: TypeAlias = Local | Download | GitCheckout


def source_of(build: Build) -> Source:
    """BadInput also for a URL with a password in it: what was asked for is kept."""
    place = build.context
    if not place or len(place) > _LONGEST or not place.isprintable():
        raise _bad("a context is the path of a folder, Dockerfile or archive, or a URL")
    check_dockerfile(build.dockerfile)
    if place.lower().startswith("git+"):
        return _git(place[4:])
    if not _URL.match(place):
        return Local(place)
    return _download(place, build.checksum)


def check_dockerfile(name: str) -> None:
    """Its path within the context."""
    if not name or name.startswith("/") or ".." in name.split("/") or not name.isprintable():
        raise _bad(
            f"the Dockerfile {name[:80]!r} does not lie within the context",
            "give its path below the context, such as docker/Dockerfile",
        )


def _download(url: str, checksum: str | None) -> Download:
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        raise _bad(
            f"an archive cannot be had by {parts.scheme}",
            "give the URL of an archive (http or https), or git+URL of a repository",
        )
    _check_host(url)
    if checksum is None:
        raise _bad(
            "what is downloaded must be known by its checksum",
            "give --checksum sha256:..., as sha256sum prints it",
        )
    if not _CHECKSUM.fullmatch(checksum):
        raise _bad("the checksum is not sha256: and 64 hexadecimal digits")
    return Download(url, checksum)


def _git(url: str) -> GitCheckout:
    url, _, fragment = url.partition("#")
    reference, _, folder = fragment.partition(":")
    scheme = urlsplit(url).scheme.lower()
    if scheme not in _GIT_SCHEMES:
        raise _bad(
            f"a repository cannot be had by {scheme}", f"use one of {', '.join(_GIT_SCHEMES)}"
        )
    if scheme == "file":
        if not urlsplit(url).path.startswith("/") or urlsplit(url).netloc:
            raise _bad("a repository of this machine is git+file:///PATH")
    else:
        _check_host(url, user=scheme == "ssh")
    if reference and (not _REFERENCE.fullmatch(reference) or ".." in reference):
        raise _bad(f"{reference[:80]!r} is no commit, tag or branch", "write git+URL#COMMIT:FOLDER")
    return GitCheckout(url, reference, _folder(folder))


def _folder(text: str) -> str:
    folder = posixpath.normpath(text.strip("/")) if text.strip("/") else ""
    if folder.split("/")[0] == ".." or folder.startswith("/"):
        raise _bad("the folder does not lie within the repository", "write git+URL#COMMIT:FOLDER")
    return "" if folder == "." else folder


def _check_host(url: str, *, user: bool = False) -> None:
    """The URL itself is not told: there may be a secret in it."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise _bad("this is no URL of a host") from None
    login, _, host = parts.netloc.rpartition("@")
    host = re.sub(r":\d*$", "", host)
    if login and not (user and _USER.fullmatch(login)):
        raise _bad(
            "a URL must not hold a name or password: it is kept with what was asked for",
            "let git's own credential helper, or an SSH key, log in",
        )
    if not port_is_fine or not _HOST.fullmatch(host):
        raise _bad("this is no URL of a host")


def _bad(what: str, remedy: str | None = None) -> BadInput:
    return BadInput(what, where="build", remedy=remedy)
