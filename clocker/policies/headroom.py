"""Which hosts to make, and which to give back, so that there is always room for more containers.

The fewest hosts with which the containers that are wanted find a place are made: not an estimate
by a ratio, but a trial by the rules that will place them. A host goes when without it everything
still has its place, and there is as much room as is wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clocker.model import (
    ContainerRequest,
    Headroom,
    Host,
    HostState,
    HostView,
    Resources,
    RuleSpec,
)
from clocker.placement import judge, rules_for
from clocker.policies.room import Room, named, wanted
from clocker.policies.spare import spare
from clocker.policies.windows import keep_at

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class History:
    """What earlier decisions left, in epoch seconds. ``made_at``: when hosts were last made.
    ``surplus_since``: since when fewer hosts would do. ``leaving``: ids of the hosts that were to
    be removed, and have been cordoned for it."""

    made_at: float | None = None
    surplus_since: float | None = None
    leaving: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """All that a decision looks at. ``news``: what one more host would be, at each provider.
    ``at``: how many hosts must stay at a provider."""

    views: tuple[HostView, ...]
    spec: Headroom
    rules: tuple[RuleSpec, ...] = ()
    news: tuple[Host, ...] = ()
    at: Mapping[str, int] = field(default_factory=dict)
    history: History = History()
    now: float = 0.0

    @property
    def leaving(self) -> tuple[Host, ...]:
        ids = self.history.leaving
        return tuple(v.host for v in self.views if v.host.id in ids and v.host.cordoned)

    @property
    def staying(self) -> tuple[Host, ...]:
        """Those that take containers, or will."""
        gone = (HostState.DELETING, HostState.FAILED, HostState.LOST)
        leaving = {host.id for host in self.leaving}
        hosts = (view.host for view in self.views)
        return tuple(h for h in hosts if h.state not in gone and h.id not in leaving)

    @property
    def present(self) -> tuple[Host, ...]:
        """Those that count for maximum and budget."""
        gone = (HostState.DELETING, HostState.LOST)
        return tuple(v.host for v in self.views if v.host.state not in gone)


@dataclass(frozen=True, slots=True)
class Scaling:
    """``room``: how many of the ``wanted`` containers fit now. ``back``: hosts that were leaving
    and stay. ``add``: each as it would be. ``remove``: what is on them has a place elsewhere.
    ``why``: one line. ``short``: not everything that is wanted will fit."""

    wanted: int
    room: int
    why: str = ""
    back: tuple[Host, ...] = ()
    add: tuple[Host, ...] = ()
    remove: tuple[Host, ...] = ()
    short: bool = False
    history: History = History()


def decide(look: Look) -> Scaling:
    requests = wanted(look.spec, keep_at(look.spec, look.now), look.views)
    room = Room(tuple(_as_if_ready(view, look.news) for view in look.views), look.rules, look.news)
    fits, staying = _emptied(room, look.leaving).fits(requests), len(look.staying)
    is_short = fits < len(requests) or staying < look.spec.minimum
    found = (_grow if is_short else _shrink)(look, room, requests)
    said = f"{_hosts(staying)}, room for {fits} of {len(requests)} more{_each(requests)}"
    return replace(found, wanted=len(requests), room=fits, why=f"{said}: {found.why}")


def _grow(look: Look, room: Room, requests: Sequence[ContainerRequest]) -> Scaling:
    lacking = look.spec.minimum - len(look.staying)
    back: tuple[Host, ...] = ()
    gone = look.leaving
    while gone and (len(back) < lacking or _emptied(room, gone).fits(requests) < len(requests)):
        back, room, gone = (*back, gone[0]), room.with_back(gone[0]), gone[1:]
    room = _emptied(room, gone)
    add, enough = _to_be_made(look, room, requests, lacking - len(back))
    leaving = tuple(host.id for host in gone)
    made_at, wait_s = look.history.made_at, 0.0
    if add and made_at is not None:
        wait_s = made_at + look.spec.up_s - look.now
    if wait_s > 0:
        why = _joined(_said(back, "stay"), f"{_hosts(len(add))} to be added, in {wait_s:.0f} s")
        history = History(made_at, None, leaving)
        return Scaling(0, 0, why, back, (), gone, short=True, history=history)
    added = f"{_hosts(len(add))} added" if add else ""
    limit = "" if enough else _limit(look, requests, add)
    history = History(look.now if add else made_at, None, leaving)
    why = _joined(_said(back, "stay"), added, limit)
    return Scaling(0, 0, why, back, add, gone, not enough, history)


def _shrink(look: Look, room: Room, requests: Sequence[ContainerRequest]) -> Scaling:
    """Hosts that were going go on; others when they have not been needed for long enough."""
    room = _emptied(room, look.leaving)
    going, most = look.leaving, len(look.staying) - look.spec.minimum
    surplus = spare(room, requests, most=most, at=look.at, drain=look.spec.drain)
    since = look.history.surplus_since
    since = look.now if since is None else since
    changed_at = max(look.history.made_at or 0.0, *(h.created_at for h in look.present), 0.0)
    wait_s = max(since, changed_at) + look.spec.down_s - look.now
    why, later = _said((*going, *surplus), "go"), ""
    if surplus and wait_s > 0:
        why, later = _said(going, "go"), f"{_names(surplus)} not needed; may go in {wait_s:.0f} s"
        history = replace(look.history, surplus_since=since)
    else:
        going = (*going, *surplus)
        history = replace(look.history, surplus_since=None, leaving=tuple(h.id for h in going))
    return Scaling(0, 0, _joined(why, later) or "nothing to do", remove=going, history=history)


def _emptied(room: Room, hosts: Sequence[Host]) -> Room:
    """As it is once what is on hosts that are leaving is elsewhere, as far as it can be."""
    for host in hosts:
        room = room.without(host.id) or room
    return room


def _to_be_made(
    look: Look, room: Room, requests: Sequence[ContainerRequest], lacking: int
) -> tuple[tuple[Host, ...], bool]:
    """The fewest that are needed, as many more as there must be, as far as they may be made; and
    whether they are enough."""
    budget = look.spec.budget_hour
    news = tuple(new for new in look.news if budget is None or new.price_hour is not None)
    most = max(0, look.spec.maximum - len(look.present))
    add, enough = replace(room, news=news).needed(requests, most)
    for number in range(len(add), min(lacking, most) if news else 0):
        add = (*add, named(news[0], number))
    if budget is None:
        return add, enough
    spent, affordable = sum(host.price_hour or 0.0 for host in look.present), []
    for host in add:
        spent += host.price_hour or 0.0
        if spent > budget + _ROUNDING:
            break
        affordable.append(host)
    if len(affordable) < len(add):
        enough = room.with_hosts(affordable).fits(requests) == len(requests)
    return tuple(affordable), enough


def _limit(look: Look, requests: Sequence[ContainerRequest], add: Sequence[Host]) -> str:
    """Why not all that is wanted will fit."""
    spec, there = look.spec, len(look.present) + len(add)
    if there >= spec.maximum:
        return f"no more than {_hosts(spec.maximum)} may be"
    for new in map(HostView, look.news):
        for request in requests:
            rules = rules_for(look.rules, request)
            judgement = judge((new,), request, rules, (*look.views, new))[0]
            if judgement.refusals:
                return f"not even a new host would take one: {judgement.refusals[0]}"
    if spec.budget_hour is not None:
        unknown = any(new.price_hour is None for new in look.news)
        why = ", and a price is not known" if unknown else ""
        return f"the budget is {spec.budget_hour:g} an hour{why}"
    return "the rules do not let more in"


def _as_if_ready(view: HostView, news: Sequence[Host]) -> HostView:
    """What is not known yet of a host that is being made is as it would be of another one."""
    host, has = view.host, view.host.capacity
    if host.state not in (HostState.REQUESTED, HostState.BOOTSTRAPPING):
        return view
    alike = [new for new in news if new.provider == host.provider] or list(news)
    other = alike[0].capacity if alike else Resources()
    capacity = Resources(
        has.cores or other.cores, has.ram_mb or other.ram_mb, has.disk_mb or other.disk_mb
    )
    return replace(view, host=replace(host, capacity=capacity))


def _each(requests: Sequence[ContainerRequest]) -> str:
    """``, each 0.5 cores, 512 MiB``, where they are alike and book something."""
    needs = {request.resources for request in requests}
    if len(needs) != 1 or needs == {Resources()}:
        return ""
    (need,) = needs
    amounts = [f"{need.cores:g} core{'' if need.cores == 1 else 's'}"] if need.cores else []
    amounts += [f"{need.ram_mb} MiB"] if need.ram_mb else []
    amounts += [f"{need.disk_mb} MiB of disk"] if need.disk_mb else []
    return f" (each {', '.join(amounts)})"


def _hosts(count: int) -> str:
    return f"{count} host{'' if count == 1 else 's'}"


def _said(hosts: Sequence[Host], verb: str) -> str:
    return (
        f"{_names(hosts)} {verb}{'es' if verb == 'go' else 's'}"
        if len(hosts) == 1
        else (f"{_names(hosts)} {verb}" if hosts else "")
    )


def _names(hosts: Sequence[Host]) -> str:
    shown = [host.name for host in hosts[:5]]
    return ", ".join([*shown, *([f"{len(hosts) - 5} more"] if len(hosts) > 5 else [])])


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
