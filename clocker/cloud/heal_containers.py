"""Carries out what was decided for containers. Each is looked at again under a lease: between the
look and the act the world has gone on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from clocker.cloud import ledger, secrets
from clocker.cloud.adopt import adopt_container
from clocker.cloud.announce import announce
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.create import create
from clocker.cloud.generate import Generator
from clocker.cloud.heal_run import Run, claim, claimed, complete, let_go, on_engine
from clocker.cloud.remains import remove_from
from clocker.cloud.reports import Healed
from clocker.cloud.sources import other_engines
from clocker.cloud.steps import step_named
from clocker.cloud.views import host_named
from clocker.errors import NotFound
from clocker.interfaces import Engine
from clocker.model import Container, ContainerState, ContainerStatus, Host, Restart
from clocker.policies.heal_actions import (
    AdoptContainer,
    CreateContainer,
    GiveUp,
    OnContainer,
    RemoveContainer,
    RestartContainer,
)
from clocker.policies.heal_containers import failure_of

_RUNS = ("running", "restarting", "paused")


def carry_out(run: Run, action: OnContainer) -> Healed | None:
    """None where nothing had to be done any more."""
    match action:
        case RestartContainer():
            return restart(run, action)
        case CreateContainer():
            return _create_missing(run, action)
        case GiveUp():
            return _give_up(run, action)
        case AdoptContainer():
            return _adopt(run, action)
        case RemoveContainer():
            return _remove_stray(run, action)


def restart(run: Run, action: RestartContainer) -> Healed | None:
    found = claim(run, action.name, action.id)
    if found is None:
        return None
    container, host = found
    with claimed(run, container):
        engine = run.parts.connections.engine(host)
        status = on_engine(run, engine, container)
        if status is None or not _is_to_be_restarted(action, container, status):
            let_go(run, container)
            return None
        run.parts.progress.step(container.name, f"restart on {host.name}: {action.why}")
        with step_named(container.name, "restart"):
            secrets.deliver(run.parts, host, container)
            _start_again(engine, container, status)
            announce(run.parts, engine, host, container, status.engine_id)
        complete(run, container, "restarted", action.why)
    return Healed("restarted", container.name, host.name, action.why)


def _is_to_be_restarted(
    action: RestartContainer, container: Container, status: ContainerStatus
) -> bool:
    """One that only depends on another has not to be started again once it has ended."""
    if container.state is not ContainerState.RUNNING:
        return False
    if action.after is not None:
        return status.state in _RUNS
    return failure_of(container, status) is not None


def _start_again(engine: Engine, container: Container, status: ContainerStatus) -> None:
    if status.state in _RUNS:
        engine.restart(status.engine_id, grace_s=container.request.stop_grace_s)
    else:
        engine.start(status.engine_id)


def _create_missing(run: Run, action: CreateContainer) -> Healed | None:
    """While it is made its record has no engine's id: what is found half-made is made anew."""
    found = claim(run, action.name, action.id)
    if found is None:
        return None
    container, host = found
    with claimed(run, container):
        engine = run.parts.connections.engine(host)
        failure = failure_of(container, on_engine(run, engine, container))
        if failure is None or not failure.is_missing:
            let_go(run, container)
            return None
        container = ledger.change_container(run.parts, container, engine_id=None)
        with or_removed(run, host, container):
            made = made_anew(run, host, container, running=_is_to_run(container))
            ids = {"engine_id": made.engine_id, "image_id": made.image_id}
            complete(run, container, "created", action.why, **ids)
    return Healed("created", container.name, host.name, action.why)


def _is_to_run(container: Container) -> bool:
    return container.state is ContainerState.RUNNING


def made_anew(run: Run, host: Host, container: Container, *, running: bool) -> Container:
    """The container on ``host``, whose lease this process holds. What its engine says of it is not
    on record yet: until it is, whoever finds it takes it for half-made."""
    parts, name = run.parts, container.name
    remove_from(parts, host, container)
    engine = parts.connections.engine(host)
    with step_named(name, f"image on {host.name}"):
        sources = other_engines(parts, host)
        generate = Generator(parts, run.images, engine, host, container, sources, parts.clock())
        image, launch = run.images.prepare(
            engine, container.request, sources, generate, once=generate.build_once
        )
    parts.progress.step(name, f"create on {host.name}")
    with step_named(name, f"create on {host.name}"):
        engine_id = create(parts, engine, host, container, image, launch)
    if running:
        with step_named(name, f"start on {host.name}"):
            engine.start(engine_id)
            announce(parts, engine, host, container, engine_id)
    return replace(container, engine_id=engine_id, image_id=image.id)


@contextmanager
def or_removed(run: Run, host: Host, container: Container) -> Iterator[None]:
    """Whoever removes the container meanwhile may have looked at ``host`` before it was made."""
    try:
        yield
    except ledger.TakenOver:
        with run.parts.store.read() as tx:
            now = tx.container(container.name)
        is_there = now is not None and now.id == container.id
        if not is_there or (now and now.state is ContainerState.REMOVING):
            remove_from(run.parts, host, container)
        raise


def _give_up(run: Run, action: GiveUp) -> Healed | None:
    """On record first; then its engine is told to leave it alone as well."""
    found = claim(run, action.name, action.id, state=ContainerState.FAILED, error=action.why)
    if found is None:
        return None
    container, host = found
    with claimed(run, container):
        engine = run.parts.connections.engine(host)
        status = on_engine(run, engine, container)
        if status is not None:
            engine.set_restart(status.engine_id, Restart())
            if status.state == "restarting":
                engine.stop(status.engine_id, grace_s=container.request.stop_grace_s)
        ledger.change_container(
            run.parts, container, work=None, event=("heal", "given up", action.why[:500])
        )
    run.parts.progress.failed(container.name, f"given up: {action.why}")
    return Healed("given up", container.name, host.name, action.why)


def _adopt(run: Run, action: AdoptContainer) -> Healed | None:
    with run.parts.store.transaction() as tx:
        run.check(tx)
        host = host_named(run.parts, tx, action.host)
    adopted = adopt_container(run.parts, host, action.id)
    return Healed("adopted", adopted.name, host.name, action.why) if adopted else None


def _remove_stray(run: Run, action: RemoveContainer) -> Healed | None:
    parts = run.parts
    with parts.store.transaction() as tx:
        run.check(tx)
        try:
            host = host_named(parts, tx, action.host)
        except NotFound:
            return None
        if any(
            _belongs(container, host) for container in tx.containers() if _is(container, action)
        ):
            return None
        ledger.log(parts, tx, "heal", action.name, "removing", f"on {host.name}: {action.why}")
    engine = parts.connections.engine(host)
    for status in engine.list({CLOUD_LABEL: parts.spec.name, "clocker.id": action.id}):
        engine.remove(status.engine_id)
    parts.progress.done(action.name, f"removed on {host.name}: {action.why}")
    return Healed("removed", action.name, host.name, action.why)


def _is(container: Container, action: RemoveContainer) -> bool:
    return container.id == action.id


def _belongs(container: Container, host: Host) -> bool:
    """It is on this host, or on its way here."""
    return host.id == container.host_id or bool(
        container.move and container.move.host_id == host.id
    )
