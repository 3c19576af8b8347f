from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from clocker.errors import ClockerError, EngineError, HostKeyChanged, TimedOut, Unreachable
from clocker.interfaces import Engine, Keys, Shell
from clocker.model import Host, SshAccess, TlsAccess
from clocker.remote.credentials import Credentials
from clocker.remote.endpoint import Endpoint
from clocker.remote.fabric_shell import FabricShell
from clocker.remote.first_contact import await_login
from clocker.remote.host_keys import KnownHosts
from clocker.remote.local_shell import LocalShell
from clocker.remote.openssh import ENGINE_SOCKET, OpenSshConnection
from clocker.remote.openssh_shell import OpenSshShell
from clocker.remote.sockets import short_folder

_TLS_REMEDY = (
    "see that the machine runs and that firewalls let this one through to that TCP port; "
    "clocker up sets right what the engine listens to"
)

OpenEngine = Callable[[str | TlsAccess, str], Engine]


class SshConnections:
    """See ``clocker.interfaces.Connections``. ``folder``: the cloud's, for its known_hosts;
    ``runtime_folder``: for sockets. ``open_engine``: the engine behind a unix socket or TLS, for a
    host's name. ``credentials``: for TLS. ``grace_s``: how long a machine that boots may refuse
    the login."""

    def __init__(
        self,
        keys: Keys,
        folder: Path,
        runtime_folder: Path,
        open_engine: OpenEngine,
        *,
        credentials: Credentials | None = None,
        grace_s: float = 60.0,
    ) -> None:
        self._keys = keys
        self._known_hosts = KnownHosts(folder / "known_hosts")
        self._sockets = short_folder(runtime_folder)
        self._open_engine = open_engine
        self._credentials = credentials
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}
        self._connections: dict[Endpoint, OpenSshConnection] = {}
        self._engines: dict[str, Engine] = {}

    def installer(self, host: Host) -> Shell:
        return LocalShell(host.name) if _is_local(host) else FabricShell(self._endpoint(host))

    def shell(self, host: Host) -> Shell:
        return LocalShell(host.name) if _is_local(host) else OpenSshShell(self._connection(host))

    def engine(self, host: Host) -> Engine:
        if _is_local(host):
            return self._local_engine(host.name)
        if self._credentials and host.engine_port is not None:
            return self._tls_engine(host, self._credentials, host.engine_port)
        connection = self._connection(host)
        connection.ensure()
        path = connection.engine_socket
        with self._opening_of(path):
            if path not in self._engines:
                self._engines[path] = self._opened(connection)
            return self._engines[path]

    def home_engine(self) -> Engine | None:
        path = _home_socket()
        if not Path(path).is_socket():
            return None
        try:
            return self._local_engine("this machine")
        except ClockerError:  # installed, but it does not run, or not for this user
            return None

    def await_ssh(self, access: SshAccess, *, timeout_s: float) -> SshAccess:
        if access.local:
            return access
        endpoint = Endpoint(
            name=access.address,
            alias=access.address,
            address=access.address,
            port=access.port,
            user=access.user,
            key_path=self._keys.private_path,
            host_keys=access.host_keys,
        )
        keys = await_login(endpoint, timeout_s=timeout_s, grace_s=self._grace_s)
        return replace(access, host_keys=keys)

    def forget(self, host: Host) -> None:
        if host.access is not None and not host.access.local:
            connection = self._connection(host, verify=False)
            with self._lock:
                self._connections.pop(connection.endpoint, None)
                places = (connection.engine_socket, _tls_place(host))
                engines = [self._engines.pop(place, None) for place in places]
            for engine in engines:
                if engine is not None:
                    engine.close()
            connection.stop()
        self._known_hosts.forget(host.id)

    def close(self) -> None:
        with self._lock:
            engines, self._engines = self._engines, {}
            self._connections.clear()
        for engine in engines.values():
            engine.close()

    def _endpoint(self, host: Host, *, verify: bool = True) -> Endpoint:
        endpoint = Endpoint.of(host, self._keys.private_path)
        keys = endpoint.host_keys or self._known_hosts.keys(host.id)
        if verify and not keys:
            raise HostKeyChanged(
                "its host key was never pinned",
                where=endpoint.where,
                remedy="have its making finished: clocker up",
            )
        return replace(endpoint, host_keys=keys)

    def _connection(self, host: Host, *, verify: bool = True) -> OpenSshConnection:
        endpoint = self._endpoint(host, verify=verify)
        with self._lock:
            if endpoint not in self._connections:
                self._connections[endpoint] = OpenSshConnection(
                    endpoint, self._known_hosts, self._sockets
                )
            return self._connections[endpoint]

    def _opened(self, connection: OpenSshConnection) -> Engine:
        name = connection.endpoint.name
        try:
            return self._open_engine(connection.engine_socket, name)
        except (Unreachable, EngineError):
            connection.replace()
        try:
            return self._open_engine(connection.engine_socket, name)
        except (Unreachable, EngineError) as error:
            raise Unreachable(
                f"SSH works, but no Docker Engine answers at {ENGINE_SOCKET}",
                where=connection.endpoint.where,
                remedy="start the engine there, or have it installed: clocker up",
            ) from error

    def _tls_engine(self, host: Host, credentials: Credentials, port: int) -> Engine:
        """The certificates are looked after each time: engines that are kept use them too."""
        endpoint, place = Endpoint.of(host, ""), _tls_place(host)
        where = f"{host.name} ({place})"
        access = credentials.access(endpoint.address, port, where)
        with self._opening_of(place):
            if place not in self._engines:
                try:
                    self._engines[place] = self._open_engine(access, where)
                except (Unreachable, TimedOut) as error:
                    error.remedy = _TLS_REMEDY
                    raise
            return self._engines[place]

    def _local_engine(self, name: str) -> Engine:
        path = _home_socket()
        with self._opening_of(path):
            if path not in self._engines:
                self._engines[path] = self._open_engine(path, name)
            return self._engines[path]

    def _opening_of(self, path: str) -> threading.Lock:
        with self._lock:
            return self._opening.setdefault(path, threading.Lock())


def _tls_place(host: Host) -> str:
    address = host.access.address if host.access else ""
    return f"[{address}]:{host.engine_port}" if ":" in address else f"{address}:{host.engine_port}"


def _is_local(host: Host) -> bool:
    return host.access is not None and host.access.local


def _home_socket() -> str:
    named = os.environ.get("DOCKER_HOST", "")
    return named.removeprefix("unix://") if named.startswith("unix://") else ENGINE_SOCKET
