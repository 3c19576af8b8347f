"""What one look at a cloud has to know of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Silence:
    """Of a host, at how many ``looks`` in a row it did not answer, ``since`` when, and when it was
    bootstrapped anew (``repairs``)."""

    looks: int
    since: float
    repairs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """``hosts``: those that are not well, by id. ``tries``: when a container was restarted or made
    anew, each within its window of the one before, by its id. ``ended``: ids of those that were
    seen to have ended as they should. ``due``: ids of those that are still to be restarted because
    one was that they depend on. Times are epoch seconds."""

    hosts: Mapping[str, Silence] = field(default_factory=dict)
    tries: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
