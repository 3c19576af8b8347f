"""What a host is called, and what is written on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar

from clocker.errors import BadInput
from clocker.model import ContainerRequest, HostView
from clocker.placement.sentences import lines

_LABEL = re.compile(r"(?:(NOT)\s+)?([^\s=!]+)(?:\s*(=|!=)\s*(.*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HostLabels:
    """The host has all these labels: ``gpu``, ``NOT spot``, ``disk=ssd``, ``disk!=hdd``."""

    labels: str | tuple[str, ...]

    reads: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        _conditions(self.labels)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        answers = (c.refusal(view.host.labels) for c in _conditions(self.labels))
        return next((why for why in answers if why), None)


@dataclass(frozen=True, slots=True)
class Hostname:
    """The host's whole name matches: ``*`` and ``?`` stand for other letters, or, with
    ``regex``, it is a regular expression."""

    pattern: str
    regex: bool = False

    reads: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern if self.regex else "")
        except re.error as error:
            raise BadInput(
                f"rule 'hostname': {self.pattern!r} is no regular expression: {error}",
                where="rules",
            ) from None

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        name = view.host.name
        matches = re.fullmatch(self.pattern, name) if self.regex else self._is_like(name)
        return None if matches else f"its name is not like {self.pattern}"

    def _is_like(self, name: str) -> bool:
        return fnmatchcase(name, self.pattern)


@dataclass(frozen=True, slots=True)
class _Condition:
    """``value`` None: whatever it is."""

    key: str
    value: str | None
    negated: bool

    def refusal(self, labels: Mapping[str, str]) -> str | None:
        found = labels.get(self.key)
        holds = found is not None and self.value in (None, found)
        if holds is not self.negated:
            return None
        return (
            f"it has no label {self.key}" if found is None else f"its label {self.key} is {found}"
        )


@lru_cache(maxsize=1024)
def _conditions(labels: str | tuple[str, ...]) -> tuple[_Condition, ...]:
    return tuple(map(_condition, lines(labels)))


def _condition(text: str) -> _Condition:
    found = _LABEL.fullmatch(text)
    if not found or (found[1] and found[3]):
        raise BadInput(
            f"rule 'host_labels': {text!r} is no condition",
            where="rules",
            remedy="write KEY, NOT KEY, KEY=VALUE or KEY!=VALUE",
        )
    negated = found[1] is not None or found[3] == "!="
    return _Condition(found[2], found[4], negated)
