"""What healing may do, and what it says besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from clocker.policies.heal_history import History


@dataclass(frozen=True, slots=True)
class RestartContainer:
    """``host``: the name of the one it is on. ``after``: of one that has itself not failed, the
    container on which it depends, and which is restarted or made anew first; empty where that was
    done by an earlier run."""

    name: str
    id: str
    host: str
    why: str
    after: str | None = None


@dataclass(frozen=True, slots=True)
class CreateContainer:
    """It is missing on its host, which is well: it is made anew there."""

    name: str
    id: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It is left alone from now on, and reported."""

    name: str
    id: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class AdoptContainer:
    """It carries the cloud's labels and is on no record; its name and address are free."""

    name: str
    id: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class RemoveContainer:
    """It carries the cloud's labels, and is not to be on this host."""

    name: str
    id: str
    host: str
    why: str


@dataclass(frozen=True, slots=True)
class RepairHost:
    """It answers by SSH, or was left half-made; it is bootstrapped anew."""

    host: str
    why: str


@dataclass(frozen=True, slots=True)
class ReplaceHost:
    """It is dead: it is fenced, and ``containers`` are made anew elsewhere, in this order. One that
    an earlier run has given up is completed."""

    host: str
    why: str
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanHost:
    """It was given up, or said to be dead, and answers again: what is on it and was made anew
    elsewhere is removed before it takes work."""

    host: str
    why: str


OnContainer: TypeAlias = (
    RestartContainer | CreateContainer | GiveUp | AdoptContainer | RemoveContainer
)
OnHost: TypeAlias = RepairHost | ReplaceHost | CleanHost
Action: TypeAlias = OnContainer | OnHost


@dataclass(frozen=True, slots=True)
class Pending:
    """Something is done about ``subject`` at the earliest at ``until`` (epoch seconds)."""

    subject: str
    why: str
    until: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """What healing leaves as it is, and who may mend it how."""

    subject: str
    why: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """``actions``: in the order in which they are to be done. ``breaker``: why no host is replaced,
    where one would be. ``history``: for the next decision."""

    actions: tuple[Action, ...] = ()
    pending: tuple[Pending, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    breaker: str | None = None
    history: History = field(default_factory=History)

    @property
    def wake_at(self) -> float | None:
        """When to look again at the latest, if something waits for that."""
        return min((item.until for item in self.pending), default=None)
