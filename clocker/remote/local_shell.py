from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress

from clocker.errors import TimedOut
from clocker.model import Result
from clocker.remote.files import get_file, put_file
from clocker.remote.output import Expired, Output, attend


class LocalShell:
    """See ``clocker.interfaces.Shell``; commands on this very machine."""

    def __init__(self, name: str = "localhost") -> None:
        self._name = name
        self._sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]

    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        output = Output(on_line)
        with subprocess.Popen(
            [*self._sudo, "sh", "-c", command],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            start_new_session=True,
        ) as process:
            try:
                status = attend(process, output, stdin, timeout_s)
            except BaseException as error:
                self._kill(process)
                if isinstance(error, Expired):
                    raise TimedOut(
                        f"the command took more than {timeout_s:g} s", where=self._name
                    ) from None
                raise
        # As a shell reports the end by a signal, and so do the other machines.
        return Result(status if status >= 0 else 128 - status, *output.both())

    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        put_file(self, data, path, mode, self._name)

    def get(self, path: str) -> bytes:
        return get_file(self, path, self._name)

    def close(self) -> None:
        """Nothing is held."""

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """The whole session's group: what the command started goes with it."""
        if self._sudo:
            kill = [*self._sudo, "kill", "-KILL", "--", f"-{process.pid}"]
            subprocess.run(kill, check=False, capture_output=True)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
