"""How many more containers fit, by the rules that place them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from math import ceil

from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Headroom,
    Host,
    HostState,
    HostView,
    Keep,
    Resources,
    RuleSpec,
)
from clocker.placement import Fleet, judge, rules_for

_ROUNDING = 1e-9
_SETTLED = (ContainerState.RUNNING, ContainerState.STOPPED, ContainerState.FAILED)


@dataclass(frozen=True, slots=True)
class Room:
    """Hosts and their rules, for the question what else they take. ``news``: what one more host
    would be, at each provider where one may be made."""

    views: tuple[HostView, ...]
    rules: tuple[RuleSpec, ...]
    news: tuple[Host, ...] = ()

    def fits(self, wanted: Sequence[ContainerRequest]) -> int:
        """How many of ``wanted``, in their order, find a place beside all that is there."""
        return _placed(Fleet(self.views), self.rules, wanted)

    def needed(
        self, wanted: Sequence[ContainerRequest], most: int
    ) -> tuple[tuple[Host, ...], bool]:
        """The fewest hosts, at most so many, with which all of ``wanted`` find a place, and
        whether they do; those with which the most do if not."""
        grown = self._grown(wanted, most)
        # Hosts that are there from the beginning are filled otherwise than those that come when
        # the others are full: it may take more of them, or fewer.
        while grown and self.with_hosts(grown[:-1]).fits(wanted) == len(wanted):
            grown = grown[:-1]
        while True:
            enough = self.with_hosts(grown).fits(wanted) == len(wanted)
            if enough or not grown or len(grown) >= most:
                return grown, enough
            grown = (*grown, named(grown[-1], len(grown)))

    def _grown(self, wanted: Sequence[ContainerRequest], most: int) -> tuple[Host, ...]:
        fleet = Fleet(self.views)
        made: list[Host] = []

        def grow(request: ContainerRequest) -> bool:
            host = _best(self.news, fleet.views, request, self.rules)
            if host is None or len(made) == most:
                return False
            made.append(named(host, len(made)))
            fleet.update(HostView(made[-1]))
            return True

        _placed(fleet, self.rules, wanted, grow)
        return tuple(made)

    def with_hosts(self, hosts: Iterable[Host]) -> Room:
        return replace(self, views=(*self.views, *map(HostView, hosts)))

    def with_back(self, host: Host) -> Room:
        """As it is when a cordoned host takes containers again."""
        views = (
            replace(v, host=replace(v.host, cordoned=False)) if v.host.id == host.id else v
            for v in self.views
        )
        return replace(self, views=tuple(views))

    def without_idle(self, hosts: Iterable[Host]) -> Room:
        gone = {host.id for host in hosts}
        return replace(self, views=tuple(v for v in self.views if v.host.id not in gone))

    def without(self, host_id: str) -> Room | None:
        """As it is once the host is gone and its containers are on others, all of which are ready
        now; None when one of them has no place, or must not move."""
        gone = next(view for view in self.views if view.host.id == host_id)
        rest = tuple(view for view in self.views if view is not gone)
        if not all(may_move(container, host_id) for container in gone.containers):
            return None
        ready = Fleet(view for view in rest if view.host.state is HostState.READY)
        for container in gone.containers:
            there = ready.choose(container.request, rules_for(self.rules, container.request))
            if there is None:
                return None
            ready.book(replace(container, host_id=there.host.id))
        moved = {view.host.id: view for view in ready.views}
        return replace(self, views=tuple(moved.get(view.host.id, view) for view in rest))


def may_move(container: Container, host_id: str) -> bool:
    """Whether it can be taken away without a loss: nothing of it is on the host, and nobody is
    at it."""
    return container.state in _SETTLED and container.move is None and not container.request.volumes


def wanted(spec: Headroom, keep: Keep, views: Sequence[HostView]) -> list[ContainerRequest]:
    """The containers that are to find a place."""
    running = [container for view in views for container in view.containers]
    count = max(keep.count, _of_share(keep.share, len(running)))
    shapes = spec.shapes or (typical(running, spec.quantile),)
    return [*islice(cycle(shapes), count), *spec.also]


def typical(containers: Sequence[Container], quantile: float) -> ContainerRequest:
    """A container that books as much, amount by amount, as ``quantile`` of these do or less."""
    needs = [container.request.resources for container in containers]
    if not needs:
        return ContainerRequest("")
    at = max(0, ceil(quantile * len(needs) - _ROUNDING) - 1)
    return ContainerRequest(
        "",
        Resources(
            sorted(need.cores for need in needs)[at],
            sorted(need.ram_mb for need in needs)[at],
            sorted(need.disk_mb for need in needs)[at],
        ),
    )


def _of_share(share: float, running: int) -> int:
    """So many that they are ``share`` of themselves and what runs."""
    return max(1, ceil(share * running / (1 - share) - _ROUNDING)) if share else 0


def _placed(
    fleet: Fleet,
    rules: tuple[RuleSpec, ...],
    wanted: Sequence[ContainerRequest],
    grow: Callable[[ContainerRequest], bool] = lambda _: False,
) -> int:
    """How many found a place; ``grow`` is asked for one more host when there is none."""
    for number, request in enumerate(wanted):
        named = rules_for(rules, request)
        view = fleet.choose(request, named)
        if view is None and grow(request):
            view = fleet.choose(request, named)
        if view is None:
            return number
        fleet.book(_copy(request, number, view.host.id))
    return len(wanted)


def _copy(request: ContainerRequest, number: int, host_id: str) -> Container:
    name = f"headroom-{number}"
    return Container(name, name, host_id, ContainerState.RUNNING, request, "", "")


def _best(
    news: Sequence[Host],
    views: tuple[HostView, ...],
    request: ContainerRequest,
    rules: tuple[RuleSpec, ...],
) -> Host | None:
    """The one that the rules would rather have; of those alike the first."""
    named = rules_for(rules, request)
    judged = [judge((new,), request, named, (*views, new))[0] for new in map(HostView, news)]
    allowed = [judgement for judgement in judged if judgement.rank]
    best = min(allowed, key=lambda judgement: [r.cost for r in judgement.reasons], default=None)
    return best.host if best else None


def named(host: Host, number: int) -> Host:
    """Another one like it."""
    return replace(host, id=f"?{number}", name=f"?{number:06}")
