"""Which containers have failed, and what is to be done about them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from clocker.model import Container, ContainerState, ContainerStatus, Host
from clocker.policies.heal_actions import (
    CreateContainer,
    GiveUp,
    Pending,
    RestartContainer,
    Trouble,
)
from clocker.policies.heal_look import Look, in_order, is_settled
from clocker.policies.heal_tries import Patience, patience

_ENDED = ("exited", "dead")
_AGAIN_WHATEVER = ("always", "unless-stopped")


@dataclass(slots=True)
class ContainerFindings:
    """``acted``: ids of those that are restarted or made anew; ``unwell``: of all that have
    failed. ``tries``, ``ended``: for the history."""

    actions: list[RestartContainer | CreateContainer | GiveUp] = field(default_factory=list)
    pending: list[Pending] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    tries: dict[str, tuple[float, ...]] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    acted: set[str] = field(default_factory=set)
    unwell: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Failure:
    """``is_missing``: nothing whole of it is there. ``is_seen_to``: its engine restarts it."""

    why: str
    is_missing: bool = False
    is_seen_to: bool = False


def judge_containers(look: Look, well: set[str], back: set[str]) -> ContainerFindings:
    """``well``: the hosts whose word counts; ``back``: those of them that were silent before."""
    found = ContainerFindings()
    ended = frozenset(look.history.ended)
    engines = {host_id: _by_id(look.seen[host_id].containers) for host_id in well}
    for host, container in sorted(look.containers, key=lambda item: in_order(item[1])):
        known = look.history.tries.get(container.id, ())
        if host.id not in engines or not is_settled(container):
            _remember(found, look, container, known, was_ended=container.id in ended)
            _report(found, host, container)
            continue
        status = engines[host.id].get(container.id)
        if container.state is ContainerState.FAILED:
            _judge_given_up(found, host, container, status)
        elif _has_ended_well(container, status, was_silent=host.id in back, known=ended):
            found.ended.append(container.id)
        elif failure := failure_of(container, status):
            _act(look, found, host, container, failure)
        elif known and look.now - known[-1] < patience(container.request.healing, look.spec).window:
            found.tries[container.id] = known
    return found


def _by_id(statuses: tuple[ContainerStatus, ...]) -> dict[str, ContainerStatus]:
    """Only containers: what helps to make or move one does not say what was asked for."""
    whole = (status for status in statuses if "clocker.request" in status.labels)
    return {
        status.labels["clocker.id"]: status for status in whole if "clocker.id" in status.labels
    }


def _remember(
    found: ContainerFindings,
    look: Look,
    container: Container,
    known: tuple[float, ...],
    *,
    was_ended: bool,
) -> None:
    """Of one that cannot be judged now nothing is concluded."""
    if was_ended:
        found.ended.append(container.id)
    if known:
        found.tries[container.id] = known


def _report(found: ContainerFindings, host: Host, container: Container) -> None:
    """What is left as it is until somebody does something."""
    remedy = f"clocker rm {container.name}, and run it again"
    if container.state is ContainerState.LOST:
        why = container.error or f"its host {host.name} is lost"
        found.troubles.append(Trouble(container.name, why, f"bring {host.name} back; or {remedy}"))
    elif container.state is ContainerState.FAILED:
        found.troubles.append(Trouble(container.name, container.error or "it has failed", remedy))


def _judge_given_up(
    found: ContainerFindings, host: Host, container: Container, status: ContainerStatus | None
) -> None:
    why = container.error or "it has failed"
    if status is not None and status.state == "restarting":
        found.actions.append(GiveUp(container.name, container.id, host.name, why))
        return
    remedy = f"see why: clocker logs {container.name}; then clocker restart {container.name}"
    found.troubles.append(Trouble(container.name, why, remedy))


def _has_ended_well(
    container: Container, status: ContainerStatus | None, *, was_silent: bool, known: frozenset[str]
) -> bool:
    """One that its engine took down with it may have said 0 as well: it had not ended before."""
    if status is None or container.state is not ContainerState.RUNNING:
        return False
    is_over = status.state == "exited" and status.exit_code == 0
    may_end = container.request.restart.condition not in _AGAIN_WHATEVER
    return is_over and may_end and (not was_silent or container.id in known)


def failure_of(container: Container, status: ContainerStatus | None) -> Failure | None:
    """What is wrong with it, if it is on record as settled."""
    if status is None:
        return Failure("it is missing on its host", is_missing=True)
    if status.engine_id != container.engine_id:
        return Failure("it was left half-made", is_missing=True)
    if container.state is not ContainerState.RUNNING or status.state == "paused":
        return None
    if status.state == "running":
        return Failure("its health check fails") if status.health == "unhealthy" else None
    return _not_running(status)


def _not_running(status: ContainerStatus) -> Failure:
    if status.state == "restarting":
        return Failure("it ends again and again", is_seen_to=True)
    if status.state in _ENDED:
        return Failure(f"it ended with status {status.exit_code}")
    return Failure("it was not started")


def _act(
    look: Look, found: ContainerFindings, host: Host, container: Container, failure: Failure
) -> None:
    name, wait = container.name, patience(container.request.healing, look.spec)
    tries = wait.counted(look.history.tries.get(container.id, ()), look.now)
    found.unwell.add(container.id)
    if len(tries) >= wait.attempts:
        why = f"{failure.why}; {_in_vain(wait)}"
        found.actions.append(GiveUp(name, container.id, host.name, why))
        return
    if (until := wait.next_at(tries)) > look.now:
        found.tries[container.id] = tries
        found.pending.append(Pending(name, failure.why, until))
        return
    found.tries[container.id] = (*tries, look.now)
    if failure.is_missing:
        found.actions.append(CreateContainer(name, container.id, host.name, failure.why))
    elif not failure.is_seen_to:
        found.actions.append(RestartContainer(name, container.id, host.name, failure.why))
    else:
        until = wait.next_at(found.tries[container.id])
        found.pending.append(Pending(name, f"{failure.why}; its engine restarts it", until))
        return
    found.acted.add(container.id)


def _in_vain(wait: Patience) -> str:
    if not wait.attempts:
        return "it is not to be restarted"
    return f"{wait.attempts} restart{'s were' if wait.attempts > 1 else ' was'} in vain"


def due_restarts(
    look: Look, found: ContainerFindings, well: set[str]
) -> Iterator[RestartContainer]:
    """Of those that are well themselves, and depend on one that is restarted or made anew, now or
    in an earlier run that could not complete it; each once, and after what it depends on."""
    places = {container.id: (host, container) for host, container in look.containers}
    waiting: dict[str, list[str]] = {}
    for _, container in places.values():
        for cause in container.request.healing.restart_with:
            waiting.setdefault(cause, []).append(container.id)
    taken = set(found.acted)
    left: list[tuple[str | None, str]] = [(None, item) for item in look.history.due]
    left += _after(waiting, [a.name for a in found.actions if a.id in found.acted])
    while left:
        after, item = left.pop(0)
        if item in taken or item in found.unwell or item not in places:
            continue
        host, container = places[item]
        is_up = is_settled(container) and container.state is ContainerState.RUNNING
        if host.id not in well or not is_up:
            continue
        taken.add(item)
        why = f"it depends on {', '.join(container.request.healing.restart_with)}"
        yield RestartContainer(container.name, item, host.name, why, after=after or "")
        left += _after(waiting, [container.name])


def _after(waiting: dict[str, list[str]], causes: list[str]) -> list[tuple[str | None, str]]:
    return [(cause, item) for cause in causes for item in waiting.get(cause, ())]
