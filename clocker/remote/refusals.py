"""What SSH's complaints mean, as errors of ours with the remedy: one table for OpenSSH's words
and for paramiko's, which repeat the operating system's."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clocker.errors import AuthenticationFailed, HostKeyChanged, InfrastructureError, Unreachable
from clocker.remote.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class _Meaning:
    pattern: str
    error: type[InfrastructureError]
    what: str
    remedy: str


_IDENTITY = "if the machine was replaced on purpose, release the host and let Clocker make it anew"
_RUNNING = "check that the machine runs and that its firewall lets this one in"

_TABLE = (
    _Meaning(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for server .* does not match",
        HostKeyChanged,
        "it answers with another host key than the pinned one: another machine, or an impostor",
        _IDENTITY,
    ),
    _Meaning(
        r"No \S+ host key is known|not found in known_hosts|Host key verification failed",
        HostKeyChanged,
        "it answers with a host key that was never pinned",
        _IDENTITY,
    ),
    _Meaning(
        r"UNPROTECTED PRIVATE KEY|bad permissions|Load key .*: |private key file is encrypted",
        AuthenticationFailed,
        "the cloud's private key cannot be used",
        "make the key file yours, unencrypted, and chmod 600 it",
    ),
    _Meaning(
        r"Permission denied|Too many authentication failures|Authentication failed"
        r"|Bad authentication type|no longer supported|Authentication timeout",
        AuthenticationFailed,
        "it refuses the key of user {user!r}",
        "authorise the cloud's public key for that user on the machine",
    ),
    _Meaning(
        r"Could not resolve hostname|Name or service not known|Temporary failure in name res"
        r"|No address associated",
        Unreachable,
        "no such host name: {address}",
        "correct the address, or this machine's DNS",
    ),
    _Meaning(
        r"Connection refused|Unable to connect to port",
        Unreachable,
        "the connection is refused: no sshd listens there",
        "start sshd on the machine, or correct the port",
    ),
    _Meaning(
        r"timed out|timeout|Timeout, server .* not responding",
        Unreachable,
        "it does not answer in time",
        _RUNNING,
    ),
    _Meaning(
        r"No route to host|Network is unreachable|Host is down",
        Unreachable,
        "there is no route to it",
        _RUNNING,
    ),
    _Meaning(
        r"[Cc]onnection (closed|reset)|Broken pipe|reading SSH protocol banner|kex_exchange"
        r"|session request failed|SSH session not active|EOFError",
        Unreachable,
        "it closed the connection",
        "try again; if it stays so, look at sshd's log on the machine",
    ),
)

_LIBRARY_LINE = re.compile(r"^\s*$|^debug\d:|^@+$")


def refusal(said: str, endpoint: Endpoint) -> InfrastructureError:
    """``said``: all of stderr, or an exception's text."""
    for meaning in _TABLE:
        if re.search(meaning.pattern, said):
            return meaning.error(
                meaning.what.format(user=endpoint.user, address=endpoint.address),
                where=endpoint.where,
                remedy=meaning.remedy,
            )
    lines = [line.strip() for line in said.splitlines() if not _LIBRARY_LINE.match(line)]
    reason = lines[-1] if lines else "ssh ended without a word"
    return Unreachable(f"SSH failed: {reason}", where=endpoint.where, remedy=_RUNNING)


def no_root(said: str, endpoint: Endpoint) -> InfrastructureError:
    """The login worked, but no command began: no sudo, no shell, or another user is wanted."""
    reason = (said.strip().splitlines() or ["no reason given"])[-1]
    return AuthenticationFailed(
        f"user {endpoint.user!r} may not run commands as root: {reason}",
        where=endpoint.where,
        remedy="log in as root, or as a user whom sudo lets in without a password",
    )
