"""A world of three hosts in memory, in which containers move and processes die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from agreement import assert_agree
from crash import Fuse, fused

from clocker.cloud import Cloud
from clocker.interfaces import Parts
from clocker.model import Container, ContainerRequest, Resources, Volume
from clocker.testing import FakeEngine, FakeMachines, FakeNames, FakeNetwork, fake_parts, fake_spec
from clocker.testing.container import FakeContainer

WEB = ContainerRequest("debian:12", name="web", resources=Resources(1, 512))
DATA = replace(WEB, volumes=(Volume("data", "/var/data"),))


class Death(BaseException):
    """Not an Exception: nothing may catch it."""


@dataclass
class World:
    """What outlives a process: three hosts at most, and what is on them."""

    folder: Path
    machines: FakeMachines = field(default_factory=FakeMachines)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    names: FakeNames = field(default_factory=FakeNames)
    spec_changes: dict[str, object] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    first: Parts | None = None

    def process(self) -> Parts:
        self.folder.mkdir(parents=True, exist_ok=True)
        shared = {"store": self.first.store, "clock": self.first.clock} if self.first else {}
        parts = fake_parts(
            replace(fake_spec(count=3, maximum=3), **self.spec_changes),
            machines=self.machines,
            network=self.network,
            names=self.names,
            folder=self.folder,
            owner_is_dead=self.dead.__contains__,
            **shared,
        )
        self.first = self.first or parts
        return parts

    def cloud(self) -> Cloud:
        return Cloud(self.process())

    def killed(self, verb: Callable[[Cloud], object], number: int) -> Fuse:
        def die() -> None:
            raise Death

        parts, fuse = self.process(), Fuse(number, die)
        try:
            verb(Cloud(fused(parts, fuse)))
        except Death:
            self.dead.add(parts.owner)
        return fuse

    def record(self, name: str = "web") -> Container:
        return self.cloud().machine(name).record

    def place(self, name: str = "web") -> str:
        return self.cloud().machine(name).host.name

    def engine(self, host: str) -> FakeEngine:
        return self.machines.machine(host).engine

    def found(self, name: str = "web") -> dict[str, FakeContainer]:
        """Every container of that name, running or not, by its host."""
        return {
            machine.name: container
            for machine in self.machines.all()
            for container in machine.engine.containers()
            if container.spec.name == f"test.{name}"
        }

    def others(self, name: str = "web") -> list[str]:
        return sorted({m.name for m in self.machines.all()} - {self.place(name)})

    def assert_agrees(self) -> None:
        assert_agree(self.process(), lambda _parts, host: self.names.zones[host.name])
        assert [c.name for c in self.cloud().list() if c.move] == []
