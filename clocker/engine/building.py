"""One build on an engine, over a connection of its own: what ends it early ends it there too.

The SDK would do for a build that ends well. It can neither bound the sending of a large context,
nor end a build that is silent, nor hear what an engine has come to that was told to stop.
"""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message as Headers
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO
from urllib.parse import urlencode

from clocker.engine.build_output import BuildOutput
from clocker.engine.translation import complaint
from clocker.engine.transport import Stream, Transport
from clocker.errors import EngineError, TimedOut

_CHUNK = 1024 * 1024
_MOST_HEAD = 65536
_ENDING_S = 5.0
_BLOCK, _PADDING = 512, 64 * 1024  # of a tar


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is built, besides the context."""

    tag: str
    labels: Mapping[str, str]
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None

    def query(self) -> str:
        asked = {
            "t": self.tag,
            "labels": json.dumps(dict(self.labels)),
            "dockerfile": self.dockerfile,
            "buildargs": json.dumps(dict(self.args)),
            "rm": "1",
            "forcerm": "1",
        }
        return urlencode(asked | ({"target": self.target} if self.target else {}))


def attend_build(
    transport: Transport,
    where: str,
    version: str,
    context: bytes | BinaryIO,
    recipe: Recipe,
    output: BuildOutput,
    deadline: float,
) -> None:
    """Send the context, and have ``output`` hear everything to the end. TimedOut at ``deadline``
    (monotonic). However it ends, it has ended on the engine, or has been cut off from it."""
    file = io.BytesIO(context) if isinstance(context, bytes) else context
    with transport.connect(_left(deadline)) as sock:
        answer = _Answer(sock, where)
        try:
            _send(sock, f"/v{version}/build?{recipe.query()}", file, deadline)
            answer.tell(output, deadline)
        except BaseException as error:
            _end(sock, answer, output)
            if isinstance(error, TimeoutError):
                raise TimedOut("the build takes too long") from error
            raise


def _send(sock: Stream, url: str, context: BinaryIO, deadline: float) -> None:
    left = _size(context)
    # An answer to HTTP/1.0 is not cut into chunks, and ends with the connection.
    head = (
        f"POST {url} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/x-tar\r\n"
        f"Content-Length: {left}\r\n\r\n"
    )
    sock.sendall(head.encode())
    # An engine that refuses does so in the middle, and its answer says why.
    with suppress(BrokenPipeError, ConnectionResetError):
        while piece := context.read(min(_CHUNK, left)):
            sock.settimeout(_left(deadline))
            sock.sendall(piece)
            left -= len(piece)


def _size(context: BinaryIO) -> int:
    """From where it stands to the two empty blocks that end a tar. What pads it further an engine
    does not read, and with something left to read it does not notice that we are gone."""
    start = context.tell()
    size = context.seek(0, io.SEEK_END) - start
    context.seek(start + max(0, size - _PADDING))
    padding = context.read()
    context.seek(start)
    empty = (len(padding) - len(padding.rstrip(b"\0"))) // _BLOCK
    return size - max(0, empty - 2) * _BLOCK


class _Answer:
    """It can be left at any point, and read on from there."""

    def __init__(self, sock: Stream, where: str) -> None:
        self._sock, self._where = sock, where
        self._rest = b""
        self._headers: Headers | None = None

    def tell(self, output: BuildOutput, deadline: float) -> None:
        if self._headers is None:
            self._headers = self._head(deadline)
            if begun := self._headers["Date"]:
                output.began(parsedate_to_datetime(begun))
        more = True
        while more:  # all of it may have come with the head
            *lines, self._rest = self._rest.split(b"\n")
            for line in filter(bytes.strip, lines):
                output.add(json.loads(line))
            more = self._receive(deadline)
        output.ended()

    def _head(self, deadline: float) -> Headers:
        while b"\r\n\r\n" not in self._rest:
            if not self._receive(deadline) or len(self._rest) > _MOST_HEAD:
                raise ConnectionResetError("the engine closed the connection")
        head, _, rest = self._rest.partition(b"\r\n\r\n")
        first, _, headers = head.partition(b"\r\n")
        self._rest = rest
        if first.split(b" ")[1:2] != [b"200"]:
            while self._receive(deadline) and len(self._rest) < _MOST_HEAD:
                pass
            raise complaint(_refusal(self._rest), self._where)
        return BytesParser().parsebytes(headers + b"\r\n\r\n", headersonly=True)

    def _receive(self, deadline: float) -> bool:
        """False at the end."""
        self._sock.settimeout(_left(deadline))
        try:
            data = self._sock.recv(_CHUNK)
        except ConnectionResetError:
            # By an engine that has refused without reading all, once it has said so.
            if not self._rest and self._headers is None:
                raise
            return False
        self._rest += data
        return bool(data)


def _end(sock: Stream, answer: _Answer, output: BuildOutput) -> None:
    """The engine notices that nobody will ask anything more of it, and ends the build: what it
    says meanwhile is heard. One that does not is cut off."""
    output.hush()
    with suppress(OSError, ValueError, TimedOut, EngineError):
        sock.shutdown(socket.SHUT_WR)
        answer.tell(output, time.monotonic() + _ENDING_S)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimedOut("the build takes too long")
    return left


def _refusal(body: bytes) -> str:
    text = body.decode(errors="replace").strip()
    with suppress(ValueError, KeyError, TypeError):
        found: dict[str, Any] = json.loads(text)
        return str(found["message"])
    return text or "the engine refused to build"
