"""Hosts kept in order between decisions, so that each one is a look at the first of them.

A decision changes one host. What the rules have said of all others still holds, if it depended on
nothing but those hosts and the kind of request; rules promise that by what they ``read``. So hosts
are kept in order for each kind of request that was asked for, and judged when they come up:

- An ``_Order`` has all hosts by their cost, for all requests that are alike to the preferences.
- A ``_Ranking`` is a copy of it for the requests that are alike to the filters too, from which
  hosts are dropped once a filter has refused them.

Nothing is ever searched for in them. A host that changes gets one more entry, in the orders and
rankings that are used again; entries with an old view of it are dropped when they come up.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

from clocker.model import ContainerRequest, HostView, Resources
from clocker.placement.place import Rules

Entry: TypeAlias = tuple[Any, ...]
"""The costs, the host's name, a number that no other entry has, and the view."""

Refusal: TypeAlias = Callable[[HostView, ContainerRequest], str | None]
"""A filter's word."""

_ORDERS = 16
_RANKINGS = 64
"""How many are kept; beyond that all are forgotten, and those still needed made anew."""


class Ranked:
    """Hosts, for decisions by rules that say what they read. ``views``: by their hosts' ids."""

    def __init__(self, views: Iterable[HostView] = ()) -> None:
        self.views = {view.host.id: view for view in views}
        self._changes: list[HostView] = []
        self._orders: dict[tuple[Any, ...], _Order] = {}
        self._latest: tuple[ContainerRequest, Rules, _Order, _Ranking] | None = None

    def choose(self, request: ContainerRequest, rules: Rules, index: Index) -> HostView | None:
        """The allowed host of least cost. ``index``: that of ``rules``."""
        latest = self._latest
        if latest is None or latest[0] is not request or latest[1] is not rules:
            order = self._order(request, rules, index)
            ranking = order.ranking(values(request, index.filters_read))
            self._latest = (request, rules, order, ranking)
        else:  # the same request again: a batch asks for it a thousand times
            _, _, order, ranking = latest
        order.add(self._changes, request)
        ranking.add(order.added)
        return ranking.first(self.views, request, index)

    def update(self, view: HostView) -> None:
        """A host that is new, or has changed."""
        self.views[view.host.id] = view
        self._changes.append(view)
        if len(self._changes) > 4 * len(self.views) + 256:
            self._forget()

    def remove(self, host_id: str) -> None:
        del self.views[host_id]

    def _order(self, request: ContainerRequest, rules: Rules, index: Index) -> _Order:
        key = (rules, *values(request, index.preferences_read))
        order = self._orders.get(key)
        if order is None:
            if len(self._orders) == _ORDERS:
                self._forget()
            order = self._orders[key] = _Order(self.views, request, rules, len(self._changes))
        return order

    def _forget(self) -> None:
        self._orders.clear()
        self._changes.clear()
        self._latest = None


class _Order:
    """``seen``: how many of the fleet's changes are in it. ``added``: the entries since it was
    made, for its rankings."""

    def __init__(
        self, views: Mapping[str, HostView], request: ContainerRequest, rules: Rules, seen: int
    ) -> None:
        self.seen = seen
        self.added: list[Entry] = []
        self._views = views
        self._costs = tuple(rule.cost for rule in rules.preferences)
        self._count = 0
        self._rankings: dict[tuple[Any, ...], _Ranking] = {}
        self._whole = _Ranking(sorted([self._entry(view, request) for view in views.values()]))

    def add(self, changes: Sequence[HostView], request: ContainerRequest) -> None:
        views, added = self._views, self.added
        for view in changes[self.seen :]:
            if views.get(view.host.id) is view:
                added.append(self._entry(view, request))
        self.seen = len(changes)

    def ranking(self, key: tuple[Any, ...]) -> _Ranking:
        ranking = self._rankings.get(key)
        if ranking is None:
            if len(self._rankings) == _RANKINGS:
                self._rankings.clear()
            ranking = self._rankings[key] = self._whole.copy(self.added, self._views)
        return ranking

    def _entry(self, view: HostView, request: ContainerRequest) -> Entry:
        self._count += 1
        if len(self._costs) == 1:  # as by default: twice as quick
            return (self._costs[0](view, request), view.host.name, self._count, view)
        return (*[cost(view, request) for cost in self._costs], view.host.name, self._count, view)


@dataclass(slots=True)
class _Ranking:
    """``ready``: in order, of use from ``start`` on. ``later``: what comes behind all of these, in
    any order until its turn comes: where the emptiest host is taken it is the last one then, and
    to sort a thousand of them at once is far quicker than to find each its place. ``seen``: how
    many of the entries that its order has added are in it."""

    ready: list[Entry]
    later: list[Entry] = field(default_factory=list)
    start: int = 0
    seen: int = 0

    def add(self, added: Sequence[Entry]) -> None:
        ready = self.ready
        for entry in added[self.seen :]:
            if ready and entry < ready[-1]:
                insort(ready, entry, self.start)
            else:
                self.later.append(entry)
        self.seen = len(added)

    def copy(self, added: Sequence[Entry], views: Mapping[str, HostView]) -> _Ranking:
        """With what was added. Old views would come up first in every copy, so they go."""
        self.add(added)
        self._head(views)
        return _Ranking(self.ready[self.start :], self.later.copy(), seen=self.seen)

    def first(
        self, views: Mapping[str, HostView], request: ContainerRequest, index: Index
    ) -> HostView | None:
        aside = []
        while view := self._head(views):
            if not _refused(view, request, index.lasting):
                if not _refused(view, request, index.personal):
                    break
                aside.append(self.ready[self.start])
            self.start += 1
        if aside:
            self.ready[: self.start] = aside
            self.start = 0
        return view

    def _head(self, views: Mapping[str, HostView]) -> HostView | None:
        """The first one, past all old views."""
        while True:
            for at in range(self.start, len(self.ready)):
                view: HostView = self.ready[at][-1]
                if views.get(view.host.id) is view:
                    self.start = at
                    return view
            self.ready, self.later, self.start = self.later, [], 0
            if not self.ready:
                return None
            self.ready.sort()


@dataclass(frozen=True, slots=True)
class Index:
    """What of a request decides. ``lasting``: filters whose refusals hold for all requests that
    are alike. ``personal``: those that look at the name, which every request has for itself."""

    lasting: tuple[Refusal, ...]
    personal: tuple[Refusal, ...]
    filters_read: tuple[str, ...] = field(default=())
    preferences_read: tuple[str, ...] = field(default=())


@lru_cache(maxsize=256)
def index_of(rules: Rules) -> Index | None:
    """None when a rule says nothing of what it reads."""
    every = (*rules.filters, *rules.preferences)
    if any(getattr(rule, "reads", None) is None for rule in every):
        return None
    personal = tuple(rule for rule in rules.filters if "name" in _reads(rule))
    lasting = tuple(rule for rule in rules.filters if "name" not in _reads(rule))
    return Index(
        tuple(rule.refusal for rule in lasting),
        tuple(rule.refusal for rule in personal),
        _read_by(lasting),
        _read_by(rules.preferences),
    )


def _read_by(rules: Sequence[object]) -> tuple[str, ...]:
    return tuple(sorted({name for rule in rules for name in _reads(rule)}))


def _reads(rule: object) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(rule, "reads", None) or ()
    return found


def values(request: ContainerRequest, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Those of the request's fields, so that requests alike give what is equal."""
    return tuple(
        [
            value if isinstance(value := getattr(request, name), _HASHABLE) else _hashable(value)
            for name in names
        ]
    )


_HASHABLE = (tuple, str, Resources)
"""What most are: to ask for a Mapping is slow."""


def _hashable(value: Any) -> Any:
    return tuple(sorted(value.items())) if isinstance(value, Mapping) else value


def _refused(view: HostView, request: ContainerRequest, refusals: tuple[Refusal, ...]) -> bool:
    # A loop: this is most of a decision, and any() would double it.
    for refusal in refusals:  # noqa: SIM110
        if refusal(view, request) is not None:
            return True
    return False
