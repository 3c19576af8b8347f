"""What an engine's stream of events may do besides telling events."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from clocker.engine.events import follow_events
from clocker.engine.transport import UnixSocket
from clocker.errors import EngineError, InfrastructureError, Unreachable
from clocker.model import EngineEvent
from clocker.testing import FakeEngine

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
DIED = (
    b'{"Action":"die","Actor":{"ID":"f00","Attributes":{"name":"c.web","exitCode":"3"}},'
    b'"timeNano":1700000000500000000}\n'
)


class Client:
    """Of the SDK, all that is asked of it here."""

    api_version = "1.41"

    def __init__(self, moment: str) -> None:
        self._moment = moment

    def info(self) -> dict[str, Any]:
        return {"SystemTime": self._moment}


@contextmanager
def saying(path: Path, *pieces: bytes) -> Iterator[list[bytes]]:
    """A socket behind which each piece is said after the other, and then the connection ends;
    gives what it was asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                asked.append(sock.recv(65536))
                for piece in pieces:
                    sock.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        thread.join()


def follow(path: Path, moment: str = "2026-01-02T03:04:05.006000007Z") -> Any:
    client = cast(Any, Client(moment))
    return follow_events(client, UnixSocket(str(path)), "there", {"clocker.cloud": "c"}, 5.0)


def test_events_may_come_in_pieces_and_an_end_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    pieces = (HEAD + DIED[:20], DIED[20:] + DIED, DIED[:30])
    with saying(path, *pieces), closing(follow(path)) as events:
        assert next(events) == EngineEvent(1700000000.5, "die", "f00", "c.web", 3)
        assert next(events).exit_code == 3
        with pytest.raises(Unreachable) as caught:
            next(events)
    assert caught.value.where == "there"


@pytest.mark.parametrize(
    ("moment", "since"),
    [
        ("2026-01-02T03:04:05.006000007Z", "1767323045.006000007"),
        ("2026-01-02T05:04:05.5+02:00", "1767323045.500000000"),
        ("2026-01-02T01:04:05.5-02:00", "1767323045.500000000"),
        ("2026-01-02T03:04:05Z", "1767323045.000000000"),
    ],
)
def test_they_are_asked_for_by_the_engines_own_clock(
    tmp_path: Path, moment: str, since: str
) -> None:
    path = tmp_path / "sock"
    with saying(path, HEAD) as asked:
        follow(path, moment).close()
    assert f"since={since} ".encode() in asked[0]
    assert b"clocker.cloud%3Dc" in asked[0]


def test_a_refusal_is_told_as_the_engine_says_it(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    answer = b'HTTP/1.0 400 Bad Request\r\n\r\n{"message":"invalid filter'
    with saying(path, answer, b'"}\n'), pytest.raises(EngineError, match="there: invalid filter$"):
        follow(path)
    path.unlink()
    with saying(path), pytest.raises(InfrastructureError):
        follow(path)


def test_the_fakes_listeners_go_with_their_host() -> None:
    engine = FakeEngine()
    with closing(engine.events({}, wait_s=0.01)) as events:
        assert next(events) is None
        engine.power_off()
        engine.power_on()
        with pytest.raises(Unreachable):
            next(events)
