"""Which services come before which. Every step takes time in proportion to services and needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from clocker.model import Condition, Need, Service, ServiceValue, Text

KNOWN_BEFORE = frozenset({"name", "hostname"})
"""Values that are known before a service runs."""


def implied_needs(service: Service) -> tuple[Need, ...]:
    """Those that it says, and those that follow from the values in its variables and command."""
    said = {need.service for need in service.needs}
    of_values = dict.fromkeys(
        value.service
        for value in values_in(service)
        if value.value not in KNOWN_BEFORE and value.service not in said
    )
    return (*service.needs, *(Need(name, Condition.STARTED) for name in of_values))


def values_in(service: Service) -> Iterable[ServiceValue]:
    texts: tuple[Text, ...] = (*service.env.values(), *(service.command or ()))
    return (piece for text in texts for piece in text if isinstance(piece, ServiceValue))


def waves(needs: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """The services in groups: each needs only what is in groups before its own. Those that need
    each other in a circle, or what is not there, are in none."""
    left = {name: len(set(those)) for name, those in needs.items()}
    needed_by = reverse(needs)
    found = []
    ready = [name for name, count in left.items() if count == 0]
    while ready:
        found.append(tuple(ready))
        following = []
        for name in ready:
            for other in needed_by.get(name, ()):
                left[other] -= 1
                if left[other] == 0:
                    following.append(other)
        ready = following
    return tuple(found)


def reverse(needs: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Who needs each service."""
    found: dict[str, list[str]] = {}
    for name, those in needs.items():
        for other in dict.fromkeys(those):
            found.setdefault(other, []).append(name)
    return found


def circles(needs: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Services that need each other: each group once, as a way that ends where it began."""
    in_order = {name for wave in waves(needs) for name in wave}
    left = {
        name: [other for other in dict.fromkeys(those) if other not in in_order and other in needs]
        for name, those in needs.items()
        if name not in in_order
    }
    found, done = [], set[str]()
    for start in left:
        if start in done:
            continue
        way = _way_back(start, left, done)
        done.update(way)
        if len(way) > 1 and way[-1] in way[:-1]:
            found.append(tuple(way[way.index(way[-1]) :]))
    return found


def _way_back(start: str, needs: Mapping[str, Sequence[str]], done: set[str]) -> list[str]:
    """From ``start`` along the first needs, until a service comes again or nothing follows."""
    way, seen = [start], {start}
    while following := [other for other in needs[way[-1]] if other not in done]:
        way.append(following[0])
        if following[0] in seen:
            break
        seen.add(following[0])
    return way
