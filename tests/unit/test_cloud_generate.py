"""Images that are generated once for the whole cloud."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from crash import Fuse, fused

from clocker.cloud import Cloud, installs, unshared
from clocker.cloud.obtain import obtain_many
from clocker.errors import ClockerError, InfrastructureError, Unreachable
from clocker.images import Images
from clocker.interfaces import Parts
from clocker.model import (
    ContainerRequest,
    Headroom,
    HostState,
    Install,
    InstallFile,
    Keep,
    Registry,
    RegistryAuth,
    Result,
    RuleSpec,
)
from clocker.testing import FakeEngine, FakeMachines, FakeRegistry, fake_parts, fake_spec
from clocker.testing.commands import Execution

INSTALL = Install(files=(InstallFile("/etc/made", b"x"),), commands=("generate",))
WEB = ContainerRequest("debian:12", name="web", install=INSTALL)
ALONE = (RuleSpec("max_containers", {"limit": 1}),)


class World:
    """Some hosts whose containers know the command ``generate``, and count how often."""

    def __init__(self, hosts: int = 2, **changes: Any) -> None:
        self.machines = FakeMachines()
        self.spec = replace(fake_spec(count=hosts, maximum=hosts), **changes)
        self.ran: list[Execution] = []
        self.doing: Callable[[Execution], Result | None] = lambda execution: None
        self.dead: set[str] = set()
        self.first: Parts | None = None
        with self.cloud() as cloud:
            cloud.up()
        for machine in self.machines.all():
            machine.engine.handler = self._handle

    def process(self) -> Parts:
        shared = {"store": self.first.store, "folder": self.first.folder} if self.first else {}
        parts = fake_parts(
            self.spec,
            machines=self.machines,
            clock=time.time,
            owner_is_dead=self.dead.__contains__,
            **shared,
        )
        self.first = self.first or parts
        return parts

    def cloud(self) -> Cloud:
        return Cloud(self.process())

    def engine(self, name: str) -> FakeEngine:
        return self.machines.machine(name).engine

    def installers(self) -> list[str]:
        engines = [machine.engine for machine in self.machines.all()]
        return [c.spec.name for e in engines for c in e.containers() if "install" in c.spec.name]

    def _handle(self, execution: Execution) -> Result | None:
        if "generate" not in execution.argv:
            return None
        self.ran.append(execution)
        execution.files.write("/srv/generated", b"%d" % len(self.ran))
        return self.doing(execution) or Result(0, b"generated\n")


def test_the_second_on_a_host_is_not_installed() -> None:
    world = World(hosts=1)
    with world.cloud() as cloud:
        web = cloud.obtain(WEB)
        again = cloud.obtain(replace(WEB, name="again", ssh=True))
        engine = world.engine(web.host.name)
        assert web.run(["cat", "/srv/generated"]).stdout == b"1"
        assert again.run(["cat", "/etc/made"]).stdout == b"x"
    assert len(world.ran) == 1 and engine.count("commit") == 1
    assert world.installers() == []


def test_another_host_gets_it_from_the_first() -> None:
    world = World(rules=ALONE)
    with world.cloud() as cloud:
        first, second = cloud.obtain(WEB), cloud.obtain(replace(WEB, name="other"))
    assert first.host.name != second.host.name
    assert len(world.ran) == 1
    assert world.engine(second.host.name).count("load") == 1


def test_ten_at_once_on_two_hosts_install_once() -> None:
    """Five processes, each for two; the others wait for whoever was first."""
    world = World()
    world.doing = lambda execution: time.sleep(0.3)

    def two(number: int) -> None:
        with world.cloud() as cloud:
            cloud.obtain_many([replace(WEB, name=f"w{number}-{n}") for n in (1, 2)])

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(two, range(5)))
    with world.cloud() as cloud:
        containers = cloud.list()
    assert len(containers) == 10 and len({c.host_id for c in containers}) == 2
    assert len(world.ran) == 1 and world.installers() == []


def test_another_takes_over_from_one_that_died_and_removes_what_it_left() -> None:
    world = World(rules=ALONE)
    begun, dying = threading.Event(), threading.Event()

    class Death(BaseException):
        pass

    def hang(execution: Execution) -> Result | None:
        if len(world.ran) > 1:
            return None
        begun.set()
        dying.wait(20)
        fuse.dead = True
        return None

    def die() -> None:
        raise Death

    world.doing, fuse = hang, Fuse(0, die)
    first, second = world.process(), world.process()
    with ThreadPoolExecutor(2) as pool:
        lost = pool.submit(Cloud(fused(first, fuse)).obtain, WEB)
        assert begun.wait(20)
        waiting = pool.submit(Cloud(second).obtain, replace(WEB, name="other"))
        _until(lambda: "waiting for the same install elsewhere" in _steps(second))
        assert len(world.installers()) == 1 and not waiting.done()
        world.dead.add(first.owner)
        dying.set()
        assert waiting.result(30).name == "other"
        assert isinstance(lost.exception(30), Death)
    assert len(world.ran) == 2 and world.installers() == []


def test_whoever_has_waited_for_a_failure_does_not_try_the_same() -> None:
    world = World(rules=ALONE)
    failing = threading.Event()

    def fail(execution: Execution) -> Result:
        failing.wait(20)
        return Result(4, stderr=b"no such mirror\n")

    world.doing = fail
    second = world.process()
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(world.cloud().obtain, WEB)
        _until(lambda: len(world.ran) == 1)
        other = pool.submit(Cloud(second).obtain, replace(WEB, name="other"))
        _until(lambda: "waiting for the same install elsewhere" in _steps(second))
        failing.set()
        for job in (one, other):
            with pytest.raises(InfrastructureError, match="no such mirror"):
                job.result(30)
    assert len(world.ran) == 1 and world.installers() == []
    with world.cloud() as cloud:
        assert cloud.list() == ()
        world.doing = lambda execution: None
        cloud.obtain(WEB)
    assert len(world.ran) == 2


def test_one_that_could_not_be_removed_stays_on_record_until_it_is() -> None:
    world = World(hosts=1)
    world.doing = lambda execution: Result(1)
    (machine,) = world.machines.all()
    machine.engine.fail_next("remove", Unreachable("gone"), times=2)
    parts = world.process()
    with pytest.raises(ClockerError):
        Cloud(parts).obtain(WEB)
    assert len(world.installers()) == 1
    with parts.store.read() as tx:
        assert len(installs.under_way(tx)) == 1
    world.cloud().up()
    assert world.installers() == []
    with parts.store.read() as tx:
        assert installs.under_way(tx) == frozenset()


def test_what_is_not_kept_is_installed_for_each_and_goes_with_it() -> None:
    world = World(hosts=1)
    once = replace(WEB, install=replace(INSTALL, keep=False))
    with world.cloud() as cloud:
        cloud.obtain(once)
        cloud.obtain(replace(once, name="other"))
        assert len(world.ran) == 2
        assert len([v for v in cloud.images() if ":once-" in v.name]) == 2
        cloud.release("web")
        (left,) = [view for view in cloud.images() if ":once-" in view.name]
    assert left.used_by == ("other",)


def test_an_outcome_is_good_for_its_time_to_live() -> None:
    world = World(hosts=1)
    with world.cloud() as cloud:
        for number, ttl_s in enumerate((None, 3600.0, 0.0, 3600.0)):
            install = replace(INSTALL, ttl_s=ttl_s)
            cloud.obtain(replace(WEB, name=f"w{number}", install=install))
        generated = [view for view in cloud.images() if view.kind == "generated"]
    assert len(world.ran) == 2, "0 does it anew, and what it made is good for the next"
    assert sorted(view.used_by for view in generated) == [("w0", "w1"), ("w2", "w3")]


REGISTRY = Registry("reg.example:5000/team", push=True)
NAME = "reg.example:5000/team/clocker/install:"


def with_registry(**changes: Any) -> tuple[World, FakeRegistry]:
    world = World(rules=ALONE, registries=(REGISTRY,), **changes)
    registry = FakeRegistry()
    for machine in world.machines.all():
        machine.engine.registry = registry
    return world, registry


def test_it_is_pushed_and_pulled_where_such_are_shared() -> None:
    world, registry = with_registry()
    with world.cloud() as cloud:
        cloud.obtain(WEB)
        cloud.sharing.finish()
        (pushed,) = registry
        assert pushed.startswith(NAME)
        other = cloud.obtain(replace(WEB, name="other"))
        assert other.run(["cat", "/srv/generated"]).stdout == b"1"
        assert {view.name.partition(":")[0] for view in cloud.images()} == {
            "clocker/install",
            "debian",
        }
    engine = world.engine(other.host.name)
    assert (engine.count("pull"), engine.count("load"), len(world.ran)) == (1, 0, 1)


def test_without_the_registry_it_comes_from_the_first_host() -> None:
    world, registry = with_registry()
    with world.cloud() as cloud:
        cloud.obtain(WEB)
        cloud.sharing.finish()
        registry.down.add("reg.example:5000")
        other = cloud.obtain(replace(WEB, name="other"))
        told = cloud.parts.progress.texts("failed")  # type: ignore[attr-defined]
    assert (world.engine(other.host.name).count("load"), len(world.ran)) == (1, 1)
    assert told == (
        "other: not shared by registry reg.example:5000/team: registry reg.example:5000 cannot be "
        "reached",
    )


def test_a_push_that_was_interrupted_is_done_again_by_a_later_use() -> None:
    world, registry = with_registry()
    registry.broken.add("reg.example:5000")
    with world.cloud() as cloud:
        cloud.obtain(WEB)
    assert not registry  # no half of it
    registry.down.clear()
    for seconds, there in ((1, 0), (61, 1), (200, 1)):
        later = replace(world.process(), clock=lambda ahead=seconds: time.time() + ahead)
        with Cloud(later) as cloud:
            cloud.obtain(replace(WEB, name="other"))
            cloud.release("other")
        assert len(registry) == there
    pushes = sum(machine.engine.count("push") for machine in world.machines.all())
    assert (pushes, len(world.ran)) == (2, 1)


def test_whoever_asks_has_a_container_before_it_is_pushed() -> None:
    world, registry = with_registry()
    go = threading.Event()
    with world.cloud() as cloud:
        gated = hold_pushes(world, go)
        web = cloud.obtain(WEB)
        other = cloud.obtain(replace(WEB, name="other"))  # nobody who wants it waits, either
        assert web.run(["true"]).ok and other.run(["cat", "/srv/generated"]).stdout == b"1"
        assert gated.wait(20) and not registry
        go.set()
    assert len(registry) == 1, "but the process ends only once it is there"
    with world.cloud() as cloud:
        assert shared_events(cloud) == ["shared"]
    assert pushes(world) == 1


def test_what_a_dead_process_has_not_pushed_the_next_command_pushes() -> None:
    world, registry = with_registry()
    dead, alive = world.process(), world.process()
    obtain_many(dead, Images(), [WEB])  # and before it begins to push, it is gone
    (item,) = unshared.due(alive)
    assert unshared.claim(dead, item) is not None
    with Cloud(alive) as cloud:
        cloud.obtain(ContainerRequest("debian:12", name="another"))
        cloud.sharing.finish()
        assert not registry, "somebody is at it"
        world.dead.add(dead.owner)
        assert not cloud.heal().failures
    assert [name.startswith(NAME) for name in registry] == [True]
    assert unshared.due(alive) == [] and pushes(world) == 1


@pytest.mark.parametrize("verb", ["scale", "watch"])
def test_those_who_look_after_the_cloud_push_as_well(verb: str) -> None:
    world, registry = with_registry(headroom=Headroom(Keep(count=1), minimum=2, maximum=2))
    obtain_many(world.process(), Images(), [WEB])
    with world.cloud() as cloud:
        if verb == "scale":
            cloud.scale()
        else:
            next(iter(cloud.watch()))
    assert len(registry) == 1


def test_what_is_nowhere_any_more_is_not_pushed_and_another_of_its_name_is() -> None:
    world, registry = with_registry()
    parts = world.process()
    (container,) = obtain_many(parts, Images(), [WEB])
    (item,) = unshared.due(parts)
    gone, stale = replace(item, tag="clocker/install:gone"), replace(item, image_id="sha256:old")
    for each in (gone, stale, item):
        with parts.store.transaction() as tx:
            unshared.intend(tx, each.tag, each.image_id, each.host_id)
    with Cloud(parts):
        pass
    with Cloud(parts) as cloud:
        cloud.heal()
    assert [image.id for image in registry.values()] == [container.image_id]
    assert unshared.due(parts) == []


def test_another_host_pushes_when_the_first_is_gone() -> None:
    world, registry = with_registry()
    parts = world.process()
    (web,) = obtain_many(parts, Images(), [WEB])
    registry.down.add("reg.example:5000")
    obtain_many(parts, Images(), [replace(WEB, name="other")])  # copies it
    registry.down.clear()
    (item,) = unshared.due(parts)
    with parts.store.transaction() as tx:
        host = tx.host(item.host_id)
        assert host is not None
        tx.put_host(replace(host, cordoned=True, state=HostState.LOST))
    with Cloud(parts) as cloud:
        cloud.sharing.begin()
    assert world.engine(host.name).count("push") == 0 and pushes(world) == 1
    assert [image.id for image in registry.values()] == [web.image_id]


def test_ctrl_c_leaves_the_push_to_the_next_command() -> None:
    world, registry = with_registry()
    go = threading.Event()
    parts = world.process()
    begun = hold_pushes(world, go)
    with pytest.raises(KeyboardInterrupt), Cloud(parts) as cloud:
        cloud.obtain(WEB)
        assert begun.wait(20)
        raise KeyboardInterrupt
    assert any(thread.name == "sharing" for thread in threading.enumerate())  # not waited for
    told = parts.progress.texts("failed")  # type: ignore[attr-defined]
    assert any("the next command goes on" in text for text in told) and not registry
    world.dead.add(parts.owner)
    go.set()
    with world.cloud() as cloud:
        assert cloud.list()[0].name == "web"
        cloud.heal()
    assert len(registry) == 1


def hold_pushes(world: World, go: threading.Event) -> threading.Event:
    """Until ``go``; what is returned is set once one has begun."""
    begun = threading.Event()
    for machine in world.machines.all():
        real = machine.engine.push

        def push(*args: Any, real: Callable[..., str] = real, **kwargs: Any) -> str:
            begun.set()
            assert go.wait(20)
            return real(*args, **kwargs)

        machine.engine.push = push  # type: ignore[method-assign]
    return begun


def pushes(world: World) -> int:
    return sum(machine.engine.count("push") for machine in world.machines.all())


def shared_events(cloud: Cloud) -> list[str]:
    return [event.outcome for event in cloud.events() if event.verb == "share"]


def test_a_registry_that_fails_keeps_nobody_from_a_container() -> None:
    world, registry = with_registry()
    registry.passwords["reg.example:5000"] = RegistryAuth("ci", "right")
    with world.cloud() as cloud:
        cloud.obtain(WEB)
        cloud.obtain(replace(WEB, name="other"))
        assert len(cloud.list()) == 2
    with world.cloud() as cloud:
        assert shared_events(cloud) == ["not shared"]
    assert len(world.ran) == 1


def test_what_the_registry_has_must_be_what_was_made() -> None:
    world, registry = with_registry()
    with world.cloud() as cloud:
        cloud.obtain(WEB)
        cloud.sharing.finish()
        (name,) = registry
        registry[name] = replace(registry[name], id="sha256:" + "6" * 64)
        other = cloud.obtain(replace(WEB, name="other"))
        images = {view.id for view in cloud.images() if view.kind == "generated"}
    assert len(images) == 1 and other.record.image_id in images
    engine = world.engine(other.host.name)
    assert (engine.count("load"), len(world.ran)) == (1, 1)
    assert engine.image("sha256:" + "6" * 64) is None


def test_placement_may_prefer_hosts_that_have_it() -> None:
    world = World(hosts=3, rules=(RuleSpec("image_there"),))
    with world.cloud() as cloud:
        first = cloud.obtain(WEB)
        other = next(v.host.name for v in cloud.hosts() if v.host.name != first.host.name)
        here = (RuleSpec("hostname", {"pattern": other}),)
        plain = cloud.obtain(ContainerRequest("debian:12", name="plain", rules=here))
        places = [cloud.obtain(replace(WEB, name=f"w{n}")).host.name for n in range(3)]
        assert plain.host.name == other and places == [first.host.name] * 3
        cloud.move("web", plain.host.name)
        views = {view.host.name: view.host.images for view in cloud.hosts()}
    assert len(views[plain.host.name]) == 2 and len(views[first.host.name]) == 1


def test_a_move_takes_the_very_image_along() -> None:
    world = World()
    with world.cloud() as cloud:
        web = cloud.obtain(WEB)
        was = web.record.image_id
        cloud.move("web")
        moved = cloud.machine("web")
        assert moved.host.name != web.host.name
        assert moved.record.image_id == was and len(world.ran) == 1
        (view,) = [view for view in cloud.images() if view.kind == "generated"]
        assert len(view.hosts) == 2, "it is known by its name there, too"
        assert moved.record.request.install == INSTALL


def test_contents_are_in_no_label_and_adopted_containers_are_the_same() -> None:
    world = World(hosts=1)
    (machine,) = world.machines.all()
    parts = fake_parts(world.spec, machines=world.machines, keys=world.process().keys)
    install = replace(INSTALL, files=(InstallFile("/etc/made", b"much" * 1000),))
    with world.cloud() as cloud:
        cloud.obtain(replace(WEB, install=install))
    (container,) = machine.engine.containers()
    assert len(container.spec.labels["clocker.request"]) < 3000
    with Cloud(parts) as cloud:
        cloud.adopt()
        cloud.obtain(replace(WEB, install=install))
        cloud.obtain(replace(WEB, name="other", install=install))
    assert len(world.ran) == 1


def _steps(parts: Parts) -> str:
    return repr(parts.progress.told)  # type: ignore[attr-defined]


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
