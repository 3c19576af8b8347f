"""Hosts and containers for the headroom policy, and what a trace of demand does to them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from math import floor
from typing import Any

from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Headroom,
    Host,
    HostState,
    HostView,
    Keep,
    Resources,
    RuleSpec,
)
from clocker.placement import Fleet, rules_for
from clocker.policies.headroom import History, Look, Scaling, decide

CAPACITY = Resources(8, 16_384, 100_000)
NEW = Host("", "new host", "here", HostState.REQUESTED, CAPACITY, "")
EIGHT = (RuleSpec("max_containers", {"limit": 8}),)


def host(name: str, **changes: Any) -> Host:
    made = Host(name, name, "here", HostState.READY, CAPACITY, "")
    return replace(made, **changes)


def container(name: str, host_id: str, request: ContainerRequest | None = None) -> Container:
    request = request or ContainerRequest("nginx", Resources(1, 1024))
    return Container(name, name, host_id, ContainerState.RUNNING, request, "", "")


def views(*held: int, request: ContainerRequest | None = None, **changes: Any) -> list[HostView]:
    """A host for each number, with so many containers."""
    return [
        HostView(
            host(f"h{n:03}", **changes),
            tuple(container(f"c{n}-{m}", f"h{n:03}", request) for m in range(number)),
        )
        for n, number in enumerate(held)
    ]


def look(there: Sequence[HostView], spec: Headroom, **changes: Any) -> Look:
    return replace(Look(tuple(there), spec, news=(NEW,), now=1e6), **changes)


@dataclass
class Trace:
    """A cloud under random demand, and its headroom kept after each change."""

    chance: random.Random
    rules: tuple[RuleSpec, ...]
    shape: ContainerRequest
    spec: Headroom
    hosts: dict[str, HostView] = field(default_factory=dict)
    history: History = History()
    now: float = 0.0
    numbers: Any = field(default_factory=count)

    def demand(self) -> None:
        """Some containers come, as far as there is room, and some go."""
        everyone = [c for view in self.hosts.values() for c in view.containers]
        for gone in self.chance.sample(everyone, self.chance.randint(0, len(everyone) // 3)):
            view = self.hosts[gone.host_id]
            self.hosts[gone.host_id] = view.without(gone.id)
        fleet = Fleet(self.hosts.values())
        for _ in range(self.chance.randint(0, self.spec.keep.count)):
            there = fleet.choose(self.shape, rules_for(self.rules, self.shape))
            if there is not None:
                fleet.book(container(f"c{next(self.numbers)}", there.host.id, self.shape))
        self.hosts = {view.host.id: view for view in fleet.views}

    def scale(self) -> tuple[Scaling, int, int]:
        """What was decided, how many hosts the shortage came to, and how many could be spared,
        both counted by other means."""
        self.now += self.spec.down_s + 1
        there = tuple(self.hosts.values())
        asked = Look(there, self.spec, self.rules, (NEW,), {}, self.history, self.now)
        free, per_host = sum(map(self._free, there)), self._free(HostView(NEW))
        lacking = max(-(-(self.spec.keep.count - free) // per_host), 0)
        found = decide(asked)
        self._apply(found)
        return found, lacking, sum(map(self._free, self.hosts.values()))

    def _free(self, view: HostView) -> int:
        """By arithmetic, where the rule is a maximum of containers, or the cores that are left."""
        for rule in self.rules:
            if rule.name == "max_containers":
                return max(0, int(rule.options["limit"]) - len(view.containers))
        return floor(view.free.cores / self.shape.resources.cores + 1e-9)

    def _apply(self, found: Scaling) -> None:
        self.history = found.history
        for _ in found.add:
            made = host(f"n{next(self.numbers):05}", created_at=self.now)
            self.hosts[made.id] = HostView(made)
        gone = {each.id for each in found.remove}
        moving = [c for name in gone for c in self.hosts.pop(name).containers]
        fleet = Fleet(self.hosts.values())
        for each in moving:
            there = fleet.choose(each.request, rules_for(self.rules, each.request))
            assert there is not None, "a host went whose containers have no place"
            fleet.book(replace(each, host_id=there.host.id))
        self.hosts = {view.host.id: view for view in fleet.views}


def trace(seed: int) -> Trace:
    chance = random.Random(seed)
    by_number = chance.random() < 0.5
    shape = ContainerRequest("nginx", Resources(chance.choice([0.5, 1, 1.5, 3]), 64))
    rules = (RuleSpec("max_containers", {"limit": chance.randint(1, 9)}),) if by_number else ()
    if by_number:
        shape = ContainerRequest("nginx")
    spec = Headroom(
        Keep(chance.randint(1, 12)), (shape,), maximum=1000, up_s=0.0, down_s=60.0,
        drain=chance.random() < 0.5,
    )  # fmt: skip
    return Trace(chance, rules, shape, spec)


def assert_no_overshoot(seed: int, steps: int = 8) -> int:
    """Exactly the hosts that are lacking are made, and none goes that is needed. Returns how many
    were made."""
    world, made = trace(seed), 0
    for _ in range(steps):
        world.demand()
        found, lacking, left = world.scale()
        assert len(found.add) == lacking, (seed, found.why)
        assert not (found.add and found.remove), (seed, found.why)
        assert left >= world.spec.keep.count, (seed, found.why)
        made += len(found.add)
        again, still_lacking, _ = world.scale()
        assert (again.add, still_lacking) == ((), 0), (seed, again.why)
    return made
