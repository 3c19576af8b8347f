"""A command's own connection to the engine. The SDK hands out the socket of a response that it
has buffered in part, and cannot close one direction; so this speaks HTTP for the one request."""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clocker.engine.frames import STDERR, Frames
from clocker.engine.transport import Stream, Transport
from clocker.errors import EngineError

_CHUNK = 65536
_ANSWER_S = 60.0


class Expired(Exception):
    """The deadline passed and the command still runs."""


@dataclass(slots=True)
class Outputs:
    """``on_line`` is told each line of either when it is complete, and what follows the last."""

    on_line: Callable[[str], None] | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    _begun: dict[int, bytes] = field(default_factory=dict)

    def add(self, stream: int, data: bytes) -> None:
        (self.stderr if stream == STDERR else self.stdout).extend(data)
        if self.on_line:
            *lines, self._begun[stream] = (self._begun.get(stream, b"") + data).split(b"\n")
            for line in lines:
                self.on_line(line.decode(errors="replace"))

    def end(self) -> None:
        for rest in filter(None, self._begun.values()):
            if self.on_line:
                self.on_line(rest.decode(errors="replace"))
        self._begun.clear()


def attend(
    transport: Transport, url: str, outputs: Outputs, stdin: bytes | None, deadline: float | None
) -> None:
    """Start the command at ``url``, feed and read it to its end. Expired at the deadline."""
    with transport.connect(_ANSWER_S) as sock:
        frames = Frames()
        first = _upgraded(sock, url)
        for stream, data in frames.feed(first):
            outputs.add(stream, data)
        sock.setblocking(False)
        try:
            _exchange(sock, frames, outputs, memoryview(stdin or b""), deadline)
        finally:
            outputs.end()


def _upgraded(sock: Stream, url: str) -> bytes:
    """What followed the answer's headers."""
    body = json.dumps({"Detach": False, "Tty": False})
    sock.sendall(
        f"POST {url} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = sock.recv(_CHUNK)
        if not chunk:
            raise ConnectionResetError("the engine closed the connection")
        data += chunk
    head, _, rest = data.partition(b"\r\n\r\n")
    if head.split(b" ")[1] != b"101":
        raise EngineError(_refusal(sock, rest))
    return rest


def _refusal(sock: Stream, data: bytes) -> str:
    sock.settimeout(5)
    text = data.decode(errors="replace")
    while "}" not in text and (chunk := sock.recv(_CHUNK)):
        text += chunk.decode(errors="replace")
    try:
        return str(json.loads(text[text.index("{") : text.rindex("}") + 1])["message"])
    except (ValueError, KeyError):
        return text.strip() or "the engine refused to run the command"


def _exchange(
    sock: Stream,
    frames: Frames,
    outputs: Outputs,
    rest: memoryview,
    deadline: float | None,
) -> None:
    left: memoryview | None = rest
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            wait_s = None if deadline is None else deadline - time.monotonic()
            if wait_s is not None and wait_s <= 0:
                raise Expired
            for _, events in selector.select(wait_s):
                if left is not None and events & selectors.EVENT_WRITE:
                    left = _fed(sock, left)
                    if left is None:
                        selector.modify(sock, selectors.EVENT_READ)
                if events & selectors.EVENT_READ and not _heard(
                    sock, frames, outputs, fed=bool(rest)
                ):
                    return


def _fed(sock: Stream, rest: memoryview) -> memoryview | None:
    """Send a piece of stdin; at its end say so, while the other direction stays open. None when
    nothing is left to do."""
    try:
        if rest:
            rest = rest[sock.send(rest[:_CHUNK]) :]
        if not rest:
            sock.shutdown(socket.SHUT_WR)
            return None
    except BlockingIOError:
        pass
    except OSError:  # the command has closed its stdin: it does not want the rest
        return None
    return rest


def _heard(sock: Stream, frames: Frames, outputs: Outputs, *, fed: bool) -> bool:
    """Read what is there; False at the end."""
    try:
        data = sock.recv(_CHUNK)
    except BlockingIOError:  # a part of what only a whole can be read of
        return True
    except ConnectionResetError:
        # So a unix socket says that it was closed while some stdin was unread, after it has given
        # all that was said. Others may have lost some of it.
        if fed and isinstance(sock, socket.socket) and sock.family == socket.AF_UNIX:
            return False
        raise
    for stream, payload in frames.feed(data):
        outputs.add(stream, payload)
    return bool(data)
