"""Containers of images that are built for them, and images that are built by name; in memory."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clocker.cloud import Cloud, turns
from clocker.deploy import Applications
from clocker.errors import (
    BadInput,
    CommandFailed,
    ImageNotFound,
    InfrastructureError,
    NameTaken,
    NotFound,
    TimedOut,
)
from clocker.images import ImageKind
from clocker.interfaces import Parts
from clocker.model import (
    Application,
    Build,
    ContainerRequest,
    Registry,
    RuleSpec,
    Service,
    Wait,
)
from clocker.testing import (
    FakeEngine,
    FakeMachines,
    FakeRegistry,
    RecordingProgress,
    fake_parts,
    fake_spec,
)

DOCKERFILE = "FROM base:1\nRUN echo building\n"


@pytest.fixture
def parts() -> Parts:
    machines = FakeMachines()
    machines.home = FakeEngine("home")
    machines.home.add_image("base:1")
    return fake_parts(machines=machines)


@pytest.fixture
def cloud(parts: Parts) -> Iterator[Cloud]:
    with Cloud(parts) as cloud:
        cloud.up()
        yield cloud


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return context(tmp_path / "context", {"Dockerfile": DOCKERFILE})


def context(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def engines(parts: Parts) -> dict[str, FakeEngine]:
    with parts.store.read() as tx:
        return {host.name: parts.connections.engine(host) for host in tx.hosts()}  # type: ignore[misc]


def builds(parts: Parts) -> int:
    return sum(engine.count("build") for engine in engines(parts).values())


def asked(folder: Path, name: str, host: str = "", **changes: Any) -> ContainerRequest:
    rules = (RuleSpec("hostname", {"pattern": host}),) if host else ()
    build = Build(str(folder), **changes)
    return ContainerRequest("", name=name, build=build, rules=rules, wait=Wait.RUNNING)


def test_an_image_is_built_once_for_all_hosts(cloud: Cloud, parts: Parts, folder: Path) -> None:
    first, second = sorted(engines(parts))
    one = cloud.obtain(asked(folder, "one", first))
    two = cloud.obtain(asked(folder, "two", second))
    three = cloud.obtain(asked(folder, "three", second))
    assert builds(parts) == 1
    assert one.record.image_id == two.record.image_id == three.record.image_id
    assert one.record.request.image.startswith("clocker/build:")
    (view,) = [view for view in cloud.images() if view.name == one.record.request.image]
    assert (view.kind, set(view.hosts)) == (ImageKind.BUILT, {first, second})
    assert set(view.used_by) == {"one", "two", "three"}


def test_many_at_once_build_once(cloud: Cloud, parts: Parts, folder: Path) -> None:
    requests = [asked(folder, f"c{n}") for n in range(6)]
    machines = cloud.obtain_many(requests)
    assert builds(parts) == 1
    assert len({machine.record.image_id for machine in machines}) == 1


def test_the_same_is_asked_again_until_the_context_changes(
    cloud: Cloud, parts: Parts, folder: Path
) -> None:
    one = cloud.obtain(asked(folder, "one"))
    assert cloud.obtain(asked(folder, "one")).record == one.record
    (planned,) = cloud.plan_obtain([asked(folder, "one")])
    assert planned.existing and planned.request.image == one.record.request.image
    context(folder, {"more": "x"})
    with pytest.raises(NameTaken):
        cloud.obtain(asked(folder, "one"))
    assert cloud.obtain(asked(folder, "two")).record.request.image != one.record.request.image
    assert builds(parts) == 2


def test_arguments_and_target_make_another_image(
    cloud: Cloud, parts: Parts, tmp_path: Path
) -> None:
    text = "ARG OF=base\nFROM $OF:1 AS first\nRUN echo one\nFROM first\nRUN echo two\n"
    folder = context(tmp_path / "c", {"sub/Other": text})
    changes: list[dict[str, Any]] = [{}, {"target": "first"}, {"args": {"OF": "base"}}]
    images = {
        cloud.obtain(asked(folder, f"c{n}", dockerfile="sub/Other", **change)).record.image_id
        for n, change in enumerate(changes)
    }
    assert len(images) == 3


def test_it_moves_when_the_context_is_gone(cloud: Cloud, parts: Parts, folder: Path) -> None:
    first, second = sorted(engines(parts))
    one = cloud.obtain(asked(folder, "one", first))
    shutil.rmtree(folder)
    moved = replace(one.record.request, rules=())
    with parts.store.transaction() as tx:
        tx.put_container(replace(one.record, request=moved))
    cloud.move("one", second)
    assert cloud.machine("one").record.image_id == one.record.image_id
    assert builds(parts) == 1


def test_what_nobody_has_any_more_is_built_again(cloud: Cloud, parts: Parts, folder: Path) -> None:
    one = cloud.obtain(asked(folder, "one")).record
    cloud.release("one")
    for engine in engines(parts).values():
        engine.remove_image(one.request.image)
    assert cloud.obtain(replace(one.request, name="two")).record.request.image == one.request.image
    assert builds(parts) == 2


@pytest.mark.parametrize("gone", [True, False])
def test_what_cannot_be_built_again(cloud: Cloud, parts: Parts, folder: Path, gone: bool) -> None:
    one = cloud.obtain(asked(folder, "one")).record
    cloud.release("one")
    for engine in engines(parts).values():
        engine.remove_image(one.request.image)
    shutil.rmtree(folder) if gone else context(folder, {"Dockerfile": "FROM base:1\n"})
    with pytest.raises(ImageNotFound, match="no such file|has changed since") as lost:
        cloud.obtain(replace(one.request, name="two"))
    assert one.request.image in str(lost.value) and cloud.list() == ()


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("FROM base:1\nRUN false\n", CommandFailed, "failed"),
        ("FROM base:1\nRUN sleep infinity\n", TimedOut, "took more than 1 s"),
        ("FROM nowhere:1\n", ImageNotFound, "nowhere:1"),
        ("FROM base:1\nCOPY missing /\n", CommandFailed, "missing"),
    ],
)
def test_a_build_that_fails_leaves_nothing(
    cloud: Cloud, parts: Parts, tmp_path: Path, text: str, error: type[Exception], said: str
) -> None:
    folder = context(tmp_path / "c", {"Dockerfile": text})
    with pytest.raises(error, match=said):
        cloud.obtain(asked(folder, "one", timeout_s=1))
    assert cloud.list() == ()
    assert not [view for view in cloud.images() if view.kind is ImageKind.BUILT]


def test_a_context_that_is_none_is_refused_before_anything_is_done(
    cloud: Cloud, parts: Parts, tmp_path: Path
) -> None:
    events = cloud.events()
    for build in (Build(str(tmp_path / "none")), Build(str(tmp_path)), Build("ext::sh")):
        with pytest.raises(BadInput):
            cloud.obtain(ContainerRequest("", build=build))
    assert cloud.events() == events


def test_by_name_on_a_chosen_host(cloud: Cloud, parts: Parts, folder: Path) -> None:
    first, second = sorted(engines(parts))
    lines: list[str] = []
    report = cloud.build(Build(str(folder)), name="shop:1", host=second, on_line=lines.append)
    assert (report.name, report.host, report.updated) == ("shop:1", second, ())
    assert "building" in lines
    assert engines(parts)[second].image("shop:1").id == report.id  # type: ignore[union-attr]
    assert engines(parts)[first].image("shop:1") is None
    one = cloud.obtain(
        ContainerRequest("shop:1", rules=(RuleSpec("hostname", {"pattern": first}),))
    )
    assert one.record.image_id == report.id and builds(parts) == 1
    assert cloud.build(Build(str(folder)), name="other", host=first).id == report.id
    assert builds(parts) == 1


def test_a_name_means_the_newest_on_all_hosts(cloud: Cloud, parts: Parts, folder: Path) -> None:
    first, second = sorted(engines(parts))
    old = cloud.build(Build(str(folder)), name="shop", host=first)
    context(folder, {"more": "x"})
    new = cloud.build(Build(str(folder)), name="shop", host=second)
    assert new.updated == (first,) and new.id != old.id
    found = {engine.image("shop").id for engine in engines(parts).values()}  # type: ignore[union-attr]
    assert found == {new.id}


@pytest.mark.parametrize("name", ["clocker/mine:1", "a@sha256:" + "a" * 64, "UPPER", "a b"])
def test_names_that_are_not_given(cloud: Cloud, folder: Path, name: str) -> None:
    with pytest.raises(BadInput):
        cloud.build(Build(str(folder)), name=name)


def test_a_library_is_built_in_the_order_of_what_needs_what(
    cloud: Cloud, parts: Parts, tmp_path: Path
) -> None:
    folder = context(
        tmp_path / "library",
        {
            "3/slim/Dockerfile": "FROM lang:3\n",
            "3/Dockerfile": "FROM base:1\n",
            "4/Dockerfile": "FROM base:1\nRUN echo four\n",
        },
    )
    reports = list(cloud.build_library(Build(str(folder)), "lang"))
    names = [report.name for report in reports]
    assert sorted(names) == ["lang:3", "lang:3-slim", "lang:4"]
    assert names.index("lang:3") < names.index("lang:3-slim")
    context(folder, {"3/Dockerfile": "FROM lang:3-slim\n"})
    with pytest.raises(BadInput, match="in a circle"):
        list(cloud.build_library(Build(str(folder)), "lang"))
    with pytest.raises(BadInput, match="has a tag"):
        list(cloud.build_library(Build(str(folder)), "lang:1"))


def test_an_application_is_built_and_known_again(cloud: Cloud, parts: Parts, folder: Path) -> None:
    request = ContainerRequest("shop-web", build=Build(str(folder)))
    application = Application("shop", (Service("web", request, replicas=2),))
    applications = Applications(cloud)
    applications.deploy(application)
    assert builds(parts) == 1
    assert applications.preview(application).plan.is_empty
    context(folder, {"more": "x"})
    assert not applications.preview(application).plan.is_empty
    applications.deploy(application)
    assert builds(parts) == 2
    assert len({container.image_id for container in cloud.list()}) == 1


def test_two_threads_of_two_hosts_build_once(cloud: Cloud, parts: Parts, folder: Path) -> None:
    for engine in engines(parts).values():
        engine.latency_s["build"] = 0.3
    hosts = sorted(engines(parts))
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda host: cloud.obtain(asked(folder, f"on-{host}", host)), hosts))
    assert builds(parts) == 1 and len({each.record.image_id for each in made}) == 1


class Processes:
    """More than one of the same cloud, whose engines wait in the midst of a build."""

    def __init__(self, parts: Parts) -> None:
        self.dead: set[str] = set()
        self.building, self.go = threading.Event(), threading.Event()
        self._first = parts
        for engine in engines(parts).values():
            self._gate(engine)

    def another(self) -> Parts:
        progress = RecordingProgress()
        return replace(
            self._first,
            owner=f"process-{len(self.dead)}-{time.monotonic_ns()}",
            owner_is_dead=self.dead.__contains__,
            progress=progress,
            clock=time.time,
            sleep=time.sleep,
        )

    def _gate(self, engine: FakeEngine) -> None:
        real = engine.build

        def build(*args: Any, **kwargs: Any) -> str:
            self.building.set()
            assert self.go.wait(20)
            return real(*args, **kwargs)

        engine.build = build  # type: ignore[method-assign]


def waits(parts: Parts) -> bool:
    return "waiting for the same build elsewhere" in repr(parts.progress.told)  # type: ignore[attr-defined]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_two_processes_of_two_hosts_build_once(cloud: Cloud, parts: Parts, folder: Path) -> None:
    first, second = sorted(engines(parts))
    processes = Processes(parts)
    other = processes.another()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(Cloud(processes.another()).obtain, asked(folder, "one", first))
        assert processes.building.wait(20)
        two = pool.submit(Cloud(other).build, Build(str(folder)), name="shop", host=second)
        until(lambda: waits(other))
        assert not two.done()
        processes.go.set()
        assert two.result(20).id == one.result(20).record.image_id
    assert builds(parts) == 1 and engines(parts)[second].count("load") >= 1


def test_another_builds_when_the_builder_is_gone(cloud: Cloud, parts: Parts, folder: Path) -> None:
    """What the dead one did in the end, whatever that is, does not count."""
    first, second = sorted(engines(parts))
    processes = Processes(parts)
    lost, heir = processes.another(), processes.another()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(Cloud(lost).build, Build(str(folder)), host=first)
        assert processes.building.wait(20)
        two = pool.submit(Cloud(heir).obtain, asked(folder, "two", second))
        until(lambda: waits(heir))
        processes.building.clear()
        processes.dead.add(lost.owner)
        assert processes.building.wait(20), "it builds itself"
        lease = f"build/{tag_of(heir)}"
        processes.go.set()
        one.result(20)
        made = two.result(20).record
    assert builds(parts) == 2
    assert turns.made_last(heir, lease) == made.image_id and turns.is_free(heir, lease)


def tag_of(parts: Parts) -> str:
    with parts.store.read() as tx:
        (container,) = tx.containers()
    return container.request.image


def test_who_has_waited_for_a_failure_does_not_build_the_same(
    cloud: Cloud, parts: Parts, tmp_path: Path
) -> None:
    folder = context(tmp_path / "c", {"Dockerfile": "FROM base:1\nRUN false\n"})
    first, second = sorted(engines(parts))
    processes = Processes(parts)
    other = processes.another()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(Cloud(processes.another()).obtain, asked(folder, "one", first))
        assert processes.building.wait(20)
        two = pool.submit(Cloud(other).obtain, asked(folder, "two", second))
        until(lambda: waits(other))
        processes.go.set()
        with pytest.raises(CommandFailed):
            one.result(20)
        with pytest.raises(InfrastructureError, match="the same build has failed elsewhere"):
            two.result(20)
    assert builds(parts) == 1 and cloud.list() == ()
    with pytest.raises(CommandFailed):
        Cloud(processes.another()).obtain(asked(folder, "three", second))


def test_what_is_built_is_shared_by_the_registry(folder: Path) -> None:
    shared = Registry("reg.example:5000/team", push=True)
    machines = FakeMachines()
    parts = fake_parts(replace(fake_spec(), registries=(shared,)), machines=machines)
    registry = FakeRegistry()
    with Cloud(parts) as cloud:
        cloud.up()
        for machine in machines.all():
            machine.engine.registry = registry
            machine.engine.add_image("base:1")
        first, second = sorted(engines(parts))
        report = cloud.build(Build(str(folder)), host=first)
        cloud.sharing.finish()
        assert list(registry) == [f"reg.example:5000/team/{report.tag}"]
        one = cloud.obtain(asked(folder, "one", second))
        assert one.record.image_id == report.id and builds(parts) == 1
        there = engines(parts)[second]
        assert (there.count("pull"), there.count("load")) == (1, 0)


def test_what_the_registry_has_of_that_name_must_be_what_was_built(
    cloud: Cloud, parts: Parts, folder: Path
) -> None:
    first, second = sorted(engines(parts))
    shared = replace(parts, spec=replace(parts.spec, registries=(Registry("r:5000", push=True),)))
    registry = FakeRegistry()
    for engine in engines(parts).values():
        engine.registry = registry
    with Cloud(shared) as other:
        report = other.build(Build(str(folder)), host=first)
        other.sharing.finish()
        (name,) = registry
        registry[name] = replace(registry[name], id="sha256:" + "6" * 64)
        assert other.obtain(asked(folder, "one", second)).record.image_id == report.id
    assert engines(parts)[second].image("sha256:" + "6" * 64) is None and builds(parts) == 1


def test_a_base_goes_to_the_hosts_that_are_named_or_stays_here(cloud: Cloud, parts: Parts) -> None:
    assert cloud.image_places() == ("this machine",)
    first, second = sorted(engines(parts))
    assert cloud.image_places([second, first, second]) == (second, first)
    with pytest.raises(NotFound):
        cloud.image_places(["nowhere"])
    with pytest.raises(BadInput, match="no Docker Engine answers on this machine"):
        Cloud(fake_parts()).image_places()
