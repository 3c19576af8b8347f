"""The hosts of a cloud, for many decisions one after the other, each as ``place`` would take it.

How quick a decision is depends on its rules:

- Where each says what it reads, the hosts are kept in order: ``clocker.placement.ranked``.
- Where some spread containers over groups, the hosts of each group are kept in order, the groups'
  containers are counted as they come and go, and only the best hosts of the groups are compared.
- Otherwise every host is asked, each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clocker.model import Container, ContainerRequest, HostView
from clocker.placement.groups import Grouped, Partition, Tally, bind, grouped
from clocker.placement.place import Rules, allows, choose, sort_key
from clocker.placement.ranked import Ranked, index_of, values
from clocker.placement.spread import Spread

_MOST_GROUPS = 64
"""With more of them it is as quick to ask every host."""

_KEPT = 16
"""Tallies and partitions; beyond that they are forgotten, and those still needed made anew."""


class Fleet:
    """See above. Not thread-safe."""

    def __init__(self, views: Iterable[HostView] = ()) -> None:
        self._ranked = Ranked(views)
        self._views = self._ranked.views
        self._partitions: dict[tuple[str, ...], Partition] = {}
        self._tallies: dict[tuple[Any, ...], Tally] = {}

    @property
    def views(self) -> tuple[HostView, ...]:
        return tuple(self._views.values())

    def view(self, host_id: str) -> HostView:
        return self._views[host_id]

    def choose(self, request: ContainerRequest, rules: Rules) -> HostView | None:
        """The host that takes the request; None when all refuse, and ``place`` says why."""
        index = index_of(rules)
        if index:
            return self._ranked.choose(request, rules, index)
        groups = grouped(rules)
        if groups:
            partition = self._partition(groups.keys)
            if len(partition.cells) <= _MOST_GROUPS:
                return self._choose_among(partition, groups, request, rules)
        return choose(self.views, request, rules)

    def update(self, view: HostView) -> None:
        """A host that is new, or has changed."""
        if self._partitions or self._tallies:
            self._regroup(self._views.get(view.host.id), view)
        self._ranked.update(view)

    def book(self, container: Container) -> None:
        """One more container on the host that it names."""
        self.update(self._views[container.host_id].with_container(container))

    def remove(self, host_id: str) -> None:
        self._regroup(self._views[host_id], None)
        self._ranked.remove(host_id)

    def _choose_among(
        self, partition: Partition, groups: Grouped, request: ContainerRequest, rules: Rules
    ) -> HostView | None:
        """What spreads say of a host they say of its whole group: the best one of a group is found
        by the other rules, and the best of all among these."""
        spreads = [self._tally(spread, request).bound() for spread in groups.spreads]
        bound = bind(rules, groups.spreads, spreads)
        only_spreads = Rules(tuple(spreads), ())
        best = [
            cell.choose(request, groups.rest, groups.index) for cell in partition.cells.values()
        ]
        allowed = [view for view in best if view and allows(view, request, only_spreads)]
        return min(allowed, key=lambda view: sort_key(view, request, bound), default=None)

    def _partition(self, keys: tuple[str, ...]) -> Partition:
        if keys not in self._partitions:
            self._make_room()
            self._partitions[keys] = Partition(keys, self._views.values())
        return self._partitions[keys]

    def _tally(self, spread: Spread, request: ContainerRequest) -> Tally:
        key = (spread, *values(request, spread.counted_by))
        if key not in self._tallies:
            self._make_room()
            self._tallies[key] = Tally(spread, request, self._views.values())
        return self._tallies[key]

    def _make_room(self) -> None:
        if len(self._partitions) + len(self._tallies) >= _KEPT:
            self._partitions.clear()
            self._tallies.clear()

    def _regroup(self, old: HostView | None, new: HostView | None) -> None:
        for partition in self._partitions.values():
            partition.change(old, new)
        for tally in self._tallies.values():
            tally.change(old, new)
