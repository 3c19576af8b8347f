"""Groups of hosts, for rules that compare these: how many containers each has, and its hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from clocker.model import ContainerRequest, HostView
from clocker.placement.always import stays
from clocker.placement.location import group_of
from clocker.placement.place import Rules
from clocker.placement.ranked import Index, Ranked, index_of
from clocker.placement.spread import BoundSpread, Spread


@dataclass(frozen=True, slots=True)
class Grouped:
    """The rules of one decision, apart: those that spread, and the others, which say what they
    read."""

    spreads: tuple[Spread, ...]
    rest: Rules
    index: Index

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(spread.by for spread in self.spreads)


@lru_cache(maxsize=256)
def grouped(rules: Rules) -> Grouped | None:
    """None where a rule compares hosts in another way, or does not say what it reads."""
    spreads = {
        id(rule): rule for rule in (*rules.filters, *rules.preferences) if isinstance(rule, Spread)
    }
    rest = Rules(
        tuple(rule for rule in rules.filters if id(rule) not in spreads),
        tuple(rule for rule in rules.preferences if id(rule) not in spreads),
    )
    index = index_of(rest)
    return Grouped(tuple(spreads.values()), rest, index) if spreads and index else None


def bind(rules: Rules, spreads: Sequence[Spread], bound: Sequence[BoundSpread]) -> Rules:
    """``rules`` with what is known for this decision in place of the spreads."""
    known = {id(spread): each for spread, each in zip(spreads, bound, strict=True)}
    return Rules(
        tuple(known.get(id(rule), rule) for rule in rules.filters),
        tuple(known.get(id(rule), rule) for rule in rules.preferences),
    )


class Tally:
    """What one spread counts, kept in step with the hosts."""

    def __init__(
        self, spread: Spread, request: ContainerRequest, views: Iterable[HostView]
    ) -> None:
        self._spread = spread
        self._request = request
        self._counts: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()
        for view in views:
            self._add(view, 1)

    def change(self, old: HostView | None, new: HostView | None) -> None:
        if old:
            self._add(old, -1)
        if new:
            self._add(new, 1)

    def bound(self) -> BoundSpread:
        return self._spread.over(self._counts)

    def _add(self, view: HostView, sign: int) -> None:
        group = group_of(view.host, self._spread.by)
        if not group or not stays(view.host):
            return
        self._counts[group] += sign * self._spread.count(view, self._request)
        self._hosts[group] += sign
        if not self._hosts[group]:
            del self._counts[group], self._hosts[group]


class Partition:
    """The hosts by their groups, each with its own ranking; ``keys``: what they are grouped by."""

    def __init__(self, keys: tuple[str, ...], views: Iterable[HostView]) -> None:
        self._keys = keys
        self.cells: dict[tuple[str | None, ...], Ranked] = {}
        for view in views:
            self.change(None, view)

    def change(self, old: HostView | None, new: HostView | None) -> None:
        if old and (new is None or self._cell(old) != self._cell(new)):
            self.cells[self._cell(old)].remove(old.host.id)
        if new:
            self.cells.setdefault(self._cell(new), Ranked()).update(new)

    def _cell(self, view: HostView) -> tuple[str | None, ...]:
        return tuple([group_of(view.host, key) for key in self._keys])
