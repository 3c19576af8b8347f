"""Which hosts are not needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from clocker.model import ContainerRequest, Host, HostState, HostView
from clocker.policies.room import Room

_DRAINED_AT_ONCE = 4
_TRIES = 8
"""Hosts with containers: how many go at once, and how many are tried."""

_PLACED = 40_000
"""So many containers are placed in all tries together: a decision takes a second or two."""


def spare(
    room: Room,
    requests: Sequence[ContainerRequest],
    *,
    most: int,
    at: Mapping[str, int],
    drain: bool,
) -> tuple[Host, ...]:
    """Of the ready hosts at most so many, without which all that runs and all of ``requests``
    have their places: the emptiest first, of those alike the dearest. ``at``: how many must stay
    at a provider. ``drain``: also hosts with containers, which then have places elsewhere."""
    ranked = _allowed(sorted(filter(_may_go, room.views), key=_rank), room.views, at)[
        : max(0, most)
    ]
    idle = [view for view in ranked if not view.containers]
    count = _most_without(room, requests, idle)
    gone = [view.host for view in idle[:count]]
    rest = room.without_idle(gone)
    busy = [view for view in ranked if view.containers] if drain and count == len(idle) else []
    drained, tries = 0, max(1, min(_TRIES, _PLACED // (len(requests) + 1)))
    for view in busy[:tries]:
        without = rest.without(view.host.id)
        if drained < _DRAINED_AT_ONCE and without and without.fits(requests) == len(requests):
            rest, drained = without, drained + 1
            gone.append(view.host)
    return tuple(gone)


def _may_go(view: HostView) -> bool:
    return view.host.state is HostState.READY and not view.host.cordoned


def _rank(view: HostView) -> tuple[int, float, str]:
    price = view.host.price_hour
    return len(view.containers), -(price or 0.0), view.host.name


def _allowed(
    ranked: Sequence[HostView], views: Sequence[HostView], at: Mapping[str, int]
) -> list[HostView]:
    """In their order, as far as enough hosts stay at each provider."""
    left = Counter(view.host.provider for view in views if _may_go(view))
    allowed = []
    for view in ranked:
        provider = view.host.provider
        if left[provider] > at.get(provider, 0):
            left[provider] -= 1
            allowed.append(view)
    return allowed


def _most_without(
    room: Room, requests: Sequence[ContainerRequest], idle: Sequence[HostView]
) -> int:
    """How many of the idle hosts, from the first on, can go: found by halving, as with each one
    more there is less room."""
    low, high = 0, len(idle)
    while low < high:
        middle = (low + high + 1) // 2
        rest = room.without_idle([view.host for view in idle[:middle]])
        if rest.fits(requests) == len(requests):
            low = middle
        else:
            high = middle - 1
    return low
