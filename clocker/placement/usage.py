"""How busy the hosts are, as measured. A host that is still being made is idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from clocker.errors import BadInput
from clocker.model import ContainerRequest, HostState, HostView

Unknown = Literal["refuse", "allow"]

_BEING_MADE = (HostState.REQUESTED, HostState.BOOTSTRAPPING)


@dataclass(frozen=True, slots=True)
class MaxCpuUsage:
    """The CPU is busy for less than ``limit`` (0 to 1). A figure older than ``max_age_s`` is
    none; a host without one is refused, or let through with ``unknown: allow``."""

    limit: float = 0.5
    max_age_s: float = 300.0
    unknown: Unknown = "refuse"

    reads: ClassVar[tuple[str, ...]] = ()
    needs_usage: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_share("max_cpu_usage", self.limit)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        share, said = cpu_share(view, self.max_age_s)
        return _too_much("CPU", share, said, self.limit, self.unknown)


@dataclass(frozen=True, slots=True)
class MaxRamUsage:
    """Less than ``limit`` (0 to 1) of the RAM is in use; otherwise as MaxCpuUsage."""

    limit: float = 0.8
    max_age_s: float = 300.0
    unknown: Unknown = "refuse"

    reads: ClassVar[tuple[str, ...]] = ()
    needs_usage: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_share("max_ram_usage", self.limit)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        share, said = ram_share(view, self.max_age_s)
        return _too_much("RAM", share, said, self.limit, self.unknown)


@dataclass(frozen=True, slots=True)
class LowestCpuUsage:
    """Rather the host whose CPU is least busy; those without a figure come last."""

    max_age_s: float = 300.0

    reads: ClassVar[tuple[str, ...]] = ()
    needs_usage: ClassVar[bool] = True

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        share, _ = cpu_share(view, self.max_age_s)
        return float("inf") if share is None else share

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        share, said = cpu_share(view, self.max_age_s)
        return said if share is None else f"CPU at {share:.0%} ({said})"


def cpu_share(view: HostView, max_age_s: float) -> tuple[float | None, str]:
    """The share, or None; and where it is from, or why there is none."""
    return _share(view, max_age_s, "cpu_share")


def ram_share(view: HostView, max_age_s: float) -> tuple[float | None, str]:
    return _share(view, max_age_s, "ram_share")


def _share(view: HostView, max_age_s: float, which: str) -> tuple[float | None, str]:
    if view.host.state in _BEING_MADE:
        return 0.0, "it is being made"
    if view.usage is None:
        return None, "nobody has measured it"
    age_s = view.usage.age_s
    if age_s > max_age_s:
        return None, f"last measured {age_s:.0f} s ago, which is too long"
    share: float = getattr(view.usage, which)
    return share, f"measured {age_s:.0f} s ago"


def _too_much(
    what: str, share: float | None, said: str, limit: float, unknown: Unknown
) -> str | None:
    if share is None:
        return f"its use of {what} is not known: {said}" if unknown == "refuse" else None
    return f"{what} at {share:.0%} of less than {limit:.0%} ({said})" if share >= limit else None


def _check_share(rule: str, limit: float) -> None:
    if not 0 < limit <= 1:
        raise BadInput(
            f"rule {rule!r}: the limit must be above 0 and at most 1, not {limit:g}",
            where="rules",
            remedy="0.5 means 50 %",
        )
