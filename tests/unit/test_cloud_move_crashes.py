"""Moves of processes that die at any moment, on hosts in memory: at every boundary of
``tests/crash.py``, and in random order with everything else."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from agreement import assert_nothing_left
from moving import DATA, WEB, World

from clocker.cloud import Cloud
from clocker.errors import NameTaken, NothingFits
from clocker.model import ContainerRequest, NetworkSpec, Resources, Wait


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.cloud().up()
    return world


def move(cloud: Cloud) -> None:
    cloud.move("web", volumes=True)


BEGINNINGS: dict[str, ContainerRequest] = {
    "plain": WEB,
    "with-volumes": DATA,
    "with-ssh": replace(WEB, ssh=True, wait=Wait.SSH),
    "created-only": replace(DATA, wait=Wait.CREATED),
}


def boundaries(make: Callable[[int], World]) -> Iterator[tuple[int, World]]:
    number = 0
    while True:
        number += 1
        world = make(number)
        fuse = world.killed(move, number)
        if not fuse.dead:
            assert number > 5
            return
        yield number, world


def beginning(kind: str, folder: Path) -> World:
    world = World(folder)
    world.cloud().up()
    world.cloud().obtain(BEGINNINGS[kind])
    for container in world.found().values():
        if kind != "plain":
            container.files.write("/var/data/x", b"kept")
    return world


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_killed_at_any_boundary_there_are_never_two_and_up_makes_it_one(
    kind: str, tmp_path: Path
) -> None:
    for _, world in boundaries(lambda n: beginning(kind, tmp_path / str(n))):
        before = world.record()
        assert sum(container.running for container in world.found().values()) <= 1

        world.cloud().up()

        world.assert_agrees()
        assert list(world.found()) == [world.place()]
        after = world.record()
        assert (after.address, after.mac, after.id) == (before.address, before.mac, before.id)
        assert world.found()[world.place()].running == (kind != "created-only")
        if kind in ("with-volumes", "created-only"):
            assert world.found()[world.place()].files.read("/var/data/x") == b"kept"
            holders = [m.name for m in world.machines.all() if m.engine.volumes]
            assert holders == [world.place()]


@pytest.mark.parametrize("kind", BEGINNINGS)
def test_killed_at_any_boundary_the_same_command_moves_it(kind: str, tmp_path: Path) -> None:
    for _, world in boundaries(lambda n: beginning(kind, tmp_path / str(n))):
        move(world.cloud())
        world.assert_agrees()
        assert list(world.found()) == [world.place()]


def test_killed_at_any_boundary_it_can_be_removed(tmp_path: Path) -> None:
    for _, world in boundaries(lambda n: beginning("with-volumes", tmp_path / str(n))):
        world.cloud().release("web")
        assert world.found() == {}
        world.assert_agrees()


def test_killed_at_any_boundary_down_leaves_nothing(tmp_path: Path) -> None:
    for _, world in boundaries(lambda n: beginning("with-volumes", tmp_path / str(n))):
        world.cloud().down()
        assert_nothing_left(world.process())
        assert world.machines.all() == ()


@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_of_everything_in_random_order(world: World, seed: int) -> None:
    """Obtained, removed, stopped, moved, killed while it moves: all agree at the end."""
    chance = random.Random(seed)
    network = NetworkSpec(subnet="10.210.0.0/26", reserved=("10.210.0.20-10.210.0.30",))
    world.spec_changes["network"] = network
    addresses: dict[str, str] = {}
    for step in range(200):
        names = [container.name for container in world.cloud().list()]
        world.first.clock.advance(chance.choice([1, 30]))  # type: ignore[union-attr]
        verb = chance.choice(["obtain", "obtain", "release", "move", "move", "stop", "killed"])
        try:
            if verb == "obtain" or not names:
                name = f"c{chance.randrange(12)}"
                world.cloud().obtain(replace(WEB, name=name, resources=Resources(0.5)))
            elif verb == "release":
                world.cloud().release(chance.choice(names))
            elif verb == "move":
                world.cloud().move(chance.choice(names))
            elif verb == "stop":
                world.cloud().stop(chance.choice(names))
            else:
                name, at = chance.choice(names), chance.randrange(2, 14)
                world.killed(lambda cloud, name=name: cloud.move(name), at)
        except (NameTaken, NothingFits):
            pass
        for container in world.cloud().list():
            known = addresses.setdefault(container.id, container.address)
            assert container.address == known, step
            assert not 20 <= int(container.address.split(".")[-1]) <= 30
    world.cloud().up()
    world.assert_agrees()
    assert addresses
