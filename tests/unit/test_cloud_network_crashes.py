"""kill -9 at every boundary of what changes networks, on machines in memory: the same command, or
``up``, ends in agreement, and ``down`` leaves nothing (see ``test_cloud_crashes.py``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_cloud_crashes import Scenario, World, boundaries, down, run_old, up

from clocker.cloud import Cloud
from clocker.model import ContainerRequest

Verb = Callable[[Cloud], object]


def create(cloud: Cloud) -> None:
    cloud.create_network("blue")


def remove(cloud: Cloud) -> None:
    """Once it is forgotten, asking again says so, and `up` takes it off the hosts."""
    if any(view.net.name == "blue" for view in cloud.networks()):
        cloud.remove_network("blue")
    else:
        cloud.up()


def attach(cloud: Cloud) -> None:
    cloud.attach("old", "blue")


def detach(cloud: Cloud) -> None:
    if cloud.machine("old").record.attachments:
        cloud.detach("old", "blue")


def run_on_both(cloud: Cloud) -> None:
    request = ContainerRequest("debian:12", name="web", networks=("blue", "default"))
    cloud.obtain(request)


def move(cloud: Cloud) -> None:
    cloud.move("old", grace_s=0)


SCENARIOS = [
    Scenario("create", (up, run_old), create, 2, ("old",)),
    Scenario("remove", (up, run_old, create), remove, 2, ("old",)),
    Scenario("attach", (up, run_old, create), attach, 2, ("old",)),
    Scenario("detach", (up, run_old, create, attach), detach, 2, ("old",)),
    Scenario("run-on-both", (up, run_old, create), run_on_both, 2, ("old", "web")),
    Scenario("run-on-both-on-a-new-host", (create,), run_on_both, 1, ("web",)),
]
# An attach that was killed is on record: the same command completes it, and detach removes it.
MENDED_BY_UP = [s for s in SCENARIOS if s.verb not in (attach, detach)]


def endpoints_agree(world: World) -> None:
    """What the engines and the name servers have of every container's places."""
    parts = world.process()
    with parts.store.read() as tx:
        hosts = {host.id: host for host in tx.hosts()}
        containers, nets = tx.containers(), tx.networks()
    for container in containers:
        engine = world.machines.machine(hosts[container.host_id]).engine
        seen = engine.inspect(f"test.{container.name}").networks
        assert set(seen.values()) == {place.address for place in container.endpoints}
    for net in nets:
        zones = world.names.of(net).zones
        wanted = {
            c.name: e.address for c in containers for e in c.endpoints if e.network == net.name
        }
        assert all(zone == wanted for zone in zones.values()), zones
    cloud = world.cloud()
    assert cloud.up().changed == ()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_the_same_command_converges(
    scenario: Scenario, tmp_path: Path
) -> None:
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)

        scenario.verb(world.cloud())

        world.assert_agrees()
        endpoints_agree(world)
        assert world.containers == {f"test.{name}" for name in scenario.containers}
        down(world.cloud())
        world.assert_nothing_left()


@pytest.mark.parametrize("scenario", MENDED_BY_UP, ids=lambda scenario: scenario.name)
def test_killed_at_any_boundary_up_cleans_up(scenario: Scenario, tmp_path: Path) -> None:
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(scenario.verb, number)

        up(world.cloud())

        world.assert_agrees()
        endpoints_agree(world)


def test_a_killed_attach_can_be_taken_back(tmp_path: Path) -> None:
    scenario = SCENARIOS[2]
    for number in boundaries(scenario, tmp_path):
        world = scenario.world(tmp_path / str(number))
        world.killed(attach, number)

        detach(world.cloud())

        world.assert_agrees()
        endpoints_agree(world)


def test_a_container_on_two_networks_moves_with_both(tmp_path: Path) -> None:
    world = World(tmp_path)
    for verb in (up, run_old, create, attach):
        verb(world.cloud())
    before = world.cloud().machine("old")
    move(world.cloud())
    after = world.cloud().machine("old")
    assert after.host.id != before.host.id
    assert after.record.endpoints == before.record.endpoints
    world.assert_agrees()
    endpoints_agree(world)
