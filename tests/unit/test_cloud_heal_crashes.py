"""`heal` killed at every boundary of ``tests/crash.py``, on hosts in memory; and `heal` after any
other verb was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from healing import Clinic
from moving import WEB

from clocker.cloud import Cloud
from clocker.model import ContainerRequest, Healing, Port, Resources, Restart

APP = replace(WEB, name="app", healing=Healing(restart_with=("web",)))


def heal(cloud: Cloud) -> None:
    cloud.heal()


def obtained(world: Clinic, *requests: ContainerRequest) -> None:
    for request in requests:
        world.cloud().obtain(request)


def dead_host(world: Clinic) -> None:
    """With all kinds of containers on it; it is dead at the next look."""
    obtained(world, replace(WEB, ports=(Port(80),), ssh=True))
    host = world.place()
    for name in [view.host.name for view in world.cloud().hosts()]:
        if name != host:
            world.cloud().host(name).cordon()
    obtained(world, APP, replace(WEB, name="off", healing=Healing(priority=3)))
    world.cloud().create_network("blue")
    world.cloud().attach("app", "blue")
    world.cloud().stop("off")
    for view in world.cloud().hosts():
        world.cloud().host(view.host.name).uncordon()
    world.machines.kill(host)
    world.look()


def dead_host_without_room(world: Clinic) -> None:
    """A new one has to be made."""
    for number in range(3):
        obtained(world, replace(WEB, name=f"c{number}", resources=Resources(3.0)))
    world.machines.kill(world.place("c0"))
    world.look()


def failed(world: Clinic) -> None:
    obtained(world, WEB, APP)
    world.end("web")


def missing(world: Clinic) -> None:
    obtained(world, WEB, APP)
    world.engine(world.place()).remove("test.web")


def unknown(world: Clinic) -> None:
    obtained(world, WEB)
    record = world.record()
    with world.process().store.transaction() as tx:
        tx.delete_container(record.id)
        tx.release_leases("container/web", 0.0)


def silent_engine(world: Clinic) -> None:
    obtained(world, replace(WEB, restart=Restart("always")))
    world.machines.stop_engine(world.place())
    world.look()


def back(world: Clinic) -> None:
    """A host that was said to be off, and whose containers are elsewhere, answers again."""
    obtained(world, replace(WEB, restart=Restart("always")), APP)
    host = world.place()
    world.machines.kill(host)
    world.look(host)
    world.machines.revive(host)


WORLDS = (
    dead_host,
    dead_host_without_room,
    failed,
    missing,
    unknown,
    silent_engine,
    back,
)


def worlds(begin: Callable[[Clinic], None], folder: Path) -> Iterator[Clinic]:
    """One for every boundary, in which a process has died there."""
    number = 0
    while True:
        number += 1
        world = Clinic(folder / str(number))
        world.cloud().up()
        begin(world)
        fuse = world.killed(heal, number)
        if not fuse.dead:
            assert number > 3
            return
        yield world


def assert_never_twice(world: Clinic) -> None:
    for container in world.cloud().list():
        running = [c for c in world.found(container.name).values() if c.running]
        assert len(running) <= 1, container.name


@pytest.mark.parametrize("begin", WORLDS)
def test_killed_at_any_boundary_the_next_run_heals(
    begin: Callable[[Clinic], None], tmp_path: Path
) -> None:
    for world in worlds(begin, tmp_path):
        before = {c.name: (c.id, c.address, c.mac, c.ports) for c in world.cloud().list()}
        if begin is not back:  # then it is cut off from the others, until it is cleaned
            assert_never_twice(world)

        for _ in range(3):
            world.look()
            assert_never_twice(world)

        world.assert_agrees()
        assert not world.look().given_up
        after = {c.name: (c.id, c.address, c.mac, c.ports) for c in world.cloud().list()}
        assert before.items() <= after.items()
        for name in after:
            assert world.is_running(name) == (name != "off"), name


@pytest.mark.parametrize("begin", WORLDS)
def test_killed_at_any_boundary_everything_can_be_removed(
    begin: Callable[[Clinic], None], tmp_path: Path
) -> None:
    for world in worlds(begin, tmp_path):
        world.cloud().down()
        assert world.machines.all() == ()


@pytest.mark.parametrize("begin", (failed, missing))
def test_who_depends_on_it_is_restarted_although_the_first_run_died(
    begin: Callable[[Clinic], None], tmp_path: Path
) -> None:
    def pids(world: Clinic) -> int:
        return world.found("app")[world.place("app")].pid

    for world in worlds(begin, tmp_path):
        before = pids(world)
        world.looks(3)
        verbs = [(e.subject, e.outcome) for e in world.cloud().events(limit=1000)]
        done = [outcome for subject, outcome in verbs if subject == "app"]
        assert pids(world) != before or done[-1] in ("restarted", "recreated")


def test_killed_at_any_boundary_and_then_the_new_host_dies_as_well(tmp_path: Path) -> None:
    """It is fenced, too, before a third one gets what may have been running there."""
    number, fuse = 0, None
    while fuse is None or fuse.dead:
        number += 1
        world = Clinic(tmp_path / str(number), pool={"count": 5, "maximum": 6})
        world.cloud().up()
        dead_host(world)
        addresses = {c.name: c.address for c in world.cloud().list()}
        fuse = world.killed(heal, number)
        places = {c.move.host_id for c in world.cloud().list() if c.move and c.move.host_id}
        ready = {v.host.id: v.host.name for v in world.cloud().hosts() if v.host.stamp}
        for host_id in sorted(places & ready.keys())[:1]:
            world.machines.kill(ready[host_id])

        for _ in range(4):
            world.look()
            assert_never_twice(world)

        world.assert_agrees()
        assert {c.name: c.address for c in world.cloud().list()} == addresses
        assert all(world.is_running(name) == (name != "off") for name in addresses)
    assert number > 20
