"""Image references as Docker reads them: ``[registry/]path[:tag][@digest]``, or an image's id.

Everything that a user may write as an image passes through ``Reference.parse`` before an engine
or a registry hears of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from clocker.errors import BadInput

DOCKER_HUB = "docker.io"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX_ID = re.compile(r"[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{{1,5}})?")
_LONGEST = 255
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Reference:
    """``path`` is empty when the image was named by its id, which then is the ``digest``.
    ``explicit``: the registry was written out, not assumed."""

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None
    explicit: bool = field(default=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """The normalised reference; BadInput says what is wrong with ``text``."""
        if _DIGEST.fullmatch(text):
            return cls("", "", digest=text)
        if _HEX_ID.fullmatch(text):
            return cls("", "", digest=f"sha256:{text}")
        name, digest = _cut_digest(text)
        name, tag = _cut_tag(name, text)
        registry, path = _cut_registry(name, text)
        _check_path(path, text)
        explicit = name != path
        if registry == DOCKER_HUB and "/" not in path:
            path = f"library/{path}"
        return cls(registry, path, tag if tag or digest else "latest", digest, explicit)

    @property
    def is_id(self) -> bool:
        """Whether it names content on an engine, which no registry could be asked for."""
        return not self.path

    @property
    def familiar(self) -> str:
        """As an engine lists it: without Docker Hub's name, and without a tag beside a digest
        (engines find an image by either, not by both)."""
        if self.is_id:
            return self.digest or ""
        name = f"{self.registry}/{self.path}"
        if self.registry == DOCKER_HUB:
            name = self.path.removeprefix("library/")
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag}"

    def __str__(self) -> str:
        if self.is_id:
            return self.digest or ""
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"


def _cut_digest(text: str) -> tuple[str, str | None]:
    name, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _bad(text, "after the @ comes a digest: sha256: and 64 hexadecimal digits")
    return name, digest or None


def _cut_tag(name: str, text: str) -> tuple[str, str | None]:
    """A colon begins a tag only behind the last slash: before it, it begins a port."""
    head, slash, last = name.rpartition("/")
    last, colon, tag = last.partition(":")
    if colon and not _TAG.fullmatch(tag):
        raise _bad(
            text, "a tag has 1 to 128 letters, digits, _ . and -, and begins with none of .-"
        )
    return head + slash + last, tag or None


def _cut_registry(name: str, text: str) -> tuple[str, str]:
    """Docker's rule: what is before the first slash is a registry if it looks like a host."""
    first, slash, rest = name.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    if not slash or not looks_like_host:
        return DOCKER_HUB, name
    if not _REGISTRY.fullmatch(first) or not _valid_port(first) or not _valid_ipv6(first):
        raise _bad(text, f"{_shown(first)} is not a registry's host[:port]")
    return (DOCKER_HUB if first == "index.docker.io" else first), rest


def _valid_port(registry: str) -> bool:
    port = re.search(r":([0-9]+)$", registry)
    return port is None or 0 < int(port[1]) < 65536


def _valid_ipv6(registry: str) -> bool:
    if not registry.startswith("["):
        return True
    try:
        IPv6Address(registry[1 : registry.index("]")])
    except ValueError:
        return False
    return True


def _check_path(path: str, text: str) -> None:
    if not path:
        raise _bad(text, "the name is empty")
    if len(path) > _LONGEST:
        raise _bad(text, f"the name is longer than {_LONGEST} characters")
    if path != path.lower():
        raise _bad(text, "the name must be in lower case")
    for part in path.split("/"):
        if not _PART.fullmatch(part):
            raise _bad(
                text,
                f"{_shown(part)} is not a part of a name: these have lower-case letters and "
                "digits, joined by single . or _, by __ or by hyphens",
            )


def _bad(text: str, why: str) -> BadInput:
    return BadInput(
        f"{_shown(text)} is not an image: {why}",
        where="image",
        remedy="write it as NAME, NAME:TAG or REGISTRY[:PORT]/NAME:TAG",
    )


def _shown(text: str) -> str:
    """Quoted, control characters escaped, and not longer than a line."""
    cut = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "..."
    return ascii(cut)
