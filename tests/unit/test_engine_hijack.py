"""A command's own connection to an engine, which may close it while stdin is unread."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import pytest

from clocker.engine.hijack import Outputs, attend
from clocker.engine.transport import UnixSocket

UNREAD = b"x" * 2_000_000
HEAD = b"HTTP/1.1 101 UPGRADED\r\n\r\n"
DONE = struct.pack(">BxxxL", 1, 5) + b"done\n"


@dataclass(frozen=True)
class Tcp(UnixSocket):
    """Not what an engine is spoken with by; here, what may lose what was said."""

    def connect(self, timeout_s: float) -> socket.socket:
        port = int(Path(self.path).read_text())
        return socket.create_connection(("127.0.0.1", port), timeout_s)


@pytest.fixture
def unix(tmp_path: Path) -> Iterator[UnixSocket]:
    path = str(tmp_path / "engine.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        yield from _served(server, UnixSocket(path))


@pytest.fixture
def tcp(tmp_path: Path) -> Iterator[UnixSocket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        (tmp_path / "port").write_text(str(server.getsockname()[1]))
        yield from _served(server, Tcp(str(tmp_path / "port")))


def test_what_was_said_before_counts_though_stdin_was_not_read(unix: UnixSocket) -> None:
    outputs = Outputs()
    attend(unix, "/exec/1/start", outputs, UNREAD, None)
    assert bytes(outputs.stdout) == b"done\n"


def test_a_connection_that_breaks_without_stdin_is_an_error(tcp: UnixSocket) -> None:
    with pytest.raises(ConnectionResetError):
        attend(tcp, "/exec/1/start", Outputs(), None, None)


def _served(server: socket.socket, transport: UnixSocket) -> Iterator[UnixSocket]:
    server.listen()
    engine = Thread(target=_speak_and_close, args=(server,))
    engine.start()
    yield transport
    engine.join()


def _speak_and_close(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(20)
        connection.recv(16)  # the rest of the request, at least, stays unread
        connection.sendall(HEAD + DONE)
