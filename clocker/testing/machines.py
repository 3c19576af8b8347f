"""A whole infrastructure in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from threading import RLock

from clocker.errors import NotFound, Unreachable
from clocker.model import Host, ImageInfo, Node, Resources, SshAccess
from clocker.testing.engine import FakeEngine
from clocker.testing.files import FileTree
from clocker.testing.host_scripts import ScriptedHost
from clocker.testing.keys import FakeKeys


class FakeMachine:
    """One machine, dead or alive. What its scripts do, and whether its engine runs, is the
    ``system``'s; its files last."""

    def __init__(self, node: Node, shape: Resources, host_key: str) -> None:
        self.node = node
        self.host_key = host_key
        self.alive = True
        self.system = ScriptedHost(FileTree(), shape)
        self.engine = FakeEngine(node.name, resources=shape, gate=self._check_engine)

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def files(self) -> FileTree:
        return self.system.files

    def check(self) -> None:
        if not self.alive:
            raise Unreachable("no answer", where=f"host {self.name}", remedy="clocker heal")

    def _check_engine(self) -> None:
        self.check()
        if not self.system.engine_running:
            raise Unreachable("its Docker Engine does not answer", where=f"host {self.name}")


class FakeMachines:
    """The infrastructure itself, shared by any number of clouds. Every machine that is made has
    the images of ``images`` on its engine."""

    def __init__(self, *, images: Mapping[str, ImageInfo | None] | None = None) -> None:
        self.images = dict(images if images is not None else {"debian:12": None})
        self.home: FakeEngine | None = None
        self.shared: set[str] = set()
        self._machines: dict[str, FakeMachine] = {}
        self._numbers = itertools.count(1)
        self._lock = RLock()

    def all(self) -> tuple[FakeMachine, ...]:
        with self._lock:
            return tuple(self._machines.values())

    def machine(self, which: str | Host) -> FakeMachine:
        """By name, node id or host; NotFound."""
        wanted = which if isinstance(which, str) else which.node_id
        for machine in self.all():
            if wanted in (machine.name, machine.node.id):
                return machine
        raise NotFound(f"no such machine: {wanted}")

    def at(self, access: SshAccess | None) -> FakeMachine:
        """The living machine behind an address; Unreachable."""
        for machine in self.all():
            if access and machine.node.access and machine.node.access.address == access.address:
                machine.check()
                return machine
        raise Unreachable("no route to it", where=access.address if access else "no address")

    def kill(self, which: str | Host) -> None:
        """Pull the plug."""
        machine = self.machine(which)
        machine.alive = False
        machine.engine.power_off()

    def revive(self, which: str | Host) -> None:
        machine = self.machine(which)
        machine.alive = True
        machine.engine.power_on()

    def stop_engine(self, which: str | Host) -> None:
        machine = self.machine(which)
        machine.system.engine_running = False
        machine.engine.power_off()

    def start_engine(self, which: str | Host) -> None:
        machine = self.machine(which)
        machine.system.engine_running = True
        machine.engine.power_on()

    def make(
        self, name: str, tags: Mapping[str, str], shape: Resources, host_key: str | None = None
    ) -> FakeMachine:
        with self._lock:
            number = next(self._numbers)
            address = f"198.18.{number // 250}.{number % 250 + 1}"
            key = host_key or FakeKeys("machines").derive("host", str(number)).public
            node = Node(
                id=f"node-{number}",
                name=name,
                tags=dict(tags),
                access=SshAccess(address),
                private_address=address,
                region="nowhere",
                zone=f"nowhere-{'abc'[number % 3]}",
            )
            machine = FakeMachine(node, shape, key)
            for reference, info in self.images.items():
                machine.engine.add_image(reference, info)
            self._machines[node.id] = machine
            return machine

    def destroy(self, node_id: str) -> None:
        with self._lock:
            machine = self._machines.pop(node_id, None)
        if machine:
            machine.alive = False
            machine.engine.power_off()
