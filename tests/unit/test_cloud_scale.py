"""``scale`` on machines in memory: what it makes and removes, alone and with others."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moving import DATA, WEB, World

from clocker.cloud import Cloud, ScaleReport
from clocker.errors import BadInput, BootstrapFailed, NotFound, NothingFits, ProviderError
from clocker.model import (
    ContainerRequest,
    Headroom,
    HostState,
    Keep,
    NodePool,
    Resources,
    RuleSpec,
)

POOL = NodePool(("fake",), count=1, maximum=6, shape=Resources(4.0, 8192, 100_000), timeout_s=5.0)
ONE = (ContainerRequest("x", Resources(1, 512)),)
KEEP_TWO = Headroom(Keep(2), ONE, minimum=1, maximum=6, up_s=0.0, down_s=300.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One host with four cores, and room for two more containers of one core each."""
    world = World(tmp_path, spec_changes={"hosts": POOL, "headroom": KEEP_TWO})
    world.cloud().up()
    return world


def keep(world: World, **changes: Any) -> None:
    world.spec_changes["headroom"] = replace(KEEP_TWO, **changes)


def fill(world: World, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        world.cloud().obtain(replace(WEB, name=f"w{number}", resources=Resources(1, 512)))


def wait(world: World, seconds: float) -> None:
    world.first.clock.advance(seconds)  # type: ignore[union-attr]


def names(world: World) -> set[str]:
    return {view.host.name for view in world.cloud().hosts()}


def test_exactly_one_host_is_made_and_the_second_run_does_nothing(world: World) -> None:
    fill(world, 2)
    assert world.cloud().scale().why.endswith("room for 2 of 2 more (each 1 core, 512 MiB): "
                                              "nothing to do")  # fmt: skip
    fill(world, 1, first=2)
    planned = world.cloud().scale(dry_run=True)
    assert planned.added == ("test-?",) and len(names(world)) == 1
    report = world.cloud().scale()
    assert len(report.added) == 1 and set(report.added) < names(world)
    assert report.why.endswith("1 host, room for 1 of 2 more (each 1 core, 512 MiB): 1 host added")
    assert world.cloud().scale().added == ()
    assert len(world.machines.all()) == 2
    world.assert_agrees()


def test_what_is_not_needed_goes_after_the_cooldown_with_what_is_on_it(world: World) -> None:
    fill(world, 6)
    world.cloud().scale()
    assert len(names(world)) == 2
    addresses = {c.name: c.address for c in world.cloud().list()}
    for name in ("w0", "w1", "w2", "w3"):
        world.cloud().release(name)
    wait(world, 301)
    first = world.cloud().scale()
    assert first.removed == () and "not needed; may go in 300 s" in first.why
    wait(world, 299)
    assert world.cloud().scale().removed == ()
    wait(world, 1)
    report = world.cloud().scale()
    assert len(report.removed) == 1 and len(names(world)) == 1
    assert {c.name: c.address for c in world.cloud().list()} == {
        name: addresses[name] for name in ("w4", "w5")
    }
    assert all(container.running for n in ("w4", "w5") for container in world.found(n).values())
    world.assert_agrees()


def test_a_host_that_cannot_be_emptied_after_all_takes_containers_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(world, minimum=0, up_s=0.0)
    fill(world, 3)
    world.cloud().scale()
    world.cloud().release("w0")
    wait(world, 301)
    world.cloud().scale()
    wait(world, 301)
    going = world.cloud().scale(dry_run=True).removed
    # Between decision and removal somebody comes.
    from clocker.cloud import drain

    plain = drain._claim

    def late(parts: Any, name: str, **options: Any) -> Any:
        monkeypatch.setattr(drain, "_claim", plain)
        world.cloud().host(name).uncordon()
        pinned = (RuleSpec("hostname", {"pattern": name}),)
        world.cloud().obtain(replace(DATA, name="late", rules=pinned))
        return plain(parts, name, **options)

    monkeypatch.setattr(drain, "_claim", late)
    report = world.cloud().scale()
    assert report.removed == () and [stay.name for stay in report.stays] == list(going)
    assert not world.cloud().host(going[0]).record.cordoned
    assert world.place("late") == going[0]
    world.assert_agrees()


def test_demand_that_comes_back_keeps_a_host_that_was_leaving(world: World) -> None:
    """Killed once the host is cordoned."""
    fill(world, 3)
    world.cloud().scale()
    world.cloud().release("w2")
    wait(world, 301)
    world.cloud().scale()
    wait(world, 301)
    going = world.cloud().scale(dry_run=True).removed
    number = 0
    while not any(view.host.cordoned for view in world.cloud().hosts()):
        number += 1
        world.killed(lambda cloud: cloud.scale(), number)
    assert {v.host.name for v in world.cloud().hosts() if v.host.cordoned} == set(going)
    fill(world, 1, first=5)
    report = world.cloud().scale()
    assert (report.back, report.added, report.removed) == (going, (), ())
    assert "stays" in report.why
    world.assert_agrees()


def test_a_host_cordoned_by_hand_is_left_alone(world: World) -> None:
    (name,) = names(world)
    world.cloud().host(name).cordon()
    report = world.cloud().scale()
    assert len(report.added) == 1
    wait(world, 301)
    world.cloud().scale()
    wait(world, 301)
    assert world.cloud().scale().removed == ()
    assert world.cloud().host(name).record.cordoned


def side_by_side(*verbs: Callable[[], ScaleReport]) -> list[ScaleReport]:
    with ThreadPoolExecutor() as pool:
        return [job.result() for job in [pool.submit(verb) for verb in verbs]]


def test_two_at_once_act_once(world: World) -> None:
    fill(world, 3)
    clouds = [world.cloud() for _ in range(4)]
    reports = side_by_side(*(cloud.scale for cloud in clouds))
    assert sum(len(report.added) for report in reports) == 1
    assert len(world.machines.all()) == 2
    world.assert_agrees()


def test_one_that_is_at_it_is_waited_for_by_nobody(world: World) -> None:
    from clocker.cloud import ledger
    from clocker.cloud.scale import LEASE

    fill(world, 3)
    parts = world.process()
    with parts.store.transaction() as tx:
        work = ledger.claim_setting(parts, tx, LEASE)
    assert work is not None
    assert world.cloud().scale().why == "another run is at it"
    world.dead.add(parts.owner)
    assert len(world.cloud().scale().added) == 1
    with pytest.raises(ledger.TakenOver), parts.store.read() as tx:
        ledger.still_holds_setting(tx, LEASE, work)


def test_a_provider_that_fails_leaves_nothing_and_is_asked_again(world: World) -> None:
    fill(world, 3)
    parts = world.process()
    parts.providers["fake"].fail_next("obtain", ProviderError("no"))  # type: ignore[attr-defined]
    with pytest.raises(BootstrapFailed, match="1 of 1 hosts could not be made or removed"):
        Cloud(parts).scale()
    states = sorted(view.host.state for view in world.cloud().hosts())
    assert states == [HostState.FAILED, HostState.READY]
    report = world.cloud().scale()
    assert len(report.added) == 1
    assert len(names(world)) == len(world.machines.all()) == 2
    world.assert_agrees()


def test_without_headroom_it_says_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    with pytest.raises(BadInput, match="does not say what room"):
        world.cloud().scale()


def test_a_shape_that_nobody_said_is_taken_from_the_offer(tmp_path: Path) -> None:
    pool = replace(POOL, shape=Resources())
    keep_many = replace(KEEP_TWO, keep=Keep(9))
    world = World(tmp_path, spec_changes={"hosts": pool, "headroom": keep_many})
    report = world.cloud().scale()
    capacity = next(iter(world.cloud().hosts())).host.capacity
    per_host = int(min(capacity.cores, capacity.ram_mb / 512))
    assert len(report.added) == -(-9 // per_host)
    assert world.cloud().scale().added == ()


@pytest.mark.parametrize("seed", range(4))
def test_eighty_of_everything_in_random_order(world: World, seed: int) -> None:
    """Containers come and go, hosts are drained and removed by hand, and ``scale`` runs and is
    killed at any boundary: nothing is lost, and in the end there is the room that is wanted."""
    chance = random.Random(seed)
    here: dict[str, str] = {}
    for step in range(80):
        wait(world, chance.choice([1, 100, 400]))
        verb = chance.choice(["come", "come", "come", "go", "scale", "killed", "rm", "drain"])
        try:
            if verb == "come":
                name = f"c{step}"
                need = Resources(chance.choice([0.5, 1, 2]), 256)
                made = world.cloud().obtain(replace(WEB, name=name, resources=need))
                here[name] = made.address
            elif verb == "go" and here:
                name = chance.choice(sorted(here))
                world.cloud().release(name)
                del here[name]
            elif verb == "scale":
                world.cloud().scale()
            elif verb == "killed":
                world.killed(lambda cloud: cloud.scale(), chance.randrange(1, 30))
            elif verb in ("rm", "drain"):
                host = world.cloud().host(chance.choice(sorted(names(world)) or ["none"]))
                host.remove() if verb == "rm" else host.drain()
                if verb == "drain":
                    host.uncordon()
        except (NothingFits, NotFound):
            pass
        assert {c.name: c.address for c in world.cloud().list()} == here, (step, verb)
    world.cloud().scale()
    wait(world, 400)
    world.cloud().scale()
    wait(world, 400)
    report = world.cloud().scale()
    assert not report.short or "no more than 6 hosts" in report.why
    world.cloud().up()
    world.assert_agrees()
    assert sum(c.running for m in world.machines.all() for c in m.engine.containers()) == len(here)
