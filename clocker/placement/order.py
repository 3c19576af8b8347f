"""Which host rather, by what is on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

from clocker.model import ContainerRequest, HostView


@dataclass(frozen=True, slots=True)
class BreadthFirst:
    """Rather the host with the fewest containers."""

    reads: ClassVar[tuple[str, ...]] = ()

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return len(view.containers)

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return held(view)


@dataclass(frozen=True, slots=True)
class LeastContainers(BreadthFirst):
    """The same. The original's breadth first took the hosts in turn, by a counter that it kept;
    with the emptiest first their turn comes by itself."""


@dataclass(frozen=True, slots=True)
class DepthFirst:
    """Rather the host with the most containers."""

    reads: ClassVar[tuple[str, ...]] = ()

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return -len(view.containers)

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return held(view)


@dataclass(frozen=True, slots=True)
class Cheapest:
    """Rather the host with the lowest price per hour; those without a price come last."""

    reads: ClassVar[tuple[str, ...]] = ()
    needs_offer: ClassVar[bool] = True

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return float("inf") if view.host.price_hour is None else view.host.price_hour

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        price = view.host.price_hour
        return "its price is not known" if price is None else f"costs {price:g} an hour"


@dataclass(frozen=True, slots=True)
class Random:
    """Any host, each as likely: the same one for the same ``seed``, request and containers."""

    seed: int = 0

    def among(self, views: Sequence[HostView], request: ContainerRequest) -> _Lots:
        return _Lots(self.seed, sum(len(view.containers) for view in views))

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return _Lots(self.seed, 0).cost(view, request)

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return _Lots(self.seed, 0).reason(view, request)


@dataclass(frozen=True, slots=True)
class _Lots:
    """``round``: how many containers there are, so that each is a new drawing."""

    seed: int
    round: int

    rule_name: ClassVar[str] = "random"

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        lot = f"{self.seed}/{self.round}/{request.name or ''}/{view.host.name}"
        return float(int.from_bytes(blake2b(lot.encode(), digest_size=4).digest(), "big"))

    def reason(self, view: HostView, request: ContainerRequest) -> str:
        return f"drew {self.cost(view, request):.0f}"


def held(view: HostView) -> str:
    count = len(view.containers)
    return f"holds {count} container{'' if count == 1 else 's'}"
