"""Where a container is to go, and its booking there: decided in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clocker.cloud import ledger
from clocker.cloud.container_spec import engine_name
from clocker.cloud.host_ports import book_ports
from clocker.cloud.host_views import views_of
from clocker.cloud.release import not_found
from clocker.cloud.usage import refresh
from clocker.cloud.views import machine
from clocker.cloud.volumes import named
from clocker.errors import BadInput, NameTaken, NotFound, NothingFits, Unreachable
from clocker.interfaces import Parts
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    HostView,
    Move,
    Port,
)
from clocker.placement import Rules, place, rules_for

_SETTLED = (ContainerState.RUNNING, ContainerState.STOPPED, ContainerState.FAILED)
_RUNS = ("running", "restarting", "paused")


@dataclass(frozen=True, slots=True)
class Way:
    """``container``: the record, with the lease on it."""

    container: Container
    source: Host
    target: Host
    move: Move

    @property
    def arriving(self) -> Container:
        """The container as it is to be on the target."""
        return replace(self.container, host_id=self.target.id, ports=self.move.ports)


@dataclass(frozen=True, slots=True)
class Ready:
    """A move makes no host."""

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        state = view.host.state
        return None if state is HostState.READY else f"the host is {state}"


@dataclass(frozen=True, slots=True)
class VolumesFree:
    """No container there uses a volume of the same name."""

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        user = _user_of_volumes(view.containers, request)
        return f"{user} uses a volume of the same name" if user else None


def book(parts: Parts, name: str, host: str | None, *, volumes: bool, force: bool) -> Way:
    """The way of the container, booked; one that ends where it begins when it is there already."""
    found = machine(parts, name)
    _refuse_what_stays(found.record, volumes=volumes, force=force)
    if found.host.name == host:
        return Way(found.record, found.host, found.host, Move(found.host.id))
    running = _is_running(parts, found.record, found.host)
    refresh(parts, [found.record.request])
    with parts.store.transaction() as tx:
        now = tx.container(name)
        if now is None or now.id != found.record.id:
            raise not_found(parts, name)
        views = views_of(tx, parts.clock())
        source = _source(views, now)
        target = _target(parts, views, source, now, host)
        move = Move(target.host.id, ports_there(target, now), running)
        work = ledger.new_work(parts, tx)
        booked = replace(now, state=ContainerState.MOVING, move=move, work=work)
        tx.put_container(booked)
        ledger.log(parts, tx, "move", name, "booked", f"to {target.host.name}")
        return Way(booked, source.host, target.host, move)


def _refuse_what_stays(container: Container, *, volumes: bool, force: bool) -> None:
    """What a container has on its host, and would not find on another one."""
    own = sorted(volume.source for volume in named(container.request))
    if own and not volumes:
        raise BadInput(
            f"it has volumes on its host: {', '.join(own)}",
            where=f"container {container.name}",
            remedy="have them moved with it: --volumes",
        )
    paths = sorted(v.source for v in container.request.volumes if v.source.startswith("/"))
    if paths and not force:
        raise BadInput(
            f"it uses folders of its host, which do not move: {', '.join(paths)}",
            where=f"container {container.name}",
            remedy="if the other host has the same in the same places: --force",
        )


def _is_running(parts: Parts, container: Container, host: Host) -> bool:
    """The engine knows; also of one that has ended by itself, which shall not run again."""
    try:
        engine = parts.connections.engine(host)
        return engine.inspect(engine_name(parts.spec.name, container.name)).state in _RUNS
    except Unreachable as error:
        raise Unreachable(
            f"its host {host.name} does not answer ({error.what})",
            where=f"container {container.name}",
            remedy="a move needs the host that the container is on: bring it back first",
        ) from error


def _source(views: Sequence[HostView], container: Container) -> HostView:
    if container.move or container.state not in _SETTLED:
        what = f"it is {container.state}"
        if container.move and container.move.settled:
            what = "what its last move left on the other host has not been removed yet"
        raise NameTaken(
            what,
            where=f"container {container.name}",
            remedy="try again later; clocker up ends what was left half-done",
        )
    source = next(view for view in views if view.host.id == container.host_id)
    rest = [other for other in source.containers if other.id != container.id]
    if user := _user_of_volumes(rest, container.request):
        raise BadInput(
            f"{user} uses one of its volumes on the same host",
            where=f"container {container.name}",
            remedy=f"remove {user} first, or give it a volume of its own",
        )
    return source


def _target(
    parts: Parts,
    views: Sequence[HostView],
    source: HostView,
    container: Container,
    host: str | None,
) -> HostView:
    candidates = [v for v in views if v is not source and host in (None, v.host.name)]
    if host is not None and not candidates:
        raise NotFound(
            f"no host is called {host!r}",
            where=f"cloud {parts.spec.name}",
            remedy="clocker hosts lists them",
        )
    rules = rules_for(parts.spec.rules, container.request)
    rules = Rules((Ready(), VolumesFree(), *rules.filters), rules.preferences)
    fleet = [view.without(container.id) for view in views]
    placement = place(candidates, container.request, rules, fleet)
    if placement.host is None:
        raise NothingFits(
            f"no other host can take {container.name}"
            if host is None
            else f"host {host} cannot take {container.name}",
            reasons={n: tuple(map(str, why)) for n, why in placement.refusals.items()},
            remedy="make room, or have one more host: hosts.count in clocker.yaml, clocker up",
        )
    return next(view for view in candidates if view.host is placement.host)


def ports_there(view: HostView, container: Container) -> tuple[Port, ...]:
    """The same ones, but for those that Clocker had chosen and that are taken there."""
    asked = {(p.host_port, p.protocol) for p in container.request.ports}
    taken = {(p.host_port, p.protocol) for c in view.containers for p in c.ports}
    wanted = (
        replace(p, host_port=0)
        if (p.host_port, p.protocol) in taken and (p.host_port, p.protocol) not in asked
        else p
        for p in container.ports
    )
    return book_ports(view, tuple(wanted))


def _user_of_volumes(containers: Sequence[Container], request: ContainerRequest) -> str | None:
    own = {volume.source for volume in named(request)}
    for other in containers:
        if own & {volume.source for volume in named(other.request)}:
            return other.name
    return None
