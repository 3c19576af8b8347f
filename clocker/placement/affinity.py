"""Which containers a container wants, or does not want, on its host."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

from clocker.model import Container, ContainerRequest, HostView
from clocker.placement.sentences import (
    APPLICATION,
    Sentence,
    is_such,
    lines,
    parsed,
    value_of,
    would_be_such,
)


@dataclass(frozen=True, slots=True)
class Affinity:
    """Every one of the ``sentences`` holds for the containers on the host, and goes on holding:
    one that NOT or ONLY keeps away does not come later either. A container that is itself what
    it looks for goes anywhere while there is none yet."""

    sentences: str | tuple[str, ...]

    def __post_init__(self) -> None:
        parsed(self.sentences)

    @property
    def reads(self) -> tuple[str, ...] | None:
        """What is looked for, and may be the container itself, depends on all hosts."""
        looks = any(s.quantity == "SOME" and s.kind != "EMPTY" for s in parsed(self.sentences))
        return None if looks else ("image", "labels")

    def among(self, views: Sequence[HostView], request: ContainerRequest) -> Affinity:
        every = parsed(self.sentences)
        kept = tuple(s.text for s in every if not _is_first(s, views, request))
        return self if len(kept) == len(every) else replace(self, sentences=kept)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        answers = (_broken(s, view, request) for s in parsed(self.sentences))
        return next((why for why in answers if why), None)

    def objection(self, container: Container, request: ContainerRequest) -> str | None:
        answers = (_kept_away(s, container, request) for s in parsed(self.sentences))
        return next((why for why in answers if why), None)


@dataclass(frozen=True, slots=True)
class SameHost:
    """On the host of the named containers; of others of the same image when none is named."""

    containers: str | tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...] | None:
        return _neighbours("", self.containers).reads

    def among(self, views: Sequence[HostView], request: ContainerRequest) -> _SameHostBound:
        return _SameHostBound(_neighbours("", self.containers).among(views, request))

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return _neighbours("", self.containers).refusal(view, request)


@dataclass(frozen=True, slots=True)
class _SameHostBound:
    affinity: Affinity

    rule_name: ClassVar[str] = "same_host"

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return self.affinity.refusal(view, request)


@dataclass(frozen=True, slots=True)
class DifferentHost:
    """Not on the host of the named containers; of others of the same image when none is named."""

    containers: str | tuple[str, ...] = ()

    reads: ClassVar[tuple[str, ...]] = ("image", "labels")

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return _neighbours("NOT ", self.containers).refusal(view, request)

    def objection(self, container: Container, request: ContainerRequest) -> str | None:
        return _neighbours("NOT ", self.containers).objection(container, request)


@dataclass(frozen=True, slots=True)
class Exclusive:
    """The host is the container's own, before and after; containers of its application (its
    label ``application``) may share it."""

    reads: ClassVar[tuple[str, ...]] = ("labels",)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        others = (c for c in view.containers if not _of_one_application(c.request, request))
        stranger = next(others, None)
        return f"{stranger.name} is there" if stranger else None

    def objection(self, container: Container, request: ContainerRequest) -> str | None:
        return None if _of_one_application(container.request, request) else "has it for itself"


@lru_cache(maxsize=1024)
def _neighbours(negation: str, containers: str | tuple[str, ...]) -> Affinity:
    texts = (f"{negation}CONTAINER {shlex.quote(name)}" for name in lines(containers))
    return Affinity(tuple(texts) or (f"{negation}TYPE",))


def _is_first(wanted: Sentence, views: Sequence[HostView], request: ContainerRequest) -> bool:
    """It looks for what it is itself, and there is none anywhere."""
    if wanted.quantity != "SOME" or wanted.kind == "EMPTY":
        return False
    value = value_of(wanted, request)
    if value is None or not would_be_such(wanted.kind, value, request):
        return False
    return not any(is_such(wanted.kind, value, c) for view in views for c in view.containers)


def _broken(wanted: Sentence, view: HostView, request: ContainerRequest) -> str | None:
    """Why the sentence does not hold, or None."""
    if wanted.kind == "EMPTY":
        return _not_as_empty(wanted, view)
    value = value_of(wanted, request)
    if value is None:
        return None
    such = [is_such(wanted.kind, value, container) for container in view.containers]
    if wanted.quantity == "SOME":
        return None if any(such) else f"no container there is {wanted.kind} {value}"
    unwanted = wanted.quantity == "NOT"
    for container, matches in zip(view.containers, such, strict=True):
        if matches is unwanted:
            return f"{container.name} is there, which is {_which(wanted, value)}"
    return None


def _not_as_empty(wanted: Sentence, view: HostView) -> str | None:
    if wanted.quantity == "NOT":
        return None if view.containers else "no container is there"
    return f"{view.containers[0].name} is there" if view.containers else None


def _kept_away(wanted: Sentence, container: Container, request: ContainerRequest) -> str | None:
    if wanted.kind == "EMPTY" or wanted.quantity == "SOME":
        return None
    value = value_of(wanted, container.request)
    if value is None:
        return None
    matches = would_be_such(wanted.kind, value, request)
    unwanted = matches if wanted.quantity == "NOT" else not matches
    return f"wants nothing there that is {_which(wanted, value)}" if unwanted else None


def _which(wanted: Sentence, value: str) -> str:
    return f"{'not ' if wanted.quantity == 'ONLY' else ''}{wanted.kind} {value}"


def _of_one_application(one: ContainerRequest, other: ContainerRequest) -> bool:
    application = one.labels.get(APPLICATION)
    return application is not None and application == other.labels.get(APPLICATION)
