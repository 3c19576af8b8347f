"""A shell on a machine in memory."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence

from clocker.model import Result
from clocker.testing.commands import Endless, Execution, run
from clocker.testing.keys import public_of
from clocker.testing.machines import FakeMachine
from clocker.testing.shell import RecordingShell

_HOST_KEY = "/etc/ssh/clocker/host_key"


class HostShell(RecordingShell):
    """Knows Clocker's scripts, ssh-keyscan of containers, and the few commands that fake
    containers know."""

    def __init__(self, machine: FakeMachine, machines: Callable[[], Sequence[FakeMachine]]) -> None:
        super().__init__(files=machine.files)
        self._machine = machine
        self._machines = machines

    @property
    def host(self) -> str:
        return self._machine.name

    def check(self) -> None:
        self._machine.check()

    def answer(self, command: str, stdin: bytes) -> Result:
        for pattern in self.answers:
            if re.search(pattern, command):
                return super().answer(command, stdin)
        if command.startswith("fake "):
            return Result(0)
        if command == "sh -s":
            return self._machine.system.run(stdin.decode())
        if command.startswith("ssh-keyscan "):
            return self._scan(shlex.split(command)[-1])
        try:
            return run(Execution(("sh", "-c", command), self.host, self.files, stdin))
        except Endless:
            return Result(0)

    def _scan(self, address: str) -> Result:
        """The host key of the container at ``address``, on whichever machine it runs."""
        for machine in self._machines():
            for container in machine.engine.containers():
                attachment = container.spec.attachment
                here = container.running and attachment and attachment.address == address
                if here and container.files.exists(_HOST_KEY):
                    public = public_of(container.files.read(_HOST_KEY).decode())
                    return Result(0, f"{address} {public}\n".encode())
        return Result(1)
