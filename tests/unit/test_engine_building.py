"""What an engine says while it builds, however it comes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from clocker.engine.build_output import BuildOutput
from clocker.engine.building import Recipe, attend_build
from clocker.engine.transport import UnixSocket

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
SAID = [{"stream": "Step 1/1 : FROM nowhere\n"}, {"error": "there is no such thing"}]
LINES = b"".join(json.dumps(message).encode() + b"\r\n" for message in SAID)
CONTEXT = bytes(1024)


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([HEAD + LINES], id="all at once"),
        pytest.param([HEAD, LINES], id="after the head"),
        pytest.param([HEAD + LINES[:20], LINES[20:]], id="in the middle of a line"),
    ],
)
def test_everything_is_heard(pieces: list[bytes], tmp_path: Path) -> None:
    output = BuildOutput()
    with engine(tmp_path, pieces) as transport:
        deadline = time.monotonic() + 30
        attend_build(transport, "here", "1.41", CONTEXT, Recipe("tag", {}), output, deadline)
    assert list(output.tail) == ["Step 1/1 : FROM nowhere"]
    assert output.complaint == SAID[1] and not output.complete


@contextmanager
def engine(folder: Path, pieces: list[bytes]) -> Iterator[UnixSocket]:
    path = str(folder / "engine.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        server.settimeout(20)
        thread = Thread(target=_answer, args=(server, pieces))
        thread.start()
        yield UnixSocket(path)
        thread.join()


def _answer(server: socket.socket, pieces: list[bytes]) -> None:
    connection, _ = server.accept()
    with connection:
        connection.settimeout(20)
        request = b""
        while not request.endswith(CONTEXT):
            request += connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece)
