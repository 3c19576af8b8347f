"""The wait for a new machine: until it answers SSH with a key that may be trusted, and lets
this controller in."""

from __future__ import annotations

import base64
import socket
import time

from clocker.errors import AuthenticationFailed, ClockerError, HostKeyChanged, TimedOut, Unreachable
from clocker.remote.endpoint import Endpoint
from clocker.remote.host_keys import key_of
from clocker.remote.paramiko_keys import prefer, quiet, translated

_ATTEMPT_S = 10.0
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)


def await_login(endpoint: Endpoint, *, timeout_s: float, grace_s: float) -> tuple[str, ...]:
    """The host keys: ``endpoint``'s, one of which was shown, or else the one that was shown.
    A machine may refuse our key, or show one that is not yet ours, while its first boot is
    under way: that is borne for ``grace_s`` after its first answer. TimedOut: it never spoke."""
    quiet()
    deadline = time.monotonic() + timeout_s
    patience: float | None = None
    attempt = 0
    while True:
        try:
            return _logged_in(endpoint, deadline)
        except (AuthenticationFailed, HostKeyChanged) as error:
            patience = patience or min(deadline, time.monotonic() + grace_s)
            last: ClockerError = error
        except Unreachable as error:
            last = error
        pause = _PAUSES[min(attempt, len(_PAUSES) - 1)]
        attempt += 1
        if time.monotonic() + pause >= (patience or deadline):
            raise _given_up(last, timeout_s)
        time.sleep(pause)


def _given_up(error: ClockerError, timeout_s: float) -> ClockerError:
    if not isinstance(error, Unreachable):
        return error
    return TimedOut(
        f"no SSH within {timeout_s:g} s: {error.what}", where=error.where, remedy=error.remedy
    )


def _logged_in(endpoint: Endpoint, deadline: float) -> tuple[str, ...]:
    from paramiko import PKey, Transport

    pinned = tuple(key_of(line) for line in endpoint.host_keys)
    limit = max(0.5, min(_ATTEMPT_S, deadline - time.monotonic()))
    with translated(endpoint):
        address = (endpoint.address, endpoint.port)
        transport = Transport(socket.create_connection(address, timeout=limit))
        try:
            transport.banner_timeout = transport.auth_timeout = limit
            prefer(transport, tuple(line.split(" ")[0] for line in pinned))
            transport.start_client(timeout=limit)
            if not transport.initial_kex_done:
                raise TimeoutError
            shown = _line(transport.get_remote_server_key().get_base64())
            if pinned and shown not in pinned:
                raise HostKeyChanged(
                    "it answers with another host key than the one that was made for it",
                    where=endpoint.where,
                    remedy="if no impostor is there, release the host and make it anew",
                )
            transport.auth_publickey(endpoint.user, PKey.from_path(endpoint.key_path))
        finally:
            transport.close()
    return pinned or (shown,)


def _line(encoded: str) -> str:
    """The type is named in the key itself (a signature's algorithm may be called otherwise)."""
    data = base64.b64decode(encoded)
    length = int.from_bytes(data[:4], "big")
    return f"{data[4 : 4 + length].decode()} {encoded}"
