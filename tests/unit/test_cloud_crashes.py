"""kill -9 at every boundary of every verb, on machines in memory.

A boundary is every commit of the store and every call into Provider, Connections, Shell, Engine,
Network and Names that changes something (``tests/crash.py``). Death runs no cleanup: from then on
every call of the dead process fails. Then another process, which sees that the first is dead,
carries out the same command (or another one), and everybody must agree with everybody.

Here: `up` (fresh, with nothing to do, of a changed document), `run` (on a host, with `ssh`, of an
image that it generates, on a host that it makes, of two at once), `rm`, `stop`, `start`, `adopt`,
`host add`, `host drain`, `host rm` (also with what is on it), `scale` up and down, `down`, each at
all of its boundaries;
and `run` killed at any two boundaries. The same with SIGKILL on real hosts:
``tests/e2e/test_crashes.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from agreement import assert_agree, assert_nothing_left
from crash import Fuse, fused

from clocker.cloud import Cloud
from clocker.errors import NotFound
from clocker.interfaces import Parts
from clocker.model import (
    CloudSpec,
    ContainerRequest,
    EngineOptions,
    Headroom,
    HostState,
    Install,
    InstallFile,
    Keep,
    RuleSpec,
    Volume,
)
from clocker.testing import FakeMachines, FakeNames, FakeNetwork, fake_parts, fake_spec

WEB = ContainerRequest("debian:12", name="web")
SPEC = replace(fake_spec(count=2, maximum=3), rules=(RuleSpec("max_containers", {"limit": 1}),))


class Death(BaseException):
    """Not an Exception: nothing may catch it."""


@dataclass
class World:
    """What outlives a process."""

    folder: Path
    spec: CloudSpec = SPEC
    machines: FakeMachines = field(default_factory=FakeMachines)
    network: FakeNetwork = field(default_factory=FakeNetwork)
    names: FakeNames = field(default_factory=FakeNames)
    dead: set[str] = field(default_factory=set)
    first: Parts | None = None

    def process(self) -> Parts:
        """The parts of a new process, which knows who is dead."""
        self.folder.mkdir(parents=True, exist_ok=True)
        shared = {"store": self.first.store, "clock": self.first.clock} if self.first else {}
        parts = fake_parts(
            self.spec,
            machines=self.machines,
            network=self.network,
            names=self.names,
            folder=self.folder,
            owner_is_dead=self.dead.__contains__,
            **shared,
        )
        self.first = self.first or parts
        return parts

    def cloud(self) -> Cloud:
        return Cloud(self.process())

    def killed(self, verb: Callable[[Cloud], object], number: int) -> Fuse:
        """Carry out ``verb`` in a process that dies at a boundary. The fuse tells whether the
        verb came that far."""

        def die() -> None:
            raise Death

        parts, fuse = self.process(), Fuse(number, die)
        try:
            verb(Cloud(fused(parts, fuse)))
        except Death:
            self.dead.add(parts.owner)
        return fuse

    def assert_agrees(self) -> None:
        assert_agree(self.process(), lambda _parts, host: self.names.zones[host.name])

    def assert_nothing_left(self) -> None:
        assert_nothing_left(self.process())
        assert self.machines.all() == ()
        assert self.machines.shared == set()

    @property
    def containers(self) -> set[str]:
        """By the names that the engines have for them."""
        engines = (machine.engine for machine in self.machines.all())
        return {c.spec.name for engine in engines for c in engine.containers() if c.running}


Verb = Callable[[Cloud], object]


def up(cloud: Cloud) -> None:
    cloud.up()


def down(cloud: Cloud) -> None:
    cloud.down()


def run(cloud: Cloud) -> None:
    cloud.obtain(WEB)


def run_with_ssh(cloud: Cloud) -> None:
    cloud.obtain(replace(WEB, ssh=True))


def run_installed(cloud: Cloud) -> None:
    install = Install(files=(InstallFile("/etc/made", b"x"),), commands=("echo done > /srv/done",))
    cloud.obtain(replace(WEB, install=install))


def run_two(cloud: Cloud) -> None:
    cloud.obtain_many([WEB, replace(WEB, name="db")])


def rm(cloud: Cloud) -> None:
    """Once it is removed, asking again says so."""
    if any(container.name == "old" for container in cloud.list()):
        cloud.release("old")


def stop(cloud: Cloud) -> None:
    cloud.stop("old")


def start(cloud: Cloud) -> None:
    cloud.start("old")


def run_old(cloud: Cloud) -> None:
    cloud.obtain(replace(WEB, name="old"))


def run_other(cloud: Cloud) -> None:
    cloud.obtain(replace(WEB, name="other"))


def host_add(cloud: Cloud) -> None:
    if sum(view.host.state is HostState.READY for view in cloud.hosts()) < 3:
        cloud.add_hosts()


def host_of_old(cloud: Cloud) -> str:
    """Of a killed call it is cordoned, or gone."""
    views = cloud.hosts()
    if len(views) < 2:
        return "gone"
    cordoned = [view.host.name for view in views if view.host.cordoned]
    holding = [v.host.name for v in views if any(c.name == "old" for c in v.containers)]
    return (cordoned or holding)[0]


def host_drain(cloud: Cloud) -> None:
    assert cloud.host(host_of_old(cloud)).drain().stayed == ()


def host_rm(cloud: Cloud) -> None:
    """Once it is removed, asking again says so, and completes what a killed call had begun."""
    with suppress(NotFound):
        cloud.host(host_of_old(cloud)).remove()


def host_rm_with_all(cloud: Cloud) -> None:
    with suppress(NotFound):
        cloud.host(host_of_old(cloud)).remove(force=True)


def run_with_folder(cloud: Cloud) -> None:
    cloud.obtain(replace(WEB, name="old", volumes=(Volume("/srv", "/srv"),)))


def change_document(world: World) -> None:
    world.spec = replace(SPEC, engine=EngineOptions(options={"debug": True}))


def scale(cloud: Cloud) -> None:
    cloud.scale()


def scale_down(cloud: Cloud) -> None:
    """Until the cooldown has passed it does nothing; what a killed call has begun goes on."""
    cloud.scale()
    cloud._parts.sleep(1000.0)
    cloud.scale()


def want_two(world: World) -> None:
    """Room for two more, each on a host of its own."""
    world.spec = replace(SPEC, headroom=Headroom(Keep(2), (WEB,), minimum=1, maximum=3))


def crowd(world: World) -> None:
    """All have room on one host."""
    headroom = Headroom(Keep(1), (ContainerRequest("x"),), minimum=1, maximum=3)
    world.spec = replace(SPEC, rules=(), headroom=headroom)


def lose_store(world: World) -> None:
    world.first = None


def adopt(cloud: Cloud) -> None:
    cloud.adopt()


@dataclass(frozen=True)
class Scenario:
    """``before``: done by processes that live. ``containers``: what runs in the end."""

    name: str
    before: tuple[Verb, ...]
    verb: Verb
    hosts: int
    containers: tuple[str, ...]
    then: Callable[[World], None] = lambda _: None

    def world(self, folder: Path) -> World:
        world = World(folder)
        for verb in self.before:
            verb(world.cloud())
        self.then(world)
        return world


SCENARIOS = [
    Scenario("up", (), up, 2, ()),
    Scenario("up-again", (up, run_old), up, 2, ("old",)),
    Scenario("up-changed", (up, run_old), up, 2, ("old",), change_document),
    Scenario("run", (up,), run, 2, ("web",)),
    Scenario("run-with-ssh", (up,), run_with_ssh, 2, ("web",)),
    Scenario("run-installed", (up,), run_installed, 2, ("web",)),
    Scenario("run-on-a-new-host", (up, run_old, run_other), run, 3, ("old", "other", "web")),
    Scenario("run-without-hosts", (), run, 1, ("web",)),
    Scenario("run-two", (up, run_old), run_two, 3, ("old", "web", "db")),
    Scenario("rm", (up, run_old), rm, 2, ()),
    Scenario("stop", (up, run_old), stop, 2, ()),
    Scenario("start", (up, run_old, stop), start, 2, ("old",)),
    Scenario("host-add", (up, run_old), host_add, 3, ("old",)),
    Scenario("host-drain", (up, run_old), host_drain, 2, ("old",)),
    Scenario("host-rm", (up, run_old), host_rm, 1, ("old",)),
    Scenario("host-rm-with-all", (up, run_with_folder), host_rm_with_all, 1, ()),
    Scenario("scale-up", (up, run_old), scale, 3, ("old",), want_two),
    Scenario("scale-down", (up, run_old), scale_down, 1, ("old",), crowd),
    Scenario("scale-down-busy", (up, run_old, run_other), scale_down, 1, ("old", "other"), crowd),
    Scenario("adopt", (up, run_old), adopt, 2, ("old",), lose_store),
]

# Without its store `up` knows of no host; and whether a container runs is its own business, which
# `up` does not ask about.
MENDED_BY_UP = [s for s in SCENARIOS if s.verb not in (adopt, stop, start)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_the_same_command_converges(
    scenario: Scenario, tmp_path: Path
) -> None:
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)

        scenario.verb(world.cloud())

        world.assert_agrees()
        assert world.containers == {f"test.{name}" for name in scenario.containers}
        assert len(world.machines.all()) == scenario.hosts
        down(world.cloud())
        world.assert_nothing_left()


@pytest.mark.parametrize("scenario", MENDED_BY_UP, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_up_cleans_up(scenario: Scenario, tmp_path: Path) -> None:
    """`up` completes hosts, and removes what was being made or removed of containers."""
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)

        up(world.cloud())

        world.assert_agrees()


@pytest.mark.parametrize("scenario", MENDED_BY_UP, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_heal_cleans_up(scenario: Scenario, tmp_path: Path) -> None:
    """What was begun is completed or undone; what the document says of hosts is `up`'s business."""
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)

        world.cloud().heal()
        report = world.cloud().heal()

        assert (report.done, report.troubles, report.recovered) == ((), (), ())
        world.assert_agrees()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_down_leaves_nothing(scenario: Scenario, tmp_path: Path) -> None:
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)
        if scenario.verb is adopt:
            adopt(world.cloud())

        down(world.cloud())

        world.assert_nothing_left()


@pytest.mark.parametrize("again", [down, up], ids=["down", "up"])
def test_down_killed_at_any_boundary(again: Verb, tmp_path: Path) -> None:
    scenario = Scenario("down", (up, run_old, run), down, 0, ())
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(down, number)

        again(world.cloud())

        if again is up:
            world.assert_agrees()
            assert world.containers <= {"test.old", "test.web"}
            down(world.cloud())
        world.assert_nothing_left()


def test_killed_while_a_host_is_bootstrapped_anew_its_containers_can_be_removed(
    tmp_path: Path,
) -> None:
    scenario = Scenario("", (up, run_old), up, 2, (), change_document)
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(up, number)

        world.cloud().release("old")

        assert world.containers == set()
        up(world.cloud())
        world.assert_agrees()


def test_killed_twice(tmp_path: Path) -> None:
    """At every boundary of `run`, and then at every boundary of its repetition."""
    scenario = Scenario("", (up,), run, 2, ("web",))
    for first in boundaries(scenario, tmp_path):
        second, fuse = 0, Fuse(0, lambda: None)
        while second == 0 or fuse.dead:
            second += 1
            world = scenario.world(tmp_path / f"{first}-{second}")
            world.killed(run, first)
            fuse = world.killed(run, second)

            run(world.cloud())

            world.assert_agrees()
            assert world.containers == {"test.web"}


def boundaries(scenario: Scenario, folder: Path) -> range:
    """The numbers of all boundaries that the verb passes when nobody kills it."""
    fuse = scenario.world(folder / "whole").killed(scenario.verb, 0)
    assert len(fuse.passed) > 1
    return range(1, len(fuse.passed) + 1)
