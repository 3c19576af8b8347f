"""How machines in memory are reached."""

from __future__ import annotations

from dataclasses import replace
from threading import RLock

from clocker.errors import HostKeyChanged
from clocker.model import Host, SshAccess
from clocker.testing.engine import FakeEngine
from clocker.testing.faults import Scripted, scripted
from clocker.testing.host_shell import HostShell
from clocker.testing.machines import FakeMachine, FakeMachines


class FakeConnections(Scripted):
    """See ``clocker.interfaces.Connections``."""

    def __init__(self, machines: FakeMachines) -> None:
        super().__init__()
        self.machines = machines
        self.forgotten: list[str] = []
        self._shells: dict[tuple[str, str], HostShell] = {}
        self._lock = RLock()

    @scripted
    def installer(self, host: Host) -> HostShell:
        return self._shell("installer", host)

    @scripted
    def shell(self, host: Host) -> HostShell:
        return self._shell("shell", host)

    @scripted
    def engine(self, host: Host) -> FakeEngine:
        return self._machine(host).engine

    @scripted
    def home_engine(self) -> FakeEngine | None:
        return self.machines.home

    @scripted
    def await_ssh(self, access: SshAccess, *, timeout_s: float) -> SshAccess:
        machine = self.machines.at(access)
        self._verify(machine, access)
        return replace(access, host_keys=(machine.host_key,))

    @scripted
    def forget(self, host: Host) -> None:
        with self._lock:
            self.forgotten.append(host.name)

    def close(self) -> None:
        """Nothing to let go of."""

    def _shell(self, kind: str, host: Host) -> HostShell:
        machine = self._machine(host)
        with self._lock:
            key = (kind, machine.node.id)
            if key not in self._shells:
                self._shells[key] = HostShell(machine, self.machines.all)
            return self._shells[key]

    def _machine(self, host: Host) -> FakeMachine:
        machine = self.machines.at(host.access)
        if host.access:
            self._verify(machine, host.access)
        return machine

    def _verify(self, machine: FakeMachine, access: SshAccess) -> None:
        if access.host_keys and machine.host_key not in access.host_keys:
            raise HostKeyChanged("it answers with another key", where=f"host {machine.name}")
