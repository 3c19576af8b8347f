"""Give me a container: the straight line of a request, with its undoing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from clocker.cloud import image_record, ledger, secrets
from clocker.cloud.announce import announce
from clocker.cloud.await_state import await_state
from clocker.cloud.create import create
from clocker.cloud.generate import Generator
from clocker.cloud.heartbeat import holding
from clocker.cloud.hosts import destroy, ensure_ready
from clocker.cloud.names import publish
from clocker.cloud.release import undo
from clocker.cloud.reserve import Reservation, reserve
from clocker.cloud.sources import other_engines
from clocker.cloud.steps import immediate, side_by_side, step_named
from clocker.errors import InfrastructureError, NothingFits
from clocker.images import Images
from clocker.interfaces import Engine, Parts
from clocker.model import (
    Build,
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    HostView,
    Wait,
)
from clocker.placement import place, rules_for

_HOSTS_TRIED = 3
AT_ONCE_PER_HOST = 8


def obtain(parts: Parts, images: Images, request: ContainerRequest) -> Container:
    """The container, as far along as ``request.wait`` says. Asking again for the same name and
    the same things gives the container that is there."""
    return obtain_many(parts, images, [request])[0]


def obtain_many(
    parts: Parts,
    images: Images,
    requests: Sequence[ContainerRequest],
    new_hosts: int | None = None,
    on: Mapping[str, str] | None = None,
) -> list[Container]:
    """All or none: booked in one transaction, made side by side; if one fails, all that were
    made by this call are released again, and the first error is raised. ``new_hosts``, ``on``: as
    for ``reserve``."""
    secrets.check(requests)
    terms = Terms(new_hosts, on or {})
    reservations = reserve(parts, named(images, requests), terms.new_hosts, terms.on)
    hosts = len({booked.host.id for booked in reservations})
    with side_by_side(1 + min(len(reservations), AT_ONCE_PER_HOST * hosts)) as pool:
        jobs = _begun(parts, images, reservations, pool, terms)
    errors = [error for job in jobs if (error := job.exception())]
    if not errors:
        return [job.result() for job in jobs]
    for job, reservation in zip(jobs, reservations, strict=True):
        if job.exception() is None and not reservation.existing:
            undo(parts, job.result())
    raise errors[0]


def begin(
    parts: Parts,
    images: Images,
    requests: Sequence[ContainerRequest],
    pool: ThreadPoolExecutor,
    on: Mapping[str, str],
    gates: Mapping[str, Future[None]] = MappingProxyType({}),
) -> list[Future[Container]]:
    """Book all of them or none, now, and make each in ``pool``: what fails takes no other with
    it. ``on``: as for ``reserve``. ``gates``: by name, what one that is made waits for before it
    is started; an error there undoes it."""
    secrets.check(requests)
    reservations = reserve(parts, named(images, requests), on=on)
    return _begun(parts, images, reservations, pool, Terms(on=on, gates=gates))


def named(images: Images, requests: Sequence[ContainerRequest]) -> list[ContainerRequest]:
    """With the names of the images that are to be built. Equal builds are looked at once, so that
    one call builds one image for them."""
    known: list[tuple[Build, ContainerRequest]] = []
    found = []
    for request in requests:
        if request.build is None:
            found.append(request)
            continue
        same = next((other for build, other in known if build == request.build), None)
        resolved = replace(request, image=same.image) if same else images.resolved(request)
        known.append((request.build, resolved))
        found.append(resolved)
    return found


@dataclass(frozen=True, slots=True)
class Terms:
    """``new_hosts``, ``on``: as for ``reserve``, wherever something has to be placed anew;
    ``gates``: as for ``begin``."""

    new_hosts: int | None = None
    on: Mapping[str, str] = field(default_factory=dict)
    gates: Mapping[str, Future[None]] = field(default_factory=dict)


def _begun(
    parts: Parts,
    images: Images,
    reservations: Sequence[Reservation],
    pool: ThreadPoolExecutor,
    terms: Terms,
) -> list[Future[Container]]:
    fresh = [booked.container for booked in reservations if not booked.existing]
    published = pool.submit(publish, parts, fresh)
    return [
        pool.submit(_fulfil, parts, images, booked, published, terms) for booked in reservations
    ]


def _fulfil(
    parts: Parts,
    images: Images,
    reservation: Reservation,
    published: Future[None],
    terms: Terms,
) -> Container:
    """Carry the reservation out; on another host when the one that was being made failed."""
    for attempt in range(1, _HOSTS_TRIED + 1):
        if reservation.existing:
            return reservation.container
        try:
            host = _ready_host(parts, reservation)
        except InfrastructureError as error:
            undo(parts, reservation.container)
            if attempt == _HOSTS_TRIED:
                raise
            name = reservation.container.name
            parts.progress.failed(name, f"its host failed ({error.what}); placing it anew")
            request = reservation.container.request
            reservation = reserve(parts, [request], terms.new_hosts, terms.on)[0]
            published = immediate(publish, parts, [reservation.container])
        except BaseException:
            undo(parts, reservation.container)
            raise
        else:
            gate = terms.gates.get(reservation.container.name)
            return _create(parts, images, reservation, host, published, gate)
    raise AssertionError("unreachable")


def _ready_host(parts: Parts, reservation: Reservation) -> Host:
    container, host = reservation.container, reservation.host
    with holding(parts, container):
        try:
            host = ensure_ready(parts, host.id)
        except InfrastructureError:
            _give_up_host(parts, host)
            raise
    _verify(parts, host, container)
    return host


def _give_up_host(parts: Parts, host: Host) -> None:
    """A host that was grown for this request and failed is given back, not paid for. One that
    was ready before stays, whatever went wrong when it was bootstrapped anew: it holds data."""
    if claimed := ledger.claim_host(parts, host.id, never_ready=True, state=HostState.DELETING):
        destroy(parts, claimed)


def _verify(parts: Parts, host: Host, container: Container) -> None:
    """The machine may have come out smaller than its shape promised, or at another place."""
    order = (container.created_at, container.name)
    with parts.store.read() as tx:
        earlier = tuple(
            other
            for other in tx.containers()
            if other.host_id == host.id and (other.created_at, other.name) < order
        )
    rules = rules_for(parts.spec.rules, container.request).settled_by_making
    trial = place((HostView(host, earlier),), container.request, rules)
    if trial.host is None:
        raise NothingFits(
            f"host {host.name} came out otherwise than {container.name} needs it",
            reasons={host.name: tuple(map(str, trial.refusals[host.name]))},
        )


def _create(
    parts: Parts,
    images: Images,
    booked: Reservation,
    host: Host,
    published: Future[None],
    gate: Future[None] | None,
) -> Container:
    container = booked.container
    name, request = container.name, container.request
    with ExitStack() as on_error, holding(parts, container):
        on_error.callback(undo, parts, container)
        engine = parts.connections.engine(host)
        parts.progress.step(name, f"image on {host.name}")
        sources = other_engines(parts, host)
        generate = Generator(parts, images, engine, host, container, sources, parts.clock())
        image, launch = images.prepare(
            engine, request, sources, generate, generate.tell_build, generate.build_once
        )
        image_record.note(parts, host, request)
        parts.progress.step(name, f"create on {host.name}")
        with step_named(name, "create"):
            engine_id = create(parts, engine, host, container, image, launch)
        with step_named(name, "publish its name"):
            published.result()
        if gate is not None:
            gate.result()
        if request.wait is not Wait.CREATED:
            _start(parts, engine, booked, host, engine_id)
        state = ContainerState.STOPPED if request.wait is Wait.CREATED else ContainerState.RUNNING
        container = ledger.change_container(
            parts,
            container,
            event=("obtain", request.wait.value, f"on {host.name}"),
            engine_id=engine_id,
            image_id=image.id,
            ssh_host_key=_ssh_key(parts, container),
            state=state,
            work=None,
        )
        on_error.pop_all()
    parts.progress.done(name, f"{state} on {host.name} at {container.address}")
    return container


def _start(parts: Parts, engine: Engine, booked: Reservation, host: Host, engine_id: str) -> None:
    container = booked.container
    with step_named(container.name, "start"):
        engine.start(engine_id)
        if booked.used_before:
            announce(parts, engine, host, container, engine_id)
        parts.progress.step(container.name, f"waiting until {container.request.wait}")
        await_state(parts, engine, host, container, engine_id)


def _ssh_key(parts: Parts, container: Container) -> str | None:
    if not container.request.ssh:
        return None
    return parts.keys.derive("container", container.id).public
