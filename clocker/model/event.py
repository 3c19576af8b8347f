from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the append-only log: who did what to which thing, and how it ended.
    ``at``: epoch seconds. ``seq``: given by the store. ``detail`` never holds a secret."""

    at: float
    who: str
    verb: str
    subject: str
    outcome: str
    detail: str = ""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """An address of a network that belongs to ``owner`` (``container/NAME`` or ``host/NAME``),
    or did until ``released_at`` (epoch seconds)."""

    network: str
    address: str
    owner: str
    released_at: float | None = None
