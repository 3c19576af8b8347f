"""The same everywhere: containers shared out over hosts, zones, regions, providers or labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from clocker.errors import BadInput
from clocker.model import ContainerRequest, HostView
from clocker.placement.location import group_of
from clocker.placement.sentences import check_counted, count

_KEYS = ("host", "zone", "region", "provider", "country")


@dataclass(frozen=True, slots=True)
class Spread:
    """Rather where there are the fewest; ``by``: host, zone, region, provider, country or
    ``label KEY``. ``max_skew``: and never where there would be more than so many above the group
    with the fewest. ``of``: which containers count, as ``TYPE``, ``LABEL tier=web``; all."""

    by: str = "host"
    max_skew: int | None = None
    of: str = ""

    def __post_init__(self) -> None:
        if self.by not in _KEYS and not self.by.startswith("label "):
            raise BadInput(
                f"rule 'spread': {self.by!r} is nothing to spread over",
                where="rules",
                remedy=f"give one of {', '.join(_KEYS)}, or label KEY",
            )
        if self.max_skew is not None and self.max_skew < 1:
            raise BadInput("rule 'spread': max_skew must be at least 1", where="rules")
        check_counted("spread", self.of)

    @property
    def needs_offer(self) -> bool:
        return self.by in ("zone", "region", "country")

    @property
    def reads(self) -> tuple[str, ...] | None:
        """A wish for the emptiest host needs no other host to compare with."""
        return self.counted_by if self.by == "host" and self.max_skew is None else None

    @property
    def counted_by(self) -> tuple[str, ...]:
        """The request's fields that decide which containers count."""
        return ("image", "labels") if self.of else ()

    def among(self, views: Sequence[HostView], request: ContainerRequest) -> BoundSpread:
        counts: Counter[str] = Counter()
        for view in views:
            if group := group_of(view.host, self.by):
                counts[group] += self.count(view, request)
        return self.over(counts)

    def over(self, counts: Mapping[str, int]) -> BoundSpread:
        """For the decision before which the groups have these ``counts``."""
        return BoundSpread(self.by, self.max_skew, counts, min(counts.values(), default=0))

    def count(self, view: HostView, request: ContainerRequest) -> int:
        """How many containers of the host count."""
        return count(self.of, view.containers, request)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return self.among((view,), request).refusal(view, request)

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return self.among((view,), request).cost(view, request)

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return self.among((view,), request).reason(view, request)


@dataclass(frozen=True, slots=True)
class BoundSpread:
    """For one decision. ``least``: in the group with the fewest."""

    by: str
    max_skew: int | None
    counts: Mapping[str, int]
    least: int

    rule_name: ClassVar[str] = "spread"

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        if self.max_skew is None:
            return None
        group = group_of(view.host, self.by)
        if group is None:
            return f"its {self.by} is not known"
        skew = self.counts[group] + 1 - self.least
        if skew <= self.max_skew:
            return None
        return (
            f"{self.by} {group} would have {self.counts[group] + 1}, where the fewest are "
            f"{self.least} and the most skew allowed is {self.max_skew}"
        )

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        group = group_of(view.host, self.by)
        return float("inf") if group is None else self.counts[group]

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        group = group_of(view.host, self.by)
        return f"its {self.by} is not known" if group is None else self._has(group)

    def _has(self, group: str) -> str:
        return f"{self.by} {group} has {self.counts[group]}"
