"""Running a command in a container, to its end or to a deadline."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from clocker.engine.hijack import Expired, Outputs, attend
from clocker.engine.transport import Transport
from clocker.errors import EngineError, TimedOut
from clocker.model import Result

if TYPE_CHECKING:
    from docker import APIClient

_CANNOT_RUN = (126, 127)


@dataclass(frozen=True, slots=True)
class Execution:
    client: APIClient
    transport: Transport
    container: str
    env: Mapping[str, str]
    user: str | None
    workdir: str | None
    on_line: Callable[[str], None] | None = None

    def run(self, command: Sequence[str], stdin: bytes | None, timeout_s: float | None) -> Result:
        if timeout_s is None:
            return self._finished(self._create(command, stdin), Outputs(self.on_line), stdin, None)
        return self._bounded(command, stdin, timeout_s)

    def _bounded(self, command: Sequence[str], stdin: bytes | None, timeout_s: float) -> Result:
        """Under a shell that first tells its process id, by which the command, that takes the
        shell's place, can be killed. Without a shell in the image, without that."""
        deadline = time.monotonic() + timeout_s
        mark = f"clocker-{token_hex(8)}"
        outputs = Outputs(self._own_lines(mark))
        script = f'echo {mark} $$ >&2; exec "$@"'
        try:
            created = self._create(["sh", "-c", script, "sh", *command], stdin)
            result = self._finished(created, outputs, stdin, deadline)
        except Expired:
            self._kill(mark, outputs)
            raise TimedOut(f"the command took more than {timeout_s:g} s") from None
        if not _began(mark, outputs) and result.status in _CANNOT_RUN:
            return self._unkillable(command, stdin, timeout_s, deadline)
        own = re.sub(rb"%b \d+\n" % mark.encode(), b"", result.stderr, count=1)
        return Result(result.status, result.stdout, own)

    def _unkillable(
        self, command: Sequence[str], stdin: bytes | None, timeout_s: float, deadline: float
    ) -> Result:
        try:
            outputs = Outputs(self.on_line)
            return self._finished(self._create(command, stdin), outputs, stdin, deadline)
        except Expired:
            raise TimedOut(
                f"the command took more than {timeout_s:g} s; it may still run, "
                "since the image has no shell to end it with",
                remedy="restart the container",
            ) from None

    def _own_lines(self, mark: str) -> Callable[[str], None] | None:
        """Of the command: without the line that tells its process id."""
        told = self.on_line
        if told is None:
            return None
        return lambda line: None if line.startswith(f"{mark} ") else told(line)

    def _create(self, command: Sequence[str], stdin: bytes | None) -> str:
        created = self.client.exec_create(
            self.container,
            list(command),
            stdin=stdin is not None,
            environment=dict(self.env),
            user=self.user or "",
            workdir=self.workdir,
        )
        return str(created["Id"])

    def _finished(
        self, created: str, outputs: Outputs, stdin: bytes | None, deadline: float | None
    ) -> Result:
        url = f"/v{self.client.api_version}/exec/{created}/start"
        attend(self.transport, url, outputs, stdin, deadline)
        return Result(self._status(created), bytes(outputs.stdout), bytes(outputs.stderr))

    def _status(self, created: str) -> int:
        """Known a moment after the output's end."""
        for attempt in range(100):
            state: dict[str, Any] = self.client.exec_inspect(created)
            if not state["Running"] and state["ExitCode"] is not None:
                return int(state["ExitCode"])
            time.sleep(0.01 * min(attempt + 1, 10))
        raise EngineError("the command closed its output, but does not end")

    def _kill(self, mark: str, outputs: Outputs) -> None:
        """The engine makes each exec the leader of a process group of its own."""
        pid = _began(mark, outputs)
        if pid is None:
            return
        killer = Execution(self.client, self.transport, self.container, {}, self.user, None)
        line = f"kill -9 -{pid} 2>/dev/null || kill -9 {pid}"
        with suppress(Expired):
            created = killer._create(["sh", "-c", line], None)
            attend(
                self.transport,
                f"/v{self.client.api_version}/exec/{created}/start",
                Outputs(),
                None,
                time.monotonic() + 10,
            )


def _began(mark: str, outputs: Outputs) -> int | None:
    found = re.search(rb"%b (\d+)\n" % mark.encode(), bytes(outputs.stderr))
    return int(found[1]) if found else None
