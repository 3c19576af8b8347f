from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from clocker.errors import TimedOut, Unreachable
from clocker.model import Result
from clocker.remote.command import RemoteCommand, kill_line
from clocker.remote.endpoint import Endpoint
from clocker.remote.files import get_file, put_file
from clocker.remote.output import Expired, Output
from clocker.remote.paramiko_keys import quiet, translated, trust
from clocker.remote.refusals import no_root

if TYPE_CHECKING:
    from fabric import Connection
    from paramiko import Channel

_CONNECT_S = 10
_CHUNK = 65536


class FabricShell:
    """See ``clocker.interfaces.Shell``; a connection of its own, opened at the first command,
    that neither the user's ssh configuration, keys nor agent have a part in."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: Connection | None = None
        self._lock = threading.Lock()

    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        remote = RemoteCommand.wrap(command, user=self._endpoint.user)
        output = Output(on_line)
        with translated(self._endpoint):
            channel = self._session()
            try:
                status = _attend(channel, remote.line, output, stdin, timeout_s)
            except BaseException as error:
                self._kill(remote, output)
                if isinstance(error, Expired):
                    raise TimedOut(
                        f"the command took more than {timeout_s:g} s", where=self._endpoint.where
                    ) from None
                raise
            finally:
                channel.close()
        return self._result(remote, status, *output.both())

    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        put_file(self, data, path, mode, self._endpoint.where)

    def get(self, path: str) -> bytes:
        return get_file(self, path, self._endpoint.where)

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _session(self) -> Channel:
        with self._lock:
            if self._connection is None or not self._connection.is_connected:
                self._connection = _opened(self._endpoint)
            transport = self._connection.transport
        channel: Channel = transport.open_session(timeout=_CONNECT_S)
        return channel

    def _kill(self, remote: RemoteCommand, output: Output) -> None:
        group = remote.group(bytes(output.stderr))
        if group is None:
            return
        with suppress(Exception):  # the connection may be what has failed
            channel = self._session()
            line = kill_line(group, user=self._endpoint.user)
            with suppress(Expired):
                _attend(channel, line, Output(), None, 10)
            channel.close()

    def _result(self, remote: RemoteCommand, status: int, stdout: bytes, stderr: bytes) -> Result:
        if status == -1:
            raise Unreachable("the connection was lost while a command ran", **self._advice())
        if not remote.began(stderr):
            raise no_root(stderr.decode(errors="replace"), self._endpoint)
        result = remote.result(status, stdout, stderr)
        if result is None:
            raise Unreachable("the command was cut short", **self._advice())
        return result

    def _advice(self) -> dict[str, str]:
        remedy = "check that the machine runs, then give the same command again"
        return {"where": self._endpoint.where, "remedy": remedy}


def _opened(endpoint: Endpoint) -> Connection:
    from fabric import Config, Connection
    from paramiko import SSHConfig

    quiet()
    connection = Connection(
        endpoint.address,
        user=endpoint.user,
        port=endpoint.port,
        config=Config(ssh_config=SSHConfig(), lazy=True),
        connect_timeout=_CONNECT_S,
        connect_kwargs={
            "key_filename": endpoint.key_path,
            "allow_agent": False,
            "look_for_keys": False,
            "banner_timeout": 2 * _CONNECT_S,
            "auth_timeout": 2 * _CONNECT_S,
        },
    )
    trust(connection.client, endpoint)
    connection.open()
    connection.transport.set_keepalive(5)
    return connection


def _attend(
    channel: Channel, line: str, output: Output, stdin: bytes | None, timeout_s: float | None
) -> int:
    """Run to the end; -1 when the connection broke. Expired at the deadline."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    channel.exec_command(line)
    threads = [
        threading.Thread(target=_feed, args=(channel, stdin), daemon=True),
        threading.Thread(target=_read_stderr, args=(channel, output), daemon=True),
    ]
    for thread in threads:
        thread.start()
    while data := _received(channel, deadline):
        output.add(data)
    output.end()
    if not channel.status_event.wait(_left(deadline)):
        raise Expired
    threads[1].join(_left(deadline))
    return channel.recv_exit_status()


def _received(channel: Channel, deadline: float | None) -> bytes:
    while True:
        left = _left(deadline)
        if left == 0:
            raise Expired
        channel.settimeout(min(1.0, left) if left is not None else 1.0)
        try:
            return channel.recv(_CHUNK)
        except TimeoutError:
            # The command may have ended and left a child behind that holds its output.
            if channel.exit_status_ready() and not channel.recv_ready():
                return b""


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _feed(channel: Channel, stdin: bytes | None) -> None:
    with suppress(OSError, EOFError):  # the command need not read to the end
        data, sent = stdin or b"", 0
        while sent < len(data):
            try:
                sent += channel.send(data[sent : sent + _CHUNK])
            except TimeoutError:
                if channel.closed or channel.exit_status_ready():
                    return
        channel.shutdown_write()


def _read_stderr(channel: Channel, output: Output) -> None:
    while True:
        try:
            data = channel.recv_stderr(_CHUNK)
        except TimeoutError:
            if channel.closed or channel.exit_status_ready():
                return
            continue
        if not data:
            return
        output.stderr += data
