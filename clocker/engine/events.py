"""What befalls containers, as the engine tells it: a connection of its own for the one request,
since the SDK's stream cannot be waited for a while and then be read on."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from clocker.engine import convert
from clocker.engine.translation import complaint, translated
from clocker.engine.transport import Stream, Transport
from clocker.model import EngineEvent

if TYPE_CHECKING:
    from docker import APIClient

ACTIONS = ("start", "die", "stop", "oom", "health_status", "destroy")
_ANSWER_S = 60.0
_CHUNK = 65536


def follow_events(
    client: APIClient,
    transport: Transport,
    where: str,
    labels: Mapping[str, str],
    wait_s: float,
) -> Generator[EngineEvent | None, None, None]:
    """Connected when this returns; what comes between is in the engine's memory."""
    with translated(where):
        begun = client.info()["SystemTime"]
        stream = transport.connect(_ANSWER_S)
        try:
            rest = _opened(stream, _path(client.api_version, labels, begun), where)
            stream.settimeout(wait_s)
        except BaseException:
            stream.close()
            raise
    return _events(stream, rest, where)


def _path(version: str, labels: Mapping[str, str], begun: str) -> str:
    wanted = {"type": ["container"], "event": list(ACTIONS), **convert.label_filter(labels)}
    query = {"filters": json.dumps(wanted), "since": _since(begun)}
    return f"/v{version}/events?{urlencode(query)}"


def _since(moment: str) -> str:
    """The engine's own clock, to the nanosecond: its events are told by that, not by ours."""
    whole, _, rest = moment.partition(".")
    fraction = rest.rstrip("Z").partition("+")[0].partition("-")[0]
    zone = rest[len(fraction) :].replace("Z", "+00:00") if rest else ""
    seconds = int(datetime.fromisoformat(whole + zone).timestamp())
    return f"{seconds}.{fraction:0<9}"


def _opened(stream: Stream, path: str, where: str) -> bytes:
    """What followed the answer's headers. By HTTP/1.0, so that the body is the events alone."""
    stream.sendall(f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(stream)
    head, _, rest = data.partition(b"\r\n\r\n")
    if head.split(b" ", 2)[1] != b"200":
        while chunk := stream.recv(_CHUNK):
            rest += chunk
        raise complaint(_message(rest), where)
    return rest


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")


def _events(stream: Stream, data: bytes, where: str) -> Generator[EngineEvent | None, None, None]:
    with stream, translated(where):
        while True:
            *lines, data = data.split(b"\n")
            for line in filter(None, lines):
                yield _event(json.loads(line))
            try:
                data += _received(stream)
            except TimeoutError:
                yield None


def _received(stream: Stream) -> bytes:
    chunk = stream.recv(_CHUNK)
    if not chunk:
        raise ConnectionResetError("the engine closed the connection")
    return chunk


def _event(said: Mapping[str, Any]) -> EngineEvent:
    action, _, detail = said["Action"].partition(": ")
    attributes = said["Actor"]["Attributes"]
    exit_code = attributes.get("exitCode")
    return EngineEvent(
        at=said["timeNano"] / 1e9,
        action=action,
        engine_id=said["Actor"]["ID"],
        name=attributes["name"],
        exit_code=int(exit_code) if exit_code is not None else None,
        health=detail or None,
    )
