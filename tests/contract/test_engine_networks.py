"""Engines put containers on networks and take them off: the real one, and the fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from secrets import randbelow, token_hex
from typing import Any

import pytest
from images import busybox

from clocker.addressing import mac_of
from clocker.engine import open_engine
from clocker.errors import EngineError, NotFound
from clocker.interfaces import Engine
from clocker.model import Attachment, ContainerSpec
from clocker.testing import FakeEngine

SOCKET = "/var/run/docker.sock"
PREFIX = "engine-networks"
LABELS = {PREFIX: "1"}

Place = Callable[[int, int], Attachment]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """An address on the first or second of two networks."""
    from docker import APIClient

    client: Any = APIClient(f"http+unix://{SOCKET}", version="auto")
    client.trust_env = False
    prefixes = [
        f"10.{200 + randbelow(9)}.{randbelow(256)}",
        f"10.{220 + randbelow(9)}.{randbelow(256)}",
    ]
    names = [f"{PREFIX}-{token_hex(4)}" for _ in prefixes]
    for name, prefix in zip(names, prefixes, strict=True):
        pool = {"Subnet": f"{prefix}.0/24", "Gateway": f"{prefix}.1"}
        client.create_network(name, driver="bridge", ipam={"Config": [pool]}, internal=True)

    def made(which: int, last: int) -> Attachment:
        address = f"{prefixes[which]}.{last}"
        return Attachment(names[which], address, mac_of(address))

    yield made
    for name in names:
        client.remove_network(name)
    client.close()


@pytest.fixture(params=["docker", "fake"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "fake":
        fake = FakeEngine()
        fake.add_image(busybox(SOCKET))
        yield fake
        return
    engine = open_engine(SOCKET, name="here")
    yield engine
    for found in engine.list(LABELS):
        engine.remove(found.engine_id)
    engine.close()


def make(engine: Engine, first: Attachment) -> str:
    spec = ContainerSpec(
        name=f"{PREFIX}-{token_hex(6)}",
        image=busybox(SOCKET),
        hostname="box",
        labels=LABELS,
        attachment=first,
        command=("sleep", "600"),
        init=True,
    )
    return engine.create(spec)


@pytest.mark.parametrize("running", [True, False])
def test_on_and_off_another_network(engine: Engine, place: Place, running: bool) -> None:
    first, second = place(0, 5), place(1, 5)
    container = make(engine, first)
    if running:
        engine.start(container)
    engine.connect(container, second)
    both = {first.network: first.address, second.network: second.address}
    assert engine.inspect(container).networks == both
    engine.connect(container, second)
    assert engine.inspect(container).networks == both
    engine.disconnect(container, second.network)
    assert engine.inspect(container).networks == {first.network: first.address}
    engine.disconnect(container, second.network)
    engine.remove(container)


def test_places_stay_when_it_is_restarted(engine: Engine, place: Place) -> None:
    first, second = place(0, 6), place(1, 6)
    container = make(engine, first)
    engine.connect(container, second)
    engine.start(container)
    both = {first.network: first.address, second.network: second.address}
    assert engine.inspect(container).networks == both
    engine.restart(container, grace_s=0)
    assert engine.inspect(container).networks == both
    (listed,) = [s for s in engine.list(LABELS) if s.engine_id == container]
    assert listed.networks == both
    engine.remove(container)


def test_another_address_replaces_the_one_before(engine: Engine, place: Place) -> None:
    container = make(engine, place(0, 7))
    engine.start(container)
    engine.connect(container, place(1, 7))
    engine.connect(container, place(1, 8))
    assert engine.inspect(container).networks[place(1, 8).network] == place(1, 8).address
    engine.remove(container)


def test_an_address_that_somebody_has_is_refused(engine: Engine, place: Place) -> None:
    one, other = make(engine, place(0, 9)), make(engine, place(0, 10))
    for container in (one, other):
        engine.start(container)
    engine.connect(one, place(1, 9))
    with pytest.raises(EngineError):
        engine.connect(other, place(1, 9))
    assert place(1, 9).network not in engine.inspect(other).networks
    engine.disconnect(one, place(1, 9).network)
    engine.connect(other, place(1, 9))
    assert engine.inspect(other).networks[place(1, 9).network] == place(1, 9).address
    for container in (one, other):
        engine.remove(container)


def test_a_container_that_is_gone(engine: Engine, place: Place) -> None:
    with pytest.raises(NotFound):
        engine.connect("no-such-container", place(1, 11))
    engine.disconnect("no-such-container", place(1, 11).network)
