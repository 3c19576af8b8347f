from __future__ import annotations

import struct

import pytest
from docker.errors import APIError, DockerException
from hypothesis import given
from hypothesis import strategies as st
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ReadTimeout
from urllib3.exceptions import ProtocolError

from clocker.engine.frames import Frames
from clocker.engine.translation import complaint, translated
from clocker.errors import ClockerError, EngineError, ImageNotFound, NotFound, TimedOut, Unreachable

# What engines of several versions said.
SAID = [
    ("No such container: web", NotFound, "no such container: web"),
    ("Could not find the file /a b in container 1f", NotFound, "no such file: /a b"),
    ("No such image: none:1", ImageNotFound, "no such image: none:1"),
    (
        'Conflict. The container name "/web" is already in use by container "1f". You have to '
        "remove (or rename) that container to be able to reuse that name.",
        EngineError,
        "the container name 'web' is taken",
    ),
    (
        "driver failed programming external connectivity on endpoint x (1f): Bind for "
        "0.0.0.0:8080 failed: port is already allocated",
        EngineError,
        "the host port 8080 is taken",
    ),
    (
        "driver failed programming external connectivity on endpoint x (1f): Error starting "
        "userland proxy: listen tcp4 0.0.0.0:8080: bind: address already in use",
        EngineError,
        "the host port 8080 is taken",
    ),
    ("Address already in use", EngineError, "the address is taken by another container"),
    ("network clocker-x not found", EngineError, "the host has no network clocker-x"),
    ("write /x: no space left on device", EngineError, "the disk of the host is full"),
    ("something {new}", EngineError, "something {new}"),
]


@pytest.mark.parametrize(("said", "error", "what"), SAID)
def test_what_an_engine_says(said: str, error: type[ClockerError], what: str) -> None:
    found = complaint(said, "host-1")
    assert type(found) is error
    assert found.what.startswith(what)
    assert found.where == "host-1"


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (ReadTimeout("read timed out"), TimedOut),
        (TimeoutError(), TimedOut),
        (RequestsConnectionError(ProtocolError("aborted", FileNotFoundError())), Unreachable),
        (ProtocolError("broken"), Unreachable),
        (ConnectionResetError(), Unreachable),
        (FileNotFoundError(), Unreachable),
        (RequestsConnectionError("x", PermissionError(13, "Permission denied")), EngineError),
        (APIError("500", explanation="no"), EngineError),
        (DockerException("odd"), EngineError),
        (NotFound("ours"), NotFound),
    ],
)
def test_no_vendor_exception_leaves(raised: Exception, error: type[ClockerError]) -> None:
    with pytest.raises(ClockerError) as caught, translated("host-1"):
        raise raised
    assert type(caught.value) is error


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40))),
    st.integers(min_value=1, max_value=17),
)
def test_frames_in_any_pieces(frames: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(struct.pack(">BxxxL", kind, len(data)) + data for kind, data in frames)
    reader, found = Frames(), []
    for at in range(0, len(stream), size):
        found += reader.feed(stream[at : at + size])
    assert found == frames
