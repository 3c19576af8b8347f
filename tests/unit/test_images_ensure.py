from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from clocker.errors import BadInput, EngineError, ImageNotFound, Unreachable
from clocker.images import Images
from clocker.images.ensure import ensure
from clocker.interfaces import Engine
from clocker.model import ContainerRequest, ImageInfo
from clocker.testing import FakeEngine

MADE = ImageInfo("sha256:" + "a" * 64, command=("run",))
HUB = "docker.io/library/app:latest"


def no_sources() -> list[tuple[str, Engine]]:
    return []


def test_an_image_that_is_there_costs_one_call() -> None:
    host = FakeEngine()
    there = host.add_image("app", MADE)
    assert ensure(host, "app", no_sources) == there
    assert [call.method for call in host.calls] == ["image"]


def test_another_engine_is_asked_before_the_registry() -> None:
    host, empty, full = FakeEngine("host"), FakeEngine("empty"), FakeEngine("full")
    full.add_image("app", MADE)
    found = ensure(host, "app", lambda: [("empty", empty), ("full", full)])
    assert (found.id, found.tags, found.command) == (MADE.id, ("app:latest",), ("run",))
    assert (host.count("pull"), full.count("save"), empty.count("save")) == (0, 1, 0)


def test_a_registry_that_is_written_out_is_asked_first() -> None:
    host, other = FakeEngine(), FakeEngine()
    other.add_image("quay.io/a/app", ImageInfo("sha256:" + "b" * 64))
    host.registry["quay.io/a/app:latest"] = MADE
    assert ensure(host, "quay.io/a/app", lambda: [("other", other)]).id == MADE.id
    assert other.count("image") == 0


def test_a_registry_without_it_leaves_the_other_engines() -> None:
    host, other = FakeEngine(), FakeEngine()
    other.add_image("quay.io/a/app", MADE)
    assert ensure(host, "quay.io/a/app", lambda: [("other", other)]).id == MADE.id


def test_what_nobody_has_is_pulled() -> None:
    host = FakeEngine()
    host.registry[HUB] = MADE
    assert ensure(host, "app", lambda: [("other", FakeEngine())]).tags == ("app:latest",)


def test_an_id_is_copied_and_never_pulled() -> None:
    host, other = FakeEngine(), FakeEngine()
    other.add_image("app", MADE)
    assert ensure(host, MADE.id, lambda: [("other", other)]).id == MADE.id
    with pytest.raises(ImageNotFound):
        ensure(FakeEngine(), MADE.id, no_sources)
    assert host.count("pull") == 0


def test_a_source_that_fails_is_passed_over() -> None:
    host, dead, broken, good = (FakeEngine(name) for name in ("host", "dead", "broken", "good"))
    for engine in (dead, broken, good):
        engine.add_image("app", MADE)
    dead.fail_next("image", Unreachable("no answer"))
    broken.fail_next("save", EngineError("disk error"))
    sources = [("dead", dead), ("broken", broken), ("good", good)]
    assert ensure(host, "app", lambda: sources).id == MADE.id


def test_not_found_tells_every_place_and_reason() -> None:
    host, dead = FakeEngine("host"), FakeEngine("dead")
    dead.fail_next("image", Unreachable("no route to it"))
    with pytest.raises(ImageNotFound) as raised:
        ensure(host, "app", lambda: [("this machine", FakeEngine()), ("dead", dead)])
    said = str(raised.value)
    for part in (
        "'app:latest'",
        "the host: does not have it",
        "this machine: does not have it",
        "dead: no route to it",
        "registry docker.io: ",
        "docker load",
    ):
        assert part in said


def test_a_host_that_is_away_is_not_a_missing_image() -> None:
    host = FakeEngine()
    host.fail_next("image", Unreachable("no answer"))
    with pytest.raises(Unreachable):
        ensure(host, "app", no_sources)


def test_an_invalid_name_reaches_no_engine() -> None:
    host = FakeEngine()
    with pytest.raises(BadInput):
        Images().ensure(host, "app;reboot", no_sources)
    assert host.calls == []


def test_the_host_itself_is_no_source() -> None:
    host = FakeEngine()
    with pytest.raises(ImageNotFound):
        ensure(host, "app", lambda: [("host", host)])
    assert host.count("image") == 1


def test_copying_streams() -> None:
    """The target has taken the first chunk before the source has made the last one."""
    chunks_made: list[int] = []
    taken_at_load: list[int] = []

    class Source(FakeEngine):
        def save(self, reference: str):  # type: ignore[no-untyped-def]
            for number, chunk in enumerate(super().save(reference)):
                chunks_made.append(number)
                yield chunk

    class Target(FakeEngine):
        def load(self, archive):  # type: ignore[no-untyped-def]
            stream = iter(archive)
            first = next(stream)
            taken_at_load.append(len(chunks_made))
            super().load([first, *stream])

    source = Source()
    source.add_image("app", MADE)
    ensure(Target(), "app", lambda: [("source", source)])
    assert taken_at_load == [1] < chunks_made[-1:]


def test_many_ask_and_one_works() -> None:
    host, other = FakeEngine(), FakeEngine()
    other.add_image("app", MADE)
    other.latency_s["save"] = 0.05
    images, together = Images(), threading.Barrier(8)

    def ask(_: int) -> ImageInfo:
        together.wait()
        return images.ensure(host, "app", lambda: [("other", other)])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    assert {info.id for info in found} == {MADE.id}
    assert (host.count("load"), other.count("save")) == (1, 1)


def test_two_hosts_each_get_their_own_copy() -> None:
    first, second, other = FakeEngine(), FakeEngine(), FakeEngine()
    other.add_image("app", MADE)
    images = Images()
    for host in (first, second):
        images.ensure(host, "app", lambda: [("other", other)])
    assert other.count("save") == 2


def test_a_failure_is_shared_and_not_kept() -> None:
    host, images = FakeEngine(), Images()
    with pytest.raises(ImageNotFound):
        images.ensure(host, "app", no_sources)
    host.registry[HUB] = MADE
    assert images.ensure(host, "app", no_sources).id == MADE.id


def test_an_ssh_layer_is_built_once_and_then_copied() -> None:
    first, second, images = FakeEngine("first"), FakeEngine("second"), Images()
    for host in (first, second):
        host.add_image("app", MADE)
    request = ContainerRequest("app", ssh=True)
    built, how = images.prepare(first, request, no_sources)
    again, _ = images.prepare(first, request, no_sources)
    copied, _ = images.prepare(second, request, lambda: [("first", first)])
    assert built.id == again.id == copied.id != MADE.id
    assert (first.count("build"), second.count("build")) == (1, 0)
    assert second.count("pull") == 0
    assert how.command == ("run",)


def test_an_image_of_that_name_which_is_no_layer_is_not_trusted() -> None:
    first, second, images = FakeEngine("first"), FakeEngine("second"), Images()
    for host in (first, second):
        host.add_image("app", MADE)
    layer, _ = images.prepare(first, ContainerRequest("app", ssh=True), no_sources)
    second.add_image(layer.tags[0], ImageInfo("sha256:" + "e" * 64))
    found, _ = images.prepare(second, ContainerRequest("app", ssh=True), no_sources)
    assert found.id != "sha256:" + "e" * 64
    assert second.count("build") == 1
