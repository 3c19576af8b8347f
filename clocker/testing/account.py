"""An account at an infrastructure in memory that is unreliable in the ways that real ones are."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from threading import RLock

from clocker.model import Resources
from clocker.testing.machines import FakeMachine, FakeMachines
from clocker.testing.provider import host_key_of
from clocker.testing.watching import FakeClock

REFUSALS = ("error", "throttled")
CREATION = (
    *REFUSALS,
    "no capacity",
    "answer lost",
    "two machines",
    "two machines, answer lost",
    "no address",
    "silent",
)


@dataclass
class Instance:
    """A machine as its infrastructure knows it. ``listed_from``, ``listed_until``: lists lag behind
    both its creation and its destruction. ``addressed``: it will have an address."""

    machine: FakeMachine
    name: str
    tags: dict[str, str]
    made_at: float
    listed_from: float
    groups: tuple[str, ...] = ()
    addressed: bool = True
    listed_until: float | None = None

    @property
    def id(self) -> str:
        return self.machine.node.id

    @property
    def lives(self) -> bool:
        return self.listed_until is None


@dataclass
class Group:
    id: str
    name: str
    rules: list[dict[str, object]] = field(default_factory=list)


@dataclass
class Account:
    """What all drivers of one account see. One call in ``one_in`` fails, in a way that is drawn;
    none while it is 0. Every call takes ``call_s`` of the clock; a list lags by up to ``lag_s``.
    ``faults``: what has been played, by call and kind. Its instances are ``machines``, of which
    those that are silent answer to nothing."""

    machines: FakeMachines
    random: Random
    clock: FakeClock
    one_in: int = 5
    call_s: float = 0.5
    lag_s: float = 5.0
    instances: dict[str, Instance] = field(default_factory=dict)
    key_pairs: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    lock: RLock = field(default_factory=RLock, repr=False)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def fault(self, call: str, kinds: Sequence[str]) -> str:
        """What goes wrong with this call; nothing, mostly."""
        with self.lock:
            self.clock.advance(self.call_s)
            if not self.one_in or self.random.randrange(self.one_in):
                return ""
            kind = self.random.choice(kinds)
            self.faults[f"{call}: {kind}"] += 1
            return kind

    def make(
        self,
        name: str,
        tags: Mapping[str, str],
        shape: Resources,
        user_data: str | None,
        *,
        groups: Sequence[str] = (),
        addressed: bool = True,
        silent: bool = False,
    ) -> Instance:
        with self.lock:
            machine = self.machines.make(name, tags, shape, host_key_of(user_data))
            if silent:
                self.machines.kill(machine.node.id)
            now = self.clock()
            instance = Instance(
                machine, name, dict(tags), now, now + self._lag(), tuple(groups), addressed
            )
            self.instances[instance.id] = instance
            return instance

    def destroy(self, instance_id: str) -> bool:
        with self.lock:
            instance = self.instances.get(instance_id)
            if instance is None or not instance.lives:
                return False
            instance.listed_until = self.clock() + self._lag()
            self.machines.destroy(instance_id)
            return True

    def listed(self) -> list[Instance]:
        with self.lock:
            now = self.clock()
            return [
                instance
                for instance in self.instances.values()
                if instance.listed_from <= now
                and (instance.listed_until is None or now < instance.listed_until)
            ]

    def living(self) -> list[Instance]:
        """Listed or not: what is paid for."""
        return [instance for instance in self.instances.values() if instance.lives]

    def uses(self, group: str) -> bool:
        """Also by an instance that has not wholly gone."""
        now = self.clock()
        return any(
            group in instance.groups
            and (instance.listed_until is None or now < instance.listed_until)
            for instance in self.instances.values()
        )

    def number(self) -> int:
        return next(self._numbers)

    def _lag(self) -> float:
        return self.random.choice((0.0, self.random.uniform(0, self.lag_s)))
