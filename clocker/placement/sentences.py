"""Sentences about the containers on a host: ``NOT TYPE solr``, ``LABEL tier=web``, ``EMPTY``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from clocker.errors import BadInput
from clocker.model import Container, ContainerRequest

APPLICATION = "application"
"""The label that names a container's application."""

FORM = "[NOT|ONLY] TYPE [IMAGE] | NAME TEXT | CONTAINER NAME | ID ID | APPLICATION [NAME] | LABEL KEY[=VALUE], or [NOT] EMPTY"  # noqa: E501

_KINDS = ("TYPE", "NAME", "CONTAINER", "ID", "APPLICATION", "LABEL", "EMPTY")
_OF_ITS_OWN = ("TYPE", "APPLICATION")
"""Without a value they mean that of the container which is being placed."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """``quantity``: SOME (at least one container there is such), NOT (none is) or ONLY (all
    are). ``value``: None where it is that of the container which is being placed."""

    quantity: str
    kind: str
    value: str | None
    text: str


def lines(texts: str | Iterable[str]) -> tuple[str, ...]:
    """One text may hold several sentences, apart by commas or line ends."""
    if isinstance(texts, str):
        texts = texts.replace("\n", ",").split(",")
    return tuple(stripped for text in texts if (stripped := text.strip()))


@lru_cache(maxsize=1024)
def parsed(texts: str | tuple[str, ...]) -> tuple[Sentence, ...]:
    return tuple(map(sentence, lines(texts)))


def sentence(text: str) -> Sentence:
    """BadInput when it is none."""
    words = _words(text)
    quantity = "SOME"
    if words and words[0].upper() in ("NOT", "ONLY"):
        quantity = words.pop(0).upper()
    if not words or words[0].upper() not in _KINDS or len(words) > 2:
        raise _no_sentence(text)
    kind, value = words[0].upper(), words[1] if len(words) == 2 else None
    if kind == "EMPTY" and (value is not None or quantity == "ONLY"):
        raise _no_sentence(text)
    if value is None and kind not in (*_OF_ITS_OWN, "EMPTY"):
        raise _no_sentence(text, f"{kind} needs a value")
    return Sentence(quantity, kind, value, text)


def value_of(sentence: Sentence, request: ContainerRequest) -> str | None:
    """What the sentence asks for when ``request`` is placed; None when it does not concern it."""
    if sentence.value is not None:
        return sentence.value
    return request.image if sentence.kind == "TYPE" else request.labels.get(APPLICATION)


def is_such(kind: str, value: str, container: Container) -> bool:
    return _is_such(kind, value, container.request, container.name, container.id)


def would_be_such(kind: str, value: str, request: ContainerRequest) -> bool:
    """Whether the container that ``request`` asks for will be such."""
    return _is_such(kind, value, request, request.name or "", "")


@lru_cache(maxsize=4096)
def image_names(image: str) -> frozenset[str]:
    """All that an image may be called, in small letters: ``registry/team/solr:9`` is also
    ``registry/team/solr``, ``team/solr:9``, ``team/solr``, ``solr:9`` and ``solr``."""
    tagged = image.lower().partition("@")[0]
    folders, _, last = tagged.rpartition("/")
    bare = f"{folders}/{last.partition(':')[0]}".removeprefix("/")
    names = {image.lower()}
    for name in (tagged, bare):
        parts = name.split("/")
        names |= {"/".join(parts[start:]) for start in range(len(parts))}
    return frozenset(names)


def check_counted(rule: str, of: str | None) -> None:
    """BadInput unless ``of`` says which containers a rule counts; empty: all."""
    said = sentence(of) if of else None
    if said and (said.quantity != "SOME" or said.kind == "EMPTY"):
        raise BadInput(
            f"rule {rule!r}: {of!r} does not say which containers count",
            where="rules",
            remedy="such as  of: LABEL tier=web,  or  of: TYPE  for those of the same image",
        )


def count(of: str | None, containers: Sequence[Container], request: ContainerRequest) -> int:
    """How many of them count; none where ``of`` means the application of a request that is of
    none."""
    if not of:
        return len(containers)
    said = sentence(of)
    value = value_of(said, request)
    if value is None:
        return 0
    return sum(is_such(said.kind, value, container) for container in containers)


def _is_such(kind: str, value: str, request: ContainerRequest, name: str, identity: str) -> bool:
    if kind == "TYPE":
        wanted = value.lower()
        return wanted in image_names(request.image)
    if kind == "NAME":
        return value in name
    if kind == "CONTAINER":
        return value == name
    if kind == "ID":
        return value == identity
    if kind == "APPLICATION":
        return request.labels.get(APPLICATION) == value
    return _has_label(request.labels, value)


def _has_label(labels: Mapping[str, str], wanted: str) -> bool:
    key, assigned, value = wanted.partition("=")
    return labels.get(key) == value if assigned else key in labels


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise _no_sentence(text, "a quote is not closed") from None


def _no_sentence(text: str, why: str | None = None) -> BadInput:
    return BadInput(
        f"{text!r} is no sentence about containers" + (f": {why}" if why else ""),
        where="rules",
        remedy=f"write {FORM}; put a value with blanks in quotes",
    )
