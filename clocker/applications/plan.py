"""What there is to do so that an application runs as it is described. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from clocker.applications.differences import differences
from clocker.applications.resolve import Resolved, Wanted
from clocker.applications.values import Facts, Known, rendered
from clocker.errors import NameTaken
from clocker.model import Container, ContainerRequest, ContainerState, ServiceValue

_ENDED = ("exited", "dead")
_FOR_EVER = ("always", "unless-stopped")
_CHANGE_WITH_A_HOST = ("host", "host_address", "port")


class Verb(StrEnum):
    CREATE = "create"
    CHANGE = "change"  # where it is
    REPLACE = "replace"  # by another one with its name, address and volumes
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Seen:
    """A container on record. ``state``: what its engine calls it; None when nobody answers, empty
    when there is none. ``exit_code``: of one that has ended."""

    container: Container
    facts: Facts
    state: str | None = "running"
    exit_code: int = 0

    @property
    def is_settled(self) -> bool:
        return self.container.state in (ContainerState.RUNNING, ContainerState.STOPPED)


@dataclass(frozen=True, slots=True)
class Change:
    """``request``: as it is to be, as far as all values are known. ``fields``: names of those
    that differ. ``start``: it is there and does not run. ``restart``: only that, with what it
    needs. ``later``: values that are known only once other services have been seen to; a kept
    container is replaced if they turn out otherwise."""

    verb: Verb
    name: str
    service: str
    request: ContainerRequest | None = None
    fields: tuple[str, ...] = ()
    start: bool = False
    restart: bool = False
    later: tuple[ServiceValue, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """``changes``: in the order of what needs what; what is removed comes last. ``networks``:
    that are made; ``leaving``: own ones that are not wanted any more."""

    application: str
    changes: tuple[Change, ...]
    networks: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    counts: Mapping[Verb, int] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        counts = dict.fromkeys(Verb, 0)
        for change in self.changes:
            counts[change.verb] += 1
        object.__setattr__(self, "counts", counts)

    def counts_of(self, verb: str) -> int:
        return self.counts[Verb(verb)]

    @property
    def is_empty(self) -> bool:
        touched = any(change.verb is not Verb.KEEP or change.later for change in self.changes)
        return not (touched or self.networks or self.leaving)


def plan(
    resolved: Resolved,
    seen: Mapping[str, Seen],
    known: Known,
    *,
    taken: Mapping[str, str],
    networks: frozenset[str] = frozenset(),
    owned: frozenset[str] = frozenset(),
) -> Plan:
    """``seen``: the application's containers by name. ``taken``: who has a name that is not the
    application's. ``networks``: all of the cloud's; ``owned``: those of them that are the
    application's. NameTaken."""
    _refuse_taken(resolved, taken, networks - owned)
    planner = Planner(resolved, seen, known)
    changes = [change for wave in resolved.waves for each in wave for change in planner.of(each)]
    kept = {change.name for change in changes}
    gone = [
        Change(Verb.REMOVE, name, found.container.request.labels["service"])
        for name, found in seen.items()
        if name not in kept
    ]
    return Plan(
        resolved.application.name,
        (*changes, *gone),
        tuple(name for name in resolved.networks if name not in networks),
        tuple(sorted((owned & networks) - set(resolved.networks))),
    )


class Planner:
    """Decides service by service, those first that others need, and remembers which of them are
    made anew or restarted. ``known`` may grow between two; ``final``: it has by then all that can
    be known of what a service needs."""

    def __init__(
        self, resolved: Resolved, seen: Mapping[str, Seen], known: Known, *, final: bool = False
    ) -> None:
        self._resolved, self._seen, self._known, self._final = resolved, seen, known, final
        self._moved = set[str]()
        self._restarted = set[str]()

    def of(self, service: str) -> tuple[Change, ...]:
        changes = tuple(self._change(wanted) for wanted in self._resolved.wanted[service])
        for change in changes:
            if change.verb in (Verb.CREATE, Verb.REPLACE):
                self._moved.add(service)
                self._restarted.add(service)
            elif change.start or change.restart:
                self._restarted.add(service)
        return changes

    def _change(self, wanted: Wanted) -> Change:
        request, missing = rendered(wanted.request, wanted.env, wanted.command, self._known)
        later = self._later(wanted, missing)
        there = self._seen.get(wanted.name)
        if there is None or not there.is_settled:
            return Change(Verb.CREATE, wanted.name, wanted.service, request, later=later)
        if missing:
            request = _with_old_values(there.container.request, request, wanted, missing)
        differ = differences(there.container.request, request)
        if differ.anew or there.state == "":
            names = (*differ.anew, *differ.in_place)
            return Change(Verb.REPLACE, wanted.name, wanted.service, request, names, later=later)
        start = self._is_to_start(wanted, there)
        restart = not start and self._restarts(wanted) and wanted.service not in self._resolved.jobs
        if differ.in_place or start or restart:
            return Change(
                Verb.CHANGE,
                wanted.name,
                wanted.service,
                request,
                differ.in_place,
                start,
                restart,
                later,
            )
        return Change(Verb.KEEP, wanted.name, wanted.service, request, later=later)

    def _later(self, wanted: Wanted, missing: tuple[ServiceValue, ...]) -> tuple[ServiceValue, ...]:
        """Values of what is made anew: an address stays with the name, a host may be another."""
        if self._final:
            return missing
        moving = [
            value
            for text in (*wanted.env.values(), *(wanted.command or ()))
            for value in text
            if isinstance(value, ServiceValue)
            and value.service in self._moved
            and value.value.partition("/")[0] in _CHANGE_WITH_A_HOST
        ]
        return tuple(dict.fromkeys((*missing, *moving)))

    def _is_to_start(self, wanted: Wanted, there: Seen) -> bool:
        """What was stopped, or has ended; not what has done its work: a job that ended well, or
        what ended well and is not always started again."""
        if there.state == "created":
            return True
        if there.state not in _ENDED:
            return False
        if there.exit_code:
            return True
        if wanted.service in self._resolved.jobs:
            return False
        stopped = there.container.state is ContainerState.STOPPED
        return stopped or wanted.request.restart.condition in _FOR_EVER

    def _restarts(self, wanted: Wanted) -> bool:
        needs = self._resolved.needs[wanted.service]
        return any(need.restart and need.service in self._restarted for need in needs)


def _with_old_values(
    there: ContainerRequest,
    request: ContainerRequest,
    wanted: Wanted,
    missing: tuple[ServiceValue, ...],
) -> ContainerRequest:
    """What cannot be known yet is taken to stay as it is."""
    unknown = frozenset(missing)
    stay = {
        name: there.env.get(name)
        for name, text in wanted.env.items()
        if not unknown.isdisjoint(piece for piece in text if isinstance(piece, ServiceValue))
    }
    words = {
        piece for text in wanted.command or () for piece in text if isinstance(piece, ServiceValue)
    }
    command = request.command if unknown.isdisjoint(words) else there.command
    return replace(request, env={**request.env, **stay}, command=command)


def _refuse_taken(resolved: Resolved, taken: Mapping[str, str], foreign: frozenset[str]) -> None:
    name = resolved.application.name
    for those in resolved.wanted.values():
        for wanted in those:
            if wanted.name in taken:
                raise NameTaken(
                    f"the name {wanted.name!r} is taken by {taken[wanted.name]}",
                    where=f"application {name}, service {wanted.service}",
                    remedy=f"remove it (clocker rm {wanted.name}), or name the application "
                    "otherwise: --name",
                )
    for network in resolved.networks:
        if network in foreign:
            raise network_taken(name, network)


def network_taken(application: str, network: str) -> NameTaken:
    return NameTaken(
        f"there is a network {network!r} that is not the application's",
        where=f"application {application}",
        remedy=f"remove it (clocker network rm {network}), or name the application otherwise: "
        "--name",
    )
