"""What is done to the containers of one service, once those that it needs have been seen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from clocker.applications import Change, Seen, Verb
from clocker.cloud import attach as attaching
from clocker.cloud import ledger, run_state
from clocker.cloud.await_state import await_state
from clocker.cloud.container_spec import engine_name
from clocker.cloud.obtain import obtain_many
from clocker.cloud.release import release
from clocker.cloud.views import machine
from clocker.errors import BadInput, EngineError, TimedOut
from clocker.images import Images
from clocker.interfaces import Parts
from clocker.model import Condition, Container, ContainerRequest, ContainerState, Wait

_POLL_S = 0.1
_LAST_LINES = 10


def carry_out(
    parts: Parts,
    images: Images,
    changes: Sequence[Change],
    seen: Mapping[str, Seen],
    homes: Mapping[str, str],
    *,
    is_job: bool,
) -> None:
    """New containers side by side; others one after the other, so that never all replicas are
    away. ``homes``: names of the hosts where containers must be, for their volumes."""
    if fresh := [request_of(change) for change in changes if change.verb is Verb.CREATE]:
        obtain_many(parts, images, fresh, on=homes)
    for change in changes:
        if change.verb is Verb.REPLACE:
            _replace(parts, images, change, homes)
        elif change.verb is Verb.CHANGE:
            _change(parts, seen[change.name].container, change)
        if is_job and change.verb in (Verb.CREATE, Verb.REPLACE):
            run_state.start(parts, change.name)


def request_of(change: Change) -> ContainerRequest:
    """BadInput when a value for it is still not known."""
    if change.request is None or change.later:
        value = change.later[0] if change.later else None
        raise BadInput(
            f"{value.service} has no {value.value}" if value else "nothing is asked for",
            where=f"container {change.name}",
            remedy=f"give {value.service} a replica" if value else None,
        )
    return change.request


def await_condition(
    parts: Parts, names: Sequence[str], condition: Condition, timeout_s: float
) -> None:
    """Until the containers are healthy, or have ended well. EngineError, TimedOut."""
    for name in names:
        found = machine(parts, name)
        known = found.engine_name
        if condition is Condition.HEALTHY:
            parts.progress.step(name, "waiting until healthy")
            request = replace(found.record.request, wait=Wait.HEALTHY)
            await_state(
                parts, found.engine, found.host, replace(found.record, request=request), known
            )
        else:
            parts.progress.step(name, "waiting until it has ended")
            _await_end(parts, name, timeout_s)
        parts.progress.done(name, f"{condition}")


def _replace(parts: Parts, images: Images, change: Change, homes: Mapping[str, str]) -> None:
    """The lease on the address stays with the name, so the next of that name gets it again."""
    request = request_of(change)
    parts.progress.step(change.name, f"replace: {', '.join(change.fields) or 'it is gone'}")
    release(parts, change.name)
    obtain_many(parts, images, [request], on=homes)


def _change(parts: Parts, there: Container, change: Change) -> None:
    wanted = change.request
    assert wanted is not None  # noqa: S101 - only what is removed has none
    if "networks" in change.fields:
        _join_and_leave(parts, there, wanted)
    if "restart" in change.fields:
        found = machine(parts, change.name)
        found.engine.set_restart(found.engine_name, wanted.restart)
    if change.fields:
        _write(parts, there, wanted, change.fields)
    if change.start:
        run_state.start(parts, change.name)
        _await_running(parts, change.name)
    elif change.restart:
        run_state.restart(parts, change.name, wanted.stop_grace_s)
        _await_running(parts, change.name)
    parts.progress.done(change.name, "changed" if change.fields else "started again")


def _join_and_leave(parts: Parts, there: Container, wanted: ContainerRequest) -> None:
    for network in wanted.networks[1:]:
        if network not in there.request.networks:
            attaching.attach(parts, there.name, network)
    for network in there.request.networks[1:]:
        if network not in wanted.networks:
            attaching.detach(parts, there.name, network)


def _write(parts: Parts, there: Container, wanted: ContainerRequest, fields: Sequence[str]) -> None:
    with parts.store.transaction() as tx:
        now = tx.container(there.name)
        if now is None or now.id != there.id or now.work is not None:
            raise ledger.TakenOver(f"container {there.name} has been changed meanwhile")
        changes = {name: getattr(wanted, name) for name in fields}
        tx.put_container(replace(now, request=replace(now.request, **changes)))
        ledger.log(parts, tx, "deploy", there.name, "changed", ", ".join(fields))


def _await_running(parts: Parts, name: str) -> None:
    found = machine(parts, name)
    if found.record.request.wait is Wait.CREATED or found.record.state is ContainerState.STOPPED:
        return
    await_state(parts, found.engine, found.host, found.record, found.engine_name)


def _await_end(parts: Parts, name: str, timeout_s: float) -> None:
    found = machine(parts, name)
    known = engine_name(parts.spec.name, name)
    waited_s = 0.0
    while True:
        status = found.engine.inspect(known)
        if status.state in ("exited", "dead"):
            break
        if waited_s >= timeout_s:
            raise TimedOut(
                f"has not ended within {timeout_s:g} s\n{tail(parts, name)}",
                where=f"container {name}",
                remedy="look at its output, or allow more time (timeout)",
            )
        parts.sleep(_POLL_S)
        waited_s += _POLL_S
    if status.exit_code:
        raise EngineError(
            f"it ended with status {status.exit_code}\n{tail(parts, name)}",
            where=f"container {name}",
        )


def tail(parts: Parts, name: str) -> str:
    found = machine(parts, name)
    lines = found.engine.logs(found.engine_name, tail=_LAST_LINES)
    return b"".join(lines).decode(errors="replace").rstrip()
