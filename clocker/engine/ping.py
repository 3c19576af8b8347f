"""Whether an engine answers, and which version of its API it speaks: before the SDK is imported."""

from __future__ import annotations

import http.client
import io
from typing import Any, cast

from clocker.engine.transport import Transport
from clocker.errors import EngineError, Unreachable

_PING_S = 10


def api_version(transport: Transport) -> str:
    """The newest that the engine speaks, by one ping. Unreachable; EngineError when it is something
    else that answers."""
    with transport.connect(_PING_S) as stream:
        stream.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        said = b"".join(iter(lambda: stream.recv(4096), b""))
    answer = http.client.HTTPResponse(cast(Any, _Said(said)))
    try:
        answer.begin()
        body = answer.read()
    except http.client.HTTPException as error:
        raise Unreachable("no Docker Engine answers", where=transport.where) from error
    version = answer.headers["Api-Version"]
    if answer.status != 200 or not version:
        raise EngineError(f"no Docker Engine, but something that says {body[:200]!r}")
    return str(version)


class _Said:
    """An answer that is here already, as the library wants it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)
