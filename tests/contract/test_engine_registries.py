"""An engine and the registries, held to one contract: the real engine with the distribution's
registry, directly and through SSH, and those in memory."""

from __future__ import annotations

import io
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from secrets import token_hex
from typing import Any

import docker
import pytest
from images import BUSYBOX, busybox
from registry import certificate, registry
from test_engine import forwarded  # noqa: F401  # a fixture

from clocker.engine import open_engine
from clocker.errors import (
    AuthenticationFailed,
    ImageNotFound,
    RegistryUntrusted,
    TransferInterrupted,
    Unreachable,
)
from clocker.model import ImageInfo, RegistryAuth
from clocker.testing import FakeEngine

SOCKET = "/var/run/docker.sock"
PASSWORD = "sesame-4711"
AUTH = RegistryAuth("tester", PASSWORD)
BIG_MB = 96
MIB = 1024 * 1024


@dataclass
class Place:
    """An engine, and a registry that wants ``AUTH``."""

    engine: Any
    name: str
    stop: Callable[[], None]
    start: Callable[[], None]

    def image(self) -> str:
        """A name in the registry for an image that the engine has."""
        reference = f"{self.name}/some/where/app:{token_hex(4)}"
        self.engine.tag(BUSYBOX, reference)
        return reference


@pytest.fixture(params=["memory", "docker", "forwarded"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "memory":
        yield _in_memory()
        return
    busybox(SOCKET)
    forwards = request.param == "forwarded"
    engine = request.getfixturevalue("forwarded") if forwards else open_engine(SOCKET, name="here")
    with registry(password=PASSWORD) as there:
        yield Place(engine, there.name, there.kill, there.start)
        for image in engine.list_images():
            for tag in image.tags:
                if tag.startswith(there.name):
                    engine.remove_image(tag)


def _in_memory() -> Place:
    engine, name = FakeEngine(), "registry.test:5000"
    engine.add_image(BUSYBOX, ImageInfo("sha256:" + "b" * 64, size_bytes=1, command=("sh",)))
    engine.registry.passwords[name] = AUTH
    down = engine.registry.down
    return Place(engine, name, lambda: down.add(name), lambda: down.discard(name))


def test_what_is_pushed_can_be_pulled_by_its_name_and_by_its_digest(place: Place) -> None:
    reference, lines = place.image(), list[str]()
    digest = place.engine.push(reference, auth=AUTH, on_line=lines.append)
    assert place.engine.push(reference, auth=AUTH) == digest
    assert digest.startswith("sha256:") and lines
    place.engine.remove_image(reference)
    assert place.engine.image(reference) is None

    lines.clear()
    place.engine.pull(reference, auth=AUTH, on_line=lines.append)
    place.engine.pull(reference, auth=AUTH)
    found = place.engine.image(reference)
    assert found is not None and lines
    place.engine.remove_image(reference)
    exact = f"{reference.rpartition(':')[0]}@{digest}"
    place.engine.pull(exact, auth=AUTH)
    again = place.engine.image(exact)
    assert again is not None and again.id == found.id
    place.engine.remove_image(exact)


def test_who_has_no_password_or_a_wrong_one_is_told_so(place: Place) -> None:
    reference, wrong = place.image(), RegistryAuth("tester", "not-" + PASSWORD)
    for transfer in (place.engine.pull, place.engine.push):
        with pytest.raises(AuthenticationFailed, match="wants a user and a password"):
            transfer(reference)
        with pytest.raises(AuthenticationFailed, match="does not accept") as caught:
            transfer(reference, auth=wrong)
        assert place.name in caught.value.what
        assert PASSWORD not in repr(caught.value) + str(caught.value) + repr(wrong)


def test_an_image_that_is_not_there(place: Place) -> None:
    with pytest.raises(ImageNotFound, match="has no image"):
        place.engine.pull(f"{place.name}/no/such:1", auth=AUTH)
    with pytest.raises(ImageNotFound, match="the host has no image"):
        place.engine.push(f"{place.name}/no/such:1", auth=AUTH)


def test_a_registry_that_is_down_and_comes_back(place: Place) -> None:
    reference = place.image()
    place.stop()
    for transfer in (place.engine.pull, place.engine.push):
        with pytest.raises(Unreachable, match="cannot be reached") as caught:
            transfer(reference, auth=AUTH)
        assert place.name in caught.value.what
        assert not isinstance(caught.value, TransferInterrupted)
    place.start()
    place.engine.push(reference, auth=AUTH)
    place.engine.pull(reference, auth=AUTH)


def test_a_transfer_that_is_interrupted_goes_on_from_where_it_was(big_image: str) -> None:
    """The engine tries again for some time; what comes after that is for real hosts to show."""
    engine, lines = open_engine(SOCKET, name="here"), list[str]()
    with registry(password=PASSWORD) as there, ThreadPoolExecutor(1) as pool:
        reference = f"{there.name}/big:1"
        engine.tag(big_image, reference)
        pushed = pool.submit(engine.push, reference, auth=AUTH, on_line=lines.append)
        _until(lambda: any(line.endswith(": Pushed") for line in lines) or pushed.done())
        there.kill()
        there.start()
        assert there.tags("big") == []
        digest = pushed.result()
        assert any("Retrying" in line for line in lines), lines
        assert there.tags("big") == ["1"]
        lines.clear()
        assert engine.push(reference, auth=AUTH, on_line=lines.append) == digest
        assert {line.partition(": ")[2] for line in lines[1:-1]} == {
            "Preparing",
            "Layer already exists",
        }
        engine.remove_image(reference)
    engine.close()


def test_a_fake_registry_goes_away_in_the_midst() -> None:
    place = _in_memory()
    reference = place.image()
    place.engine.registry.broken.add(place.name)
    with pytest.raises(TransferInterrupted):
        place.engine.push(reference, auth=AUTH)
    with pytest.raises(Unreachable):
        place.engine.push(reference, auth=AUTH)
    place.start()
    with pytest.raises(ImageNotFound):
        place.engine.pull(reference, auth=AUTH)
    place.engine.push(reference, auth=AUTH)


@pytest.mark.parametrize(
    ("days", "names", "says"),
    [
        (1, None, "does not know who signed"),
        (-1, None, "has expired"),
        (1, "192.0.2.1", "is for another name"),
    ],
)
def test_a_certificate_that_the_host_does_not_accept(
    tmp_path: Path, days: float, names: str | None, says: str
) -> None:
    engine, address = open_engine(SOCKET, name="here"), _address()
    files = certificate(tmp_path, names or address, days)
    with registry(address=address, **files) as there:
        engine.tag(busybox(SOCKET), f"{there.name}/app:1")
        try:
            for transfer in (engine.pull, engine.push):
                with pytest.raises(RegistryUntrusted, match=says) as caught:
                    transfer(f"{there.name}/app:1")
                assert there.name in caught.value.what and caught.value.remedy
        finally:
            engine.remove_image(f"{there.name}/app:1")
            engine.close()


def test_a_registry_that_does_not_speak_tls() -> None:
    engine = open_engine(SOCKET, name="here")
    with (
        registry(address=_address()) as there,
        pytest.raises(RegistryUntrusted, match="does not speak TLS"),
    ):
        engine.pull(f"{there.name}/app:1")
    engine.close()


@pytest.fixture
def big_image() -> Iterator[str]:
    """Two layers: a small one, and one that cannot be packed any smaller."""
    tag = f"clocker-test/big:{token_hex(4)}"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        text = f"FROM {busybox(SOCKET)}\nCOPY big /big\n".encode()
        for name, data in (("Dockerfile", text), ("big", os.urandom(BIG_MB * MIB))):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    engine = open_engine(SOCKET, name="here")
    engine.build(context.getvalue(), tag=tag, labels={}, timeout_s=300)
    yield tag
    engine.remove_image(tag)
    engine.close()


def _address() -> str:
    """Of this machine, on which no engine takes what it gets for granted."""
    client = docker.APIClient(f"unix://{SOCKET}", version="auto")
    client.trust_env = False
    config = client.inspect_network("bridge")["IPAM"]["Config"][0]
    client.close()
    return str(config.get("Gateway") or next(ip_network(config["Subnet"]).hosts()))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.01)
