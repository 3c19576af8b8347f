"""Carries a plan out: every service as soon as those that it needs are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeAlias

from clocker.applications import Change, Planner, Resolved, Verb
from clocker.cloud.obtain import AT_ONCE_PER_HOST, begin
from clocker.cloud.steps import side_by_side
from clocker.deploy.ahead import MOST_AHEAD, made_ahead
from clocker.deploy.homes import Homes
from clocker.deploy.service import await_condition, carry_out, request_of
from clocker.deploy.world import World, facts_of
from clocker.errors import ClockerError, DeployFailed, InfrastructureError
from clocker.images import Images
from clocker.interfaces import Parts
from clocker.model import Condition

_MOST_THREADS = 64

Milestone: TypeAlias = tuple[str, Condition]
"""A service, and how far it has come."""


class Rollout:
    """Of one application, once. What has begun when a service fails is brought to its end;
    nothing else is begun then."""

    def __init__(self, parts: Parts, images: Images, resolved: Resolved, world: World) -> None:
        self._parts, self._images, self._resolved, self._world = parts, images, resolved, world
        self._known = world.known(resolved, parts.spec.name)
        self._planner = Planner(resolved, world.seen, self._known, final=True)
        self._homes = Homes(parts, world)
        self._left = {name: len(needs) for name, needs in resolved.needs.items()}
        self._waiting = _waiting(resolved)
        self._ready = [name for name, count in self._left.items() if count == 0]
        self._jobs: dict[Future[Any], Milestone] = {}
        self._unfinished: dict[str, int] = {}
        self._failures: dict[str, ClockerError] = {}
        self._gates: dict[str, Future[None]] = {}
        self._withheld: set[str] = set()
        self._unlearned: list[str] = []

    def run(self) -> None:
        """DeployFailed."""
        most = min(_MOST_THREADS, AT_ONCE_PER_HOST * max(1, len(self._world.hosts)))
        with side_by_side(most + MOST_AHEAD) as makers, side_by_side(_MOST_THREADS) as watchers:
            try:
                self._launch(makers, watchers)
                self._make_ahead(makers)
                while self._jobs:
                    done, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
                    for job in done:
                        self._settle(job, watchers)
                    self._launch(makers, watchers)
            finally:
                self._withhold()
        if self._failures:
            raise self._failed()

    def _make_ahead(self, makers: ThreadPoolExecutor) -> None:
        """What has to wait for others, and for no value of theirs, is made meanwhile, but not
        started. If there is no room for it, its turn will tell."""
        services = made_ahead(self._resolved, self._world.seen, self._known)
        services = [each for each in services if self._left[each]]
        changes = [change for service in services for change in self._planner.of(service)]
        if not changes or self._failures:
            return
        gates = {service: Future[None]() for service in services}
        by_name = {change.name: gates[change.service] for change in changes}
        try:
            requests = [request_of(change) for change in changes]
            homes = self._homes.of(changes)
            jobs = begin(self._parts, self._images, requests, makers, homes, by_name)
        except ClockerError:
            return
        self._gates = gates
        for change, job in zip(changes, jobs, strict=True):
            self._note(job, change.service, Condition.STARTED)

    def _withhold(self) -> None:
        """What was made ahead and has not been started goes away again."""
        for service, gate in self._gates.items():
            self._withheld.add(service)
            gate.set_exception(InfrastructureError("what it needs did not come"))
        self._gates = {}

    def _launch(self, makers: ThreadPoolExecutor, watchers: ThreadPoolExecutor) -> None:
        """Until there is nothing that can begin: a service that is kept makes others ready."""
        while self._ready and not self._failures:
            services, self._ready = self._ready, []
            fresh: dict[str, list[Change]] = {}
            for service in services:
                if gate := self._gates.pop(service, None):
                    gate.set_result(None)
                    continue
                self._learn()
                changes = self._planner.of(service)
                if all(change.verb is Verb.KEEP for change in changes):
                    self._arrived(service, watchers)
                elif self._is_fresh(service, changes):
                    fresh[service] = [c for c in changes if c.verb is Verb.CREATE]
                else:
                    self._begin(service, Condition.STARTED, makers, self._carry_out, changes)
            self._create(fresh, makers)

    def _is_fresh(self, service: str, changes: Sequence[Change]) -> bool:
        """Its containers can be booked together with those of other services."""
        verbs = {change.verb for change in changes}
        return verbs <= {Verb.CREATE, Verb.KEEP} and service not in self._resolved.jobs

    def _create(self, fresh: Mapping[str, Sequence[Change]], makers: ThreadPoolExecutor) -> None:
        changes = [change for those in fresh.values() for change in those]
        if not changes:
            return
        try:
            requests = [request_of(change) for change in changes]
            homes = self._homes.of(changes)
            jobs = begin(self._parts, self._images, requests, makers, homes)
        except ClockerError as error:
            if len(fresh) == 1:
                self._failures.setdefault(changes[0].service, error)
                self._withhold()
                return
            for service, those in fresh.items():  # some may fit where all together do not
                self._create({service: those}, makers)
            return
        for change, job in zip(changes, jobs, strict=True):
            self._note(job, change.service, Condition.STARTED)

    def _carry_out(self, service: str, changes: Sequence[Change]) -> None:
        homes = self._homes.of(changes)
        carry_out(
            self._parts,
            self._images,
            changes,
            self._world.seen,
            homes,
            is_job=service in self._resolved.jobs,
        )

    def _begin(
        self,
        service: str,
        condition: Condition,
        pool: ThreadPoolExecutor,
        action: Callable[..., None],
        *args: Any,
    ) -> None:
        self._note(pool.submit(action, service, *args), service, condition)

    def _note(self, job: Future[Any], service: str, condition: Condition) -> None:
        self._jobs[job] = (service, condition)
        self._unfinished[service] = self._unfinished.get(service, 0) + 1

    def _settle(self, job: Future[Any], watchers: ThreadPoolExecutor) -> None:
        service, condition = self._jobs.pop(job)
        self._unfinished[service] -= 1
        error = job.exception()
        if isinstance(error, ClockerError):
            if service not in self._withheld:
                self._failures.setdefault(service, error)
                self._withhold()
        elif error is not None:
            raise error
        elif condition is not Condition.STARTED:
            self._reached(service, condition)
        elif not self._unfinished[service] and service not in self._failures:
            self._unlearned.append(service)
            self._arrived(service, watchers)

    def _arrived(self, service: str, watchers: ThreadPoolExecutor) -> None:
        self._reached(service, Condition.STARTED)
        if self._failures:
            return
        for condition in (Condition.HEALTHY, Condition.COMPLETED):
            if self._waiting.get((service, condition)):
                self._begin(service, condition, watchers, self._await, condition)

    def _await(self, service: str, condition: Condition) -> None:
        wanted = self._resolved.wanted[service]
        timeout_s = wanted[0].request.timeout_s if wanted else 0.0
        await_condition(self._parts, [each.name for each in wanted], condition, timeout_s)

    def _reached(self, service: str, condition: Condition) -> None:
        for other in self._waiting.get((service, condition), ()):
            self._left[other] -= 1
            if self._left[other] == 0:
                self._ready.append(other)

    def _learn(self) -> None:
        """What the containers of those that came are now, for those that want their values."""
        services, self._unlearned = self._unlearned, []
        if not services:
            return
        with self._parts.store.read() as tx:
            hosts = {host.id: host for host in tx.hosts()}
            found = {
                service: [tx.container(wanted.name) for wanted in self._resolved.wanted[service]]
                for service in services
            }
        cloud = self._parts.spec.name
        for service, containers in found.items():
            self._known[service] = [
                facts_of(cloud, container, hosts.get(container.host_id))
                for container in containers
                if container
            ]

    def _failed(self) -> DeployFailed:
        count = sum(1 for service in self._resolved.wanted)
        what = f"{len(self._failures)} of {count} services failed"
        name = self._resolved.application.name
        return DeployFailed(
            f"application {name}: {what}",
            failures=self._failures,
            remedy="mend what is wrong and deploy again, which goes on from here; or undo it: "
            f"clocker deploy --undo --name {name}",
        )


def _waiting(resolved: Resolved) -> dict[Milestone, list[str]]:
    found: dict[Milestone, list[str]] = {}
    for service, needs in resolved.needs.items():
        for need in needs:
            found.setdefault((need.service, need.condition), []).append(service)
    return found
