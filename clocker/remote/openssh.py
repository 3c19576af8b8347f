"""One kept-alive OpenSSH connection per host, shared by every process of the user: commands
and the engine's socket go through it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clocker.errors import Unreachable
from clocker.remote import mux
from clocker.remote.endpoint import Endpoint
from clocker.remote.host_keys import KnownHosts
from clocker.remote.locking import locked
from clocker.remote.refusals import refusal
from clocker.remote.sockets import private_folder

ENGINE_SOCKET = "/var/run/docker.sock"

_CONNECT_S = 10
_IDLE_S = 600
_OPEN_TRIES = 5
_JUST_NOW_S = 1.0


class OpenSshConnection:
    """The master process of one host and its two sockets below ``folder``. Thread-safe."""

    def __init__(self, endpoint: Endpoint, known_hosts: KnownHosts, folder: Path) -> None:
        self.endpoint = endpoint
        self._known_hosts = known_hosts
        self._folder = folder
        self._silent: tuple[float, Unreachable] | None = None
        identity = (endpoint.alias, endpoint.address, endpoint.port, endpoint.user)
        text = repr((identity, endpoint.key_path, str(known_hosts.path.absolute())))
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._control, self._engine, self._lock, self._pid = (
            folder / f"{name}.{kind}" for kind in ("ctl", "sock", "lock", "pid")
        )

    @property
    def engine_socket(self) -> str:
        """The host's engine, once ``ensure`` has returned."""
        return str(self._engine)

    def ensure(self) -> None:
        """Have a living connection: found in under a millisecond, or opened once, however many
        processes want it. AuthenticationFailed, HostKeyChanged, Unreachable."""
        if self._is_alive():
            return
        asked = time.monotonic()
        with self._locked():
            if not self._is_alive():
                self._refuse_as_just_now(asked)
                self._bury()
                self._open()

    def replace(self) -> None:
        """Log in anew: the old connection may lack a group that the user was given since, or
        its sockets. Sessions that others have under way on it go on to their end."""
        with self._locked():
            mux.stop_listening(self._control)
            self._remove_sockets()
            self._open()

    def stop(self) -> None:
        """End the connection, for every process, and leave no file."""
        if not self._folder.exists():
            return
        with self._locked():
            mux.terminate(self._control)
            self._bury()
            self._lock.unlink(missing_ok=True)
        with suppress(OSError):  # others' sockets are in it
            self._folder.rmdir()

    def arguments(self, line: str) -> list[str]:
        """How to run a command line through the connection. Where sshd refuses one more
        session on it (MaxSessions), ssh itself makes a connection of its own."""
        return ["ssh", "-T", *self._options(), "-o", "ControlMaster=no", *self._target(), line]

    def _refuse_as_just_now(self, asked: float) -> None:
        """Nobody waits for a machine that does not answer twice: what another one found out
        meanwhile, or a moment ago, holds."""
        if self._silent and self._silent[0] > asked - _JUST_NOW_S:
            error = self._silent[1]
            raise Unreachable(error.what, where=error.where, remedy=error.remedy)

    def _is_alive(self) -> bool:
        return mux.alive(self._control) is not None and self._engine.exists()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        private_folder(self._folder)
        with locked(self._lock):
            try:
                yield
            except BaseException:
                # Of a connection that could not be made, as with a wrong key, no file stays.
                self._lock.unlink(missing_ok=True)
                raise

    def _open(self) -> None:
        self._pin()
        for attempt in range(1, _OPEN_TRIES + 1):
            said = self._start_master()
            if said is None:
                return
            error = refusal(said, self.endpoint)
            # sshd drops connections at random while many are logging in (MaxStartups).
            if attempt == _OPEN_TRIES or "closed the connection" not in error.what:
                if isinstance(error, Unreachable):
                    self._silent = (time.monotonic(), error)
                raise error
            time.sleep(0.2 * attempt)

    def _pin(self) -> None:
        if self.endpoint.host_keys:
            self._known_hosts.pin(self.endpoint.alias, self.endpoint.host_keys)

    def _start_master(self) -> str | None:
        """What ssh complained of, or None once the master has gone to the background."""
        forward = f"{self._engine}:{ENGINE_SOCKET}"
        command = ["ssh", "-nNTf", *self._options(), "-o", "ControlMaster=yes"]
        command += ["-o", f"ControlPersist={_IDLE_S}", "-L", forward, *self._target()]
        # A file, not a pipe: the master would keep a pipe open for as long as it lives.
        with tempfile.TemporaryFile() as complaints:
            try:
                done = subprocess.run(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=complaints,
                    cwd="/",
                    check=False,
                    start_new_session=True,  # Ctrl-C must not reach it
                    timeout=3 * _CONNECT_S,
                )
            except subprocess.TimeoutExpired:
                return "Connection timed out"
            except FileNotFoundError as error:
                raise Unreachable(
                    "there is no ssh on this machine", remedy="install openssh-client"
                ) from error
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")
        if done.returncode:
            return said
        pid = mux.alive(self._control)
        if pid is None:
            return said or "the connection closed at once: Connection closed"
        self._pid.write_text(str(pid))
        return None

    def _bury(self) -> None:
        """A master that hangs still holds its connection: end it, if it really is ours."""
        with suppress(OSError, ValueError):
            pid = int(self._pid.read_text())
            if str(self._control).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        for path in (self._control, self._engine, self._pid):
            path.unlink(missing_ok=True)

    def _options(self) -> list[str]:
        settings = {
            "ControlPath": _quoted(self._control),
            "BatchMode": "yes",
            "LogLevel": "ERROR",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": _quoted(self._known_hosts.path.absolute()),
            "GlobalKnownHostsFile": "none",
            "UpdateHostKeys": "no",
            "CheckHostIP": "no",
            "HostKeyAlias": self.endpoint.alias,
            "IdentityFile": _quoted(self.endpoint.key_path),
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "PreferredAuthentications": "publickey",
            "ConnectTimeout": str(_CONNECT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "TCPKeepAlive": "yes",
            "ExitOnForwardFailure": "yes",
            "StreamLocalBindUnlink": "yes",
            "ForwardAgent": "no",
            "ForwardX11": "no",
        }
        pairs = [("-o", f"{key}={value}") for key, value in settings.items()]
        # The user's own ssh configuration must not interfere.
        return ["-F", "none", *(word for pair in pairs for word in pair)]

    def _target(self) -> list[str]:
        endpoint = self.endpoint
        return ["-l", endpoint.user, "-p", str(endpoint.port), "--", endpoint.address]


def _quoted(path: Path | str) -> str:
    """A path as a value of ssh_config, where blanks separate and % introduces a token."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
