"""The ways to an engine's API: a unix socket, or TCP with TLS in which both sides show who they
are."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from clocker.engine.tls_stream import TlsStream
from clocker.model import TlsAccess

if TYPE_CHECKING:
    from docker import APIClient

_ANSWER_S = 120
_POOL = 32

Stream = socket.socket | TlsStream


class Transport(Protocol):
    @property
    def where(self) -> str: ...

    def connect(self, timeout_s: float) -> Stream:
        """A connection of the caller's own; OSError (TimeoutError, ssl.SSLError)."""
        ...

    def client(self, version: str) -> APIClient:
        """The SDK's, for all else."""
        ...


def transport_to(place: str | TlsAccess) -> Transport:
    """``place``: the path of a unix socket, or where TLS is."""
    return UnixSocket(place) if isinstance(place, str) else Tls(place)


@dataclass(frozen=True, slots=True)
class UnixSocket:
    path: str

    @property
    def where(self) -> str:
        return self.path

    def connect(self, timeout_s: float) -> Stream:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout_s)
            sock.connect(self.path)
        except BaseException:
            sock.close()
            raise
        return sock

    def client(self, version: str) -> APIClient:
        from docker import APIClient

        client = APIClient(
            f"http+unix://{self.path}", version=version, timeout=_ANSWER_S, max_pool_size=_POOL
        )
        return _untouched(client)


@dataclass(frozen=True, slots=True)
class Tls:
    """The files are read for every connection: they may have been replaced since the last."""

    access: TlsAccess

    @property
    def where(self) -> str:
        return f"{self._address}:{self.access.port}"

    def connect(self, timeout_s: float) -> Stream:
        access = self.access
        context = ssl.create_default_context(cafile=access.authorities)
        context.load_cert_chain(access.certificate)
        sock = socket.create_connection((access.address, access.port), timeout_s)
        _keep_alive(sock)
        return TlsStream(sock, context, access.address)

    def client(self, version: str) -> APIClient:
        from docker import APIClient
        from docker.tls import TLSConfig
        from requests.adapters import HTTPAdapter

        access = self.access
        tls = TLSConfig(
            client_cert=(access.certificate, access.certificate),
            ca_cert=access.authorities,
            verify=True,
        )
        client = APIClient(f"https://{self.where}", version=version, timeout=_ANSWER_S, tls=tls)
        client.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=_POOL))
        return _untouched(client)

    @property
    def _address(self) -> str:
        address = self.access.address
        return f"[{address}]" if ":" in address else address


def _keep_alive(sock: socket.socket) -> None:
    """Where nothing is sent for long, a machine that has died would not be missed."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not every system has them all
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _untouched(client: APIClient) -> APIClient:
    """Otherwise the environment's proxies and certificate bundles would be applied."""
    client.trust_env = False
    return client
