"""How much a host takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from clocker.errors import BadInput
from clocker.model import ContainerRequest, HostView, Resources
from clocker.placement.sentences import check_counted, count

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Fits:
    """Cores, RAM and disk still free suffice. ``overcommit`` multiplies what the host has; RAM
    and disk may have factors of their own."""

    overcommit: float = 1.0
    ram_overcommit: float | None = None
    disk_overcommit: float | None = None

    reads: ClassVar[tuple[str, ...]] = ("resources",)
    settled_by_making: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for factor in (self.overcommit, self.ram_overcommit, self.disk_overcommit):
            if factor is not None and not 0 < factor < float("inf"):
                raise BadInput(
                    f"rule 'fits': a factor must be above 0, not {factor:g}",
                    where="rules",
                    remedy="2 lets containers book twice of what a host has",
                )

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        have, booked, need = view.host.capacity, view.booked, request.resources
        if self.overcommit != 1.0 or self.ram_overcommit or self.disk_overcommit:
            have = self._overcommitted(have)
        if (
            need.cores <= have.cores - booked.cores + _ROUNDING
            and need.ram_mb <= have.ram_mb - booked.ram_mb + _ROUNDING
            and need.disk_mb <= have.disk_mb - booked.disk_mb + _ROUNDING
        ):
            return None
        return "; ".join(need.lacking(have - booked))

    def _overcommitted(self, have: Resources) -> Resources:
        whole = self.overcommit
        ram = whole if self.ram_overcommit is None else self.ram_overcommit
        disk = whole if self.disk_overcommit is None else self.disk_overcommit
        return Resources(have.cores * whole, int(have.ram_mb * ram), int(have.disk_mb * disk))


@dataclass(frozen=True, slots=True)
class MaxContainers:
    """At most ``limit`` containers on a host. ``of``: which of them count, as ``TYPE``,
    ``LABEL tier=web``; all."""

    limit: int
    of: str | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise BadInput("rule 'max_containers': the limit must be at least 1", where="rules")
        check_counted("max_containers", self.of)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "labels") if self.of else ()

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        held = count(self.of, view.containers, request)
        which = f" that are {self.of}" if self.of else ""
        return (
            f"holds {held} of at most {self.limit} containers{which}"
            if held >= self.limit
            else None
        )
