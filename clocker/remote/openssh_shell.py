from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress

from clocker.errors import InfrastructureError, TimedOut, Unreachable
from clocker.model import Result
from clocker.remote.command import RemoteCommand, kill_line
from clocker.remote.files import get_file, put_file
from clocker.remote.openssh import OpenSshConnection
from clocker.remote.output import Expired, Output, attend
from clocker.remote.refusals import no_root, refusal

_TRIES = 5


class OpenSshShell:
    """See ``clocker.interfaces.Shell``; over the kept-alive, multiplexed connection."""

    def __init__(self, connection: OpenSshConnection) -> None:
        self._connection = connection
        self._endpoint = connection.endpoint

    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        for attempt in range(1, _TRIES + 1):
            self._connection.ensure()
            remote = RemoteCommand.wrap(command, user=self._endpoint.user)
            output = Output(on_line)
            status = self._attend(remote, output, stdin, timeout_s)
            stderr = bytes(output.stderr)
            if remote.began(stderr):
                return self._result(remote.result(status, bytes(output.stdout), stderr))
            error = self._why_not(status, stderr.decode(errors="replace"))
            # Nothing was heard of the command: the master may just have gone, or sshd was too
            # busy for one more login. What runs through a Shell is safe to repeat.
            if attempt == _TRIES or type(error) is not Unreachable:
                raise error
            time.sleep(0.1 * attempt)
        raise AssertionError("the last try raises")

    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        put_file(self, data, path, mode, self._endpoint.where)

    def get(self, path: str) -> bytes:
        return get_file(self, path, self._endpoint.where)

    def close(self) -> None:
        """Nothing to let go of: the connection is everybody's."""

    def _attend(
        self, remote: RemoteCommand, output: Output, stdin: bytes | None, timeout_s: float | None
    ) -> int:
        with subprocess.Popen(
            self._connection.arguments(remote.line),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        ) as process:
            try:
                return attend(process, output, stdin, timeout_s)
            except BaseException as error:
                process.kill()
                self._kill(remote, output)
                if isinstance(error, Expired):
                    raise TimedOut(
                        f"the command took more than {timeout_s:g} s", where=self._endpoint.where
                    ) from None
                raise

    def _kill(self, remote: RemoteCommand, output: Output) -> None:
        group = remote.group(bytes(output.stderr))
        if group is None:
            return
        line = kill_line(group, user=self._endpoint.user)
        with suppress(subprocess.SubprocessError, OSError):
            subprocess.run(
                self._connection.arguments(line),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=10,
            )

    def _result(self, result: Result | None) -> Result:
        if result is None:
            raise Unreachable(
                "the connection was lost while a command ran",
                where=self._endpoint.where,
                remedy="check that the machine runs, then give the same command again",
            )
        return result

    def _why_not(self, status: int, said: str) -> InfrastructureError:
        return refusal(said, self._endpoint) if status == 255 else no_root(said, self._endpoint)
