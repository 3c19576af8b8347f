"""The authorities of a cloud are replaced, on machines in memory: whatever happens on the way, no
engine refuses its controllers, and none accepts an authority that has been dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from test_cloud_crashes import SPEC, World, down, run_old

from clocker.bootstrap.engine_access import engine_files
from clocker.bootstrap.trust import trust_of
from clocker.certificates import fingerprint
from clocker.cloud import Cloud
from clocker.cloud.firewall import openings
from clocker.errors import BadInput, BootstrapFailed, Unreachable
from clocker.model import EngineOptions, Host, HostState, Opening, Source, Trust

TLS = replace(SPEC, engine=EngineOptions(access="tls"))
FOLDER = engine_files(SPEC.name).folder


def tls_world(folder: Path) -> World:
    world = World(folder, TLS)
    world.cloud().up()
    run_old(world.cloud())
    return world


def trust(world: World) -> Trust:
    found = trust_of(world.process().store)
    assert found is not None
    return found


def hosts(world: World) -> tuple[Host, ...]:
    with world.process().store.read() as tx:
        return tuple(tx.hosts())


def assert_all_are_let_in(world: World) -> None:
    """By what is on record, and what the hosts have."""
    believed = trust(world)
    for host in hosts(world):
        if host.engine_port is None:
            continue
        files = world.machines.machine(host).files
        accepted = files.read(f"{FOLDER}/authorities.pem").decode()
        assert believed.of_controllers.certificate in accepted
        shown = [
            item.generation
            for item in believed.authorities
            if files.exists(f"{FOLDER}/{fingerprint(item)}.pem")
        ]
        assert shown, f"{host.name} shows what nobody believes"


def assert_one_authority(world: World, generation: int) -> None:
    believed = trust(world)
    assert believed.settled and [item.generation for item in believed.authorities] == [generation]
    for host in hosts(world):
        files = world.machines.machine(host).files
        assert files.read(f"{FOLDER}/authorities.pem").decode() == believed.bundle


def rotate(cloud: Cloud) -> None:
    cloud.rotate_certs()


def test_all_hosts_get_new_keys_and_certificates(tmp_path: Path) -> None:
    world = tls_world(tmp_path)
    assert_one_authority(world, 1)
    assert {host.engine_port for host in hosts(world)} == {2376}
    report = world.cloud().rotate_certs()
    assert (report.generation, report.resumed) == (2, False)
    assert report.hosts == tuple(sorted(host.name for host in hosts(world)))
    assert_one_authority(world, 2)
    assert_all_are_let_in(world)
    assert world.containers == {"test.old"}
    assert world.cloud().up().changed == ()


def test_killed_at_any_boundary_nobody_is_locked_out_and_it_is_completed(tmp_path: Path) -> None:
    passed = tls_world(tmp_path / "0").killed(rotate, 0).passed
    assert len(passed) > 10
    for number in range(1, len(passed) + 1):
        for then in (rotate, lambda cloud: cloud.up()):
            world = tls_world(tmp_path / f"{number}-{then is rotate}")
            world.killed(rotate, number)
            assert_all_are_let_in(world)
            begun = trust(world).of_hosts.generation == 2

            then(world.cloud())

            assert_all_are_let_in(world)
            done = trust(world).of_hosts.generation
            assert_one_authority(world, done)
            assert done >= (2 if begun or then is rotate else 1)
            world.assert_agrees()
            assert world.containers == {"test.old"}


def test_a_host_that_is_away_stops_it_and_locks_nobody_out(tmp_path: Path) -> None:
    world = tls_world(tmp_path)
    away = hosts(world)[1]
    world.machines.kill(away)
    with pytest.raises(BootstrapFailed, match="1 of 2 hosts were not told") as caught:
        world.cloud().rotate_certs()
    (failure,) = caught.value.failures
    assert isinstance(failure, Unreachable) and away.name in str(failure.where)
    assert_all_are_let_in(world)
    assert [item.generation for item in trust(world).authorities] == [1, 2]
    world.machines.revive(away)
    report = world.cloud().rotate_certs()
    assert (report.generation, report.resumed) == (2, True)
    assert_one_authority(world, 2)


def test_a_host_made_meanwhile_is_told_as_well(tmp_path: Path) -> None:
    world = tls_world(tmp_path)
    world.killed(rotate, 3)
    world.spec = replace(TLS, hosts=replace(TLS.hosts, count=3))
    world.cloud().up()
    assert len(hosts(world)) == 3
    assert_one_authority(world, 2)
    assert_all_are_let_in(world)


def test_up_changes_the_access_both_ways(tmp_path: Path) -> None:
    world = World(tmp_path, SPEC)
    world.cloud().up()
    assert {host.engine_port for host in hosts(world)} == {None}
    with pytest.raises(BadInput, match="reached by SSH") as caught:
        world.cloud().rotate_certs()
    assert "engine.access" in str(caught.value)
    world.spec = replace(TLS, engine=EngineOptions(access="tls", port=2400))
    assert len(world.cloud().up().changed) == 2
    assert {host.engine_port for host in hosts(world)} == {2400}
    world.spec = SPEC
    assert len(world.cloud().up().changed) == 2
    assert {host.engine_port for host in hosts(world)} == {None}
    assert not any(m.files.exists(f"{FOLDER}/authorities.pem") for m in world.machines.all())
    down(world.cloud())
    world.assert_nothing_left()


def test_a_providers_firewall_lets_controllers_through(tmp_path: Path) -> None:
    wanted = Opening("tcp", 2376, 2376, Source.CONTROLLER)
    assert wanted in openings(World(tmp_path / "tls", TLS).process())
    assert wanted not in openings(World(tmp_path / "ssh", SPEC).process())


def test_a_lost_store_is_rebuilt_through_ssh(tmp_path: Path) -> None:
    world = tls_world(tmp_path)
    world.cloud().rotate_certs()
    world.first = None
    assert world.cloud().adopt().containers == ("old",)
    assert {host.engine_port for host in hosts(world)} == {None}
    assert len(world.cloud().up().changed) == 2
    assert_one_authority(world, 1)
    assert_all_are_let_in(world)
    assert {host.state for host in hosts(world)} == {HostState.READY}
