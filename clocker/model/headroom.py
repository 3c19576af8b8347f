"""How much room a cloud is to keep, and what it may cost to keep it."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.model.request import ContainerRequest

EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, slots=True)
class Keep:
    """``count`` more containers, or so many that they are ``share`` (above 0, below 1) of all
    that would then run; whichever is more."""

    count: int = 0
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """A time of the week with an amount of its own. ``days``: 0 is Monday. ``begin_min``,
    ``end_min``: minutes since midnight; an end that is not after the beginning is on the next
    day."""

    keep: Keep
    days: tuple[int, ...] = EVERY_DAY
    begin_min: int = 0
    end_min: int = 1440


@dataclass(frozen=True, slots=True)
class Headroom:
    """``shapes``: the containers that there is to be room for, taken in turn; empty: one like
    those that run, each amount that of ``quantile`` of them. ``minimum``, ``maximum``: of hosts.
    ``budget_hour``: what all hosts together may cost. ``up_s``, ``down_s``: how long after hosts
    were made, or since when fewer would do, the next are made, or some removed. ``drain``: hosts
    with containers may go as well. ``windows``: the first that is now counts, else ``keep``;
    their times are those of ``timezone``. ``also``: containers besides, that applications ask
    for."""

    keep: Keep
    shapes: tuple[ContainerRequest, ...] = ()
    quantile: float = 0.75
    minimum: int = 0
    maximum: int = 1
    budget_hour: float | None = None
    up_s: float = 30.0
    down_s: float = 300.0
    drain: bool = True
    windows: tuple[Window, ...] = ()
    timezone: str = "UTC"
    also: tuple[ContainerRequest, ...] = ()
