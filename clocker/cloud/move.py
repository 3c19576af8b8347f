"""Moves a container to another host: its name, address and configuration stay.

The record says where the container is, and changes only at the switch. Until then it is booked on
both hosts; whatever goes wrong, or whoever finds it after a crash, makes it again what it was
(``clocker.cloud.move_back``). The source is stopped before the target starts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace

from clocker.cloud import image_record, ledger
from clocker.cloud.announce import announce
from clocker.cloud.await_state import await_state
from clocker.cloud.container_spec import engine_name, volume_name
from clocker.cloud.create import create
from clocker.cloud.generate import Generator
from clocker.cloud.heartbeat import holding
from clocker.cloud.move_back import settle, undo_move
from clocker.cloud.move_place import Way, book
from clocker.cloud.reports import MoveReport
from clocker.cloud.sources import other_engines
from clocker.cloud.steps import step_named
from clocker.cloud.volumes import copy_volumes, named
from clocker.errors import BadInput, ImageNotFound
from clocker.images import Images, Launch
from clocker.interfaces import Engine, Parts
from clocker.model import Container, ContainerState, ImageInfo, Restart, Wait


def move(
    parts: Parts,
    images: Images,
    name: str,
    host: str | None = None,
    *,
    volumes: bool = False,
    force: bool = False,
    grace_s: float | None = None,
) -> MoveReport:
    """To ``host``, or to the one that the placement rules choose. One that is stopped moves
    without being started. ``grace_s``: None is what it asked for. NotFound, BadInput, NothingFits
    with the reasons; any error leaves it running where it was."""
    way = book(parts, name, host, volumes=volumes, force=force)
    if way.target.id == way.source.id:
        return MoveReport(name, way.source.name, way.target.name, way.container.address)
    with ExitStack() as on_error, holding(parts, way.container):
        on_error.callback(undo_move, parts, way.container)
        away_s, moved = _carry_over(parts, images, way, grace_s)
        on_error.pop_all()
    settle(parts, moved)
    parts.progress.done(name, f"moved to {way.target.name} at {moved.address}")
    return MoveReport(name, way.source.name, way.target.name, moved.address, away_s)


def _carry_over(
    parts: Parts, images: Images, way: Way, grace_s: float | None
) -> tuple[float | None, Container]:
    """For how long it did not run, and the record after the switch."""
    container, name = way.container, way.container.name
    here, there = parts.connections.engine(way.source), parts.connections.engine(way.target)
    with step_named(name, f"image on {way.target.name}"):
        image, launch = _same_image(parts, images, way, here, there)
        image_record.note(parts, way.target, container.request)
    environ = _environ(container, here, engine_name(parts.spec.name, name))
    engine_id = None
    if named(container.request):
        container = _claim_volumes(parts, way, container, there)
    else:
        engine_id = _create(parts, way, there, image, launch, environ)
    begun = time.monotonic()
    _stop(parts, container, here, grace_s)
    if engine_id is None:
        with step_named(name, "copy volumes"):
            copy_volumes(parts, container, image, here, there)
        engine_id = _create(parts, way, there, image, launch, environ)
    away_s = None
    if way.move.running:
        container = _start(parts, way, container, there, engine_id)
        away_s = time.monotonic() - begun
        _await(parts, way, there, engine_id)
    return away_s, _switch(parts, way, container, engine_id, image)


def _same_image(
    parts: Parts, images: Images, way: Way, here: Engine, there: Engine
) -> tuple[ImageInfo, Launch]:
    """The very image that it was made from: what its name means may have changed since."""
    request = way.container.request
    reference = _exact(way.container, here) or request.image
    by_name = here.image(request.image)
    if by_name and by_name.id == reference and there.image(request.image) is None:
        reference = request.image  # so that it keeps its name over there
    parts.progress.step(way.container.name, f"image on {way.target.name}")
    sources = other_engines(parts, way.target, first=way.source)
    try:
        made = replace(request, image=reference, install=None)
        return images.prepare(there, made, sources)
    except ImageNotFound:
        generate = Generator(
            parts, images, there, way.target, way.container, sources, parts.clock()
        )
        return images.prepare(there, request, sources, generate, once=generate.build_once)


def _exact(container: Container, here: Engine) -> str | None:
    """The id of the image that was asked for, below any layer of ours."""
    own = here.image(container.image_id) if container.image_id else None
    if own is None:
        return None
    return own.labels.get("clocker.base") if container.request.ssh else own.id


def _environ(container: Container, here: Engine, known: str) -> Mapping[str, str]:
    """What the request left open is taken from this environment, as when it was created; what is
    not set here, from the container as it is."""
    wanted = {name for name, value in container.request.env.items() if value is None}
    if wanted <= os.environ.keys():
        return os.environ
    return {**here.environment(known), **os.environ}


def _claim_volumes(parts: Parts, way: Way, container: Container, there: Engine) -> Container:
    """From here on the volumes of these names over there are the move's to remove."""
    names = [volume_name(parts.spec.name, v.source) for v in named(container.request)]
    for name in names:
        if there.has_volume(name):
            raise BadInput(
                f"host {way.target.name} has a volume {name} already",
                where=f"container {container.name}",
                remedy=f"move it to another host, or remove that volume: clocker ssh "
                f"{way.target.name} docker volume rm {name}",
            )
    return ledger.change_container(parts, container, move=replace(way.move, volumes=tuple(names)))


def _create(
    parts: Parts,
    way: Way,
    there: Engine,
    image: ImageInfo,
    launch: Launch,
    environ: Mapping[str, str],
) -> str:
    name = way.container.name
    parts.progress.step(name, f"create on {way.target.name}")
    with step_named(name, f"create on {way.target.name}"):
        return create(parts, there, way.target, way.arriving, image, launch, environ, way.source)


def _stop(parts: Parts, container: Container, here: Engine, grace_s: float | None) -> None:
    """For good: an engine that is restarted must not start it again."""
    known = engine_name(parts.spec.name, container.name)
    parts.progress.step(container.name, "stop")
    with step_named(container.name, "stop"):
        with parts.store.read() as tx:
            ledger.still_held(tx, container)
        here.set_restart(known, Restart("no"))
        own = container.request.stop_grace_s
        here.stop(known, grace_s=own if grace_s is None else grace_s)


def _start(
    parts: Parts, way: Way, container: Container, there: Engine, engine_id: str
) -> Container:
    name = container.name
    parts.progress.step(name, f"start on {way.target.name}")
    there.inspect(engine_id)  # while it has not been told to start, the way back is open
    assert container.move is not None  # noqa: S101 - it is on its way
    container = ledger.change_container(
        parts, container, move=replace(container.move, started=True)
    )
    with step_named(name, f"start on {way.target.name}"):
        there.start(engine_id)
        announce(parts, there, way.target, way.arriving, engine_id)
    return container


def _await(parts: Parts, way: Way, there: Engine, engine_id: str) -> None:
    """As when it was obtained; one that was only created, and started since, shall run."""
    arriving, request = way.arriving, way.arriving.request
    if request.wait is Wait.CREATED:
        arriving = replace(arriving, request=replace(request, wait=Wait.RUNNING))
    with step_named(arriving.name, f"start on {way.target.name}"):
        await_state(parts, there, way.target, arriving, engine_id)


def _switch(
    parts: Parts, way: Way, container: Container, engine_id: str, image: ImageInfo
) -> Container:
    """From here on it is over there, and what is left here are remains."""
    assert container.move is not None  # noqa: S101 - it is on its way
    return ledger.change_container(
        parts,
        container,
        event=("move", "moved", f"from {way.source.name} to {way.target.name}"),
        host_id=way.target.id,
        ports=way.move.ports,
        engine_id=engine_id,
        image_id=image.id,
        state=ContainerState.RUNNING if way.move.running else ContainerState.STOPPED,
        move=replace(container.move, host_id=way.source.id, ports=(), settled=True),
        error=None,
        work=None,
    )
