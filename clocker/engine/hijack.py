"""A command's own connection to the engine. The SDK hands out the socket of a response that it
has buffered in part, and cannot close one direction; so this speaks HTTP for the one request."""

from __future__ import annotations

import json
import selectors
import socket
import time
from dataclasses import dataclass, field

from clocker.engine.frames import STDERR, Frames
from clocker.errors import EngineError

_CHUNK = 65536
_ANSWER_S = 60.0


class Expired(Exception):
    """The deadline passed and the command still runs."""


@dataclass(slots=True)
class Outputs:
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)

    def add(self, stream: int, data: bytes) -> None:
        (self.stderr if stream == STDERR else self.stdout).extend(data)


def attend(
    socket_path: str, url: str, outputs: Outputs, stdin: bytes | None, deadline: float | None
) -> None:
    """Start the command at ``url``, feed and read it to its end. Expired at the deadline."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_ANSWER_S)
        sock.connect(socket_path)
        frames = Frames()
        first = _upgraded(sock, url)
        for stream, data in frames.feed(first):
            outputs.add(stream, data)
        sock.setblocking(False)
        _exchange(sock, frames, outputs, memoryview(stdin or b""), deadline)


def _upgraded(sock: socket.socket, url: str) -> bytes:
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


def _refusal(sock: socket.socket, data: bytes) -> str:
    sock.settimeout(5)
    text = data.decode(errors="replace")
    while "}" not in text and (chunk := sock.recv(_CHUNK)):
        text += chunk.decode(errors="replace")
    try:
        return str(json.loads(text[text.index("{") : text.rindex("}") + 1])["message"])
    except (ValueError, KeyError):
        return text.strip() or "the engine refused to run the command"


def _exchange(
    sock: socket.socket,
    frames: Frames,
    outputs: Outputs,
    rest: memoryview,
    deadline: float | None,
) -> None:
    feeding = True
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while True:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise Expired
            for _, events in selector.select(left):
                if feeding and events & selectors.EVENT_WRITE:
                    rest = _fed(sock, rest)
                    feeding = bool(rest)
                    if not feeding:
                        selector.modify(sock, selectors.EVENT_READ)
                if events & selectors.EVENT_READ:
                    data = sock.recv(_CHUNK)
                    if not data:
                        return
                    for stream, payload in frames.feed(data):
                        outputs.add(stream, payload)


def _fed(sock: socket.socket, rest: memoryview) -> memoryview:
    """Send a piece of stdin; at its end say so, while the other direction stays open."""
    try:
        rest = rest[sock.send(rest[:_CHUNK]) :] if rest else rest
        if not rest:
            sock.shutdown(socket.SHUT_WR)
    except BlockingIOError:
        pass
    except OSError:  # the command has closed its stdin: it does not want the rest
        return rest[:0]
    return rest
