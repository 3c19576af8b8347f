"""What the Docker SDK's exceptions, and the engine's complaints in them, mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from clocker.errors import (
    AuthenticationFailed,
    ClockerError,
    EngineError,
    HostKeyChanged,
    ImageNotFound,
    NotFound,
    TimedOut,
    Unreachable,
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """``what`` may name groups of ``pattern``; None keeps the engine's words."""

    pattern: str
    error: type[ClockerError]
    what: str | None = None
    remedy: str | None = None


_TABLE = (
    Meaning(r"No such container: (?P<name>\S+)", NotFound, "no such container: {name}"),
    Meaning(r"No such exec instance", NotFound),
    Meaning(r"Could not find the file (?P<path>.+) in container", NotFound, "no such file: {path}"),
    Meaning(
        r"(?i)no such image:? ?(?P<name>\S*)",
        ImageNotFound,
        "no such image: {name}",
        "have it pulled or built first",
    ),
    Meaning(
        r'container name "/?(?P<name>[^"]+)" is already in use',
        EngineError,
        "the container name {name!r} is taken",
        "choose another name, or remove the container that has it",
    ),
    Meaning(
        r"Bind for \S*?:(?P<port>\d+) failed: port is already allocated"
        r"|listen \w+ \S*?:(?P<other>\d+): bind: address already in use",
        EngineError,
        "the host port {port} is taken",
        "choose another port, or end what listens there",
    ),
    Meaning(
        r"(?i)address already in use",
        EngineError,
        "the address is taken by another container of the host",
    ),
    Meaning(
        r"network (?P<name>\S+) not found",
        EngineError,
        "the host has no network {name}",
        "have the host made ready again: clocker up",
    ),
    Meaning(
        r"no space left on device",
        EngineError,
        "the disk of the host is full",
        "remove images and volumes that nobody needs, or give the host a larger disk",
    ),
)


_RENEW = "have the host's certificate renewed: clocker up"
_NOT_OURS = "if the host is the right one, have it certified again: clocker up"

_TLS_TABLE = (
    Meaning(
        r"alert certificate expired",
        AuthenticationFailed,
        "the engine says that the certificate of this machine has expired",
        "set the clocks of both machines right, then give the same command again",
    ),
    Meaning(
        r"alert (bad|unsupported) certificate|alert certificate|alert unknown ca"
        r"|alert (handshake failure|decrypt error|access denied)",
        AuthenticationFailed,
        "the engine does not accept the certificate of this machine",
        "have the host told whom to accept: clocker up; or all of them: clocker rotate-certs",
    ),
    Meaning(
        r"certificate has expired",
        EngineError,
        "the certificate of the engine has expired",
        _RENEW,
    ),
    Meaning(
        r"certificate is not yet valid",
        EngineError,
        "the certificate of the engine is not valid yet",
        "set the clocks of both machines right",
    ),
    Meaning(
        r"(IP address|Hostname) mismatch|doesn't match",
        HostKeyChanged,
        "the certificate of the engine is for another address than this one",
        _NOT_OURS,
    ),
    Meaning(
        r"CERTIFICATE_VERIFY_FAILED",
        HostKeyChanged,
        "the certificate of the engine is not from this cloud's authority: another machine, or an "
        "impostor",
        _NOT_OURS,
    ),
    Meaning(
        r"\[SSL: |SSLError|EOF occurred in violation of protocol",
        Unreachable,
        "what listens there does not speak TLS as an engine does",
        "see what listens on that port of the host; clocker up sets it right",
    ),
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """No exception of the SDK's, or of what is below it, leaves this."""
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ClockerError:
        raise
    except APIError as error:
        raise complaint(str(error.explanation or error), where) from error
    except (RequestException, HTTPError, OSError) as error:
        raise _connection_failed(error, where) from error
    except DockerException as error:
        raise EngineError(str(error), where=where) from error


def translated_chunks(chunks: Iterator[bytes], where: str) -> Iterator[bytes]:
    with translated(where):
        yield from chunks


def complaint(said: str, where: str) -> ClockerError:
    """The error for what an engine said."""
    return meant(_TABLE, said, where) or EngineError(said.strip(), where=where)


def meant(
    table: Sequence[Meaning], said: str, where: str | None, words: Mapping[str, str] | None = None
) -> ClockerError | None:
    """By the first that fits; ``words``: what its sentence may name besides."""
    for meaning in table:
        if found := re.search(meaning.pattern, said):
            named = {key: value for key, value in found.groupdict("").items() if value}
            if "other" in named:
                named["port"] = named["other"]
            known = {"name": "", **(words or {}), **named}
            what = said if meaning.what is None else meaning.what.format(**known)
            return meaning.error(what.strip(), where=where, remedy=meaning.remedy)
    return None


def _connection_failed(error: Exception, where: str) -> ClockerError:
    from requests.exceptions import Timeout

    if isinstance(error, Timeout | TimeoutError) or "timed out" in str(error).lower():
        return TimedOut("the Docker Engine did not answer in time", where=where)
    if isinstance(error, PermissionError) or "Permission denied" in str(error):
        return EngineError(
            "this user may not use the Docker Engine",
            where=where,
            remedy="add the user to the group docker, or be root",
        )
    for meaning in _TLS_TABLE:
        if re.search(meaning.pattern, str(error)):
            return meaning.error(meaning.what or "", where=where, remedy=meaning.remedy)
    return Unreachable(
        "no answer from the Docker Engine",
        where=where,
        remedy="check that the machine and its engine run, then give the same command again",
    )
