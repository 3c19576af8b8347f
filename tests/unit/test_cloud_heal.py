"""Healing, over hosts in memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from healing import Clinic, did
from moving import DATA, WEB

from clocker.cloud import Cloud, ledger
from clocker.cloud.heal import heal
from clocker.cloud.heal_run import LEASE
from clocker.cloud.ledger import TakenOver
from clocker.errors import AuthenticationFailed, BadInput, NameTaken, NothingFits, ProviderError
from clocker.images import Images
from clocker.model import (
    ContainerRequest,
    ContainerState,
    Healing,
    HealthCheck,
    HostState,
    Port,
    Resources,
    Restart,
    Secret,
)


@pytest.fixture
def world(tmp_path: Path) -> Clinic:
    world = Clinic(tmp_path)
    world.cloud().up()
    return world


def test_a_cloud_that_is_well_is_left_alone(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    before = world.cloud().events(limit=1000)
    assert did(world.look()) == []
    assert world.cloud().events(limit=1000) == before


def test_what_ended_by_a_failure_is_started_again(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.end("web", 1)
    report = world.look()
    assert did(report) == [("restarted", "web")]
    assert report.done[0].why == "it ended with status 1"
    assert world.is_running("web")
    assert did(world.look()) == []
    world.assert_agrees()


def test_what_has_ended_as_it_should_is_left_alone(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.end("web", 0)
    assert did(world.look()) == []
    assert did(world.look()) == []
    assert not world.is_running("web")


@pytest.mark.parametrize("condition", ["always", "unless-stopped"])
def test_what_is_to_run_always_is_started_even_if_it_ended_well(
    world: Clinic, condition: str
) -> None:
    world.cloud().obtain(replace(WEB, restart=Restart(condition)))
    world.engine(world.place()).set_restart("test.web", Restart())  # its engine gives up
    world.end("web", 0)
    assert did(world.look()) == [("restarted", "web")]


def test_what_went_down_with_its_engine_had_not_ended(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    host = world.place()
    world.end("web", 0)
    world.machines.stop_engine(host)
    world.look()
    world.machines.start_engine(host)
    assert did(world.look()) == [("restarted", "web")]


def test_one_that_was_stopped_by_hand_stays_stopped(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.cloud().stop("web")
    assert did(world.look()) == []
    assert not world.is_running("web")


def test_one_whose_health_check_fails_is_restarted(world: Clinic) -> None:
    check = HealthCheck(("test", "-e", "/sick"))
    world.cloud().obtain(replace(WEB, health=check))
    report = world.look()
    assert did(report) == [("restarted", "web")]
    assert report.done[0].why == "its health check fails"


def test_a_loop_of_failures_ends_with_a_report(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, healing=Healing(attempts=3)))
    seen = []
    for _ in range(5):
        if world.state("web") == "running" and world.is_running("web"):
            world.end("web", 3)
        seen += did(world.look())
    assert seen == [*[("restarted", "web")] * 3, ("given up", "web")]
    report = world.look()
    assert (report.given_up, report.troubles[0].subject) == (True, "web")
    assert "3 restarts were in vain" in report.troubles[0].why
    assert world.record().state is ContainerState.FAILED


def test_one_that_was_given_up_is_trusted_again_once_somebody_starts_it(world: Clinic) -> None:
    restart = Restart("on-failure", 2)
    world.cloud().obtain(replace(WEB, healing=Healing(attempts=0), restart=restart))
    world.engine(world.place()).set_restart("test.web", Restart())
    world.end("web", 3)
    assert did(world.look()) == [("given up", "web")]
    world.cloud().start("web")
    record = world.record()
    assert (record.state, record.error) == (ContainerState.RUNNING, None)
    assert world.found()[world.place()].spec.restart == restart
    assert not world.look().given_up


def test_restarts_wait_longer_and_longer(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, healing=Healing(backoff_s=100.0, backoff_most_s=150.0)))
    outcomes = []
    for _ in range(6):
        if world.is_running("web"):
            world.end("web", 1)
        outcomes.append(did(world.look()))
    again = [("restarted", "web")]
    assert outcomes == [again, [], again, [], [], again]


def test_one_that_vanished_is_made_anew_where_it_was(world: Clinic) -> None:
    world.cloud().obtain(replace(DATA, ports=(Port(80),), ssh=True))
    before, host = world.record(), world.place()
    world.found()[host].files.write("/var/data/x", b"kept")
    world.engine(host).remove("test.web")
    assert did(world.look()) == [("created", "web")]
    after = world.record()
    kept = ("id", "address", "mac", "ports", "host_id")
    assert [getattr(after, k) for k in kept] == [getattr(before, k) for k in kept]
    assert world.found()[host].files.read("/var/data/x") == b"kept"
    world.assert_agrees()


def test_a_stopped_one_that_vanished_is_made_and_not_started(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.cloud().stop("web")
    world.engine(world.place()).remove("test.web")
    assert did(world.look()) == [("created", "web")]
    assert not world.is_running("web")
    world.assert_agrees()


def test_who_depends_on_it_is_restarted_after_it_and_in_turn(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, name="db"))
    world.cloud().obtain(replace(WEB, name="web", healing=Healing(restart_with=("db",))))
    world.cloud().obtain(replace(WEB, name="proxy", healing=Healing(restart_with=("web",))))
    world.end("db")
    order = [("restarted", "db"), ("restarted", "web"), ("restarted", "proxy")]
    assert did(world.cloud().heal(dry_run=True)) == order
    assert did(world.look()) == order
    assert did(world.look()) == []


def test_two_that_depend_on_each_other_are_restarted_once(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, name="a", healing=Healing(restart_with=("b",))))
    world.cloud().obtain(replace(WEB, name="b", healing=Healing(restart_with=("a",))))
    world.end("a")
    assert did(world.look()) == [("restarted", "a"), ("restarted", "b")]
    assert did(world.look()) == []


def test_a_dead_host_is_replaced_and_what_it_had_keeps_name_and_address(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, ports=(Port(80),), aliases=("www",), ssh=True))
    before, host = world.record(), world.place()
    world.machines.kill(host)
    assert did(world.look()) == []
    assert world.record().host_id == before.host_id  # within the hysteresis
    assert did(world.look()) == [("replaced", host), ("recreated", "web")]
    after = world.record()
    assert world.place() != host
    kept = ("id", "address", "mac", "ports", "request")
    assert [getattr(after, k) for k in kept] == [getattr(before, k) for k in kept]
    assert world.is_running("web")
    assert host not in {view.host.name for view in world.cloud().hosts()}
    assert host not in {machine.name for machine in world.machines.all()}
    assert did(world.look()) == []
    world.assert_agrees()


def test_one_that_was_stopped_is_made_anew_and_not_started(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.cloud().stop("web")
    world.machines.kill(world.place())
    world.looks(2)
    assert world.state("web") == "stopped"
    world.assert_agrees()


def test_a_host_that_answers_in_time_is_left_alone(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, restart=Restart("always")))
    host = world.place()
    for _ in range(3):
        world.machines.kill(host)
        assert did(world.look()) == []
        world.machines.revive(host)
        assert did(world.look()) == []
    assert world.place() == host


def test_looks_close_together_do_not_make_a_host_dead(world: Clinic) -> None:
    host = world.cloud().hosts()[0].host.name
    world.machines.kill(host)
    for _ in range(10):
        assert did(world.cloud().heal()) == []
        world.pass_time(2.9)
    world.pass_time(1.1)
    assert did(world.cloud().heal()) == [("replaced", host)]


def test_the_important_ones_get_the_room_that_is_left(world: Clinic) -> None:
    world.pool |= {"maximum": 3}
    for number in range(3):
        request = replace(WEB, name=f"c{number}", resources=Resources(3.0))
        world.cloud().obtain(replace(request, healing=Healing(priority=number)))
    by_host = {world.place(f"c{n}"): f"c{n}" for n in range(3)}
    assert len(by_host) == 3
    dead = world.place("c0")
    small = replace(WEB, resources=Resources(1.0))
    for name, priority in (("low", 1), ("high", 5)):
        world.cloud().obtain(replace(small, name=name, healing=Healing(priority=priority)))
    world.machines.kill(dead)
    reports = world.looks(2)
    done = [(i.subject, i.error) for i in reports[1].done if i.did == "recreated"]
    order = [name for name, _ in done]
    placed = [name for name, error in done if error is None]
    assert order[: len(placed)] == placed
    assert "c0" in placed or isinstance(dict(done)["c0"], NothingFits)


def test_a_new_host_is_made_where_there_is_no_room(world: Clinic) -> None:
    for number in range(3):
        world.cloud().obtain(replace(WEB, name=f"c{number}", resources=Resources(3.0)))
    world.machines.kill(world.place("c1"))
    world.looks(2)
    assert world.is_running("c1")
    assert len(world.cloud().hosts()) == 3
    world.assert_agrees()


def test_without_room_it_waits_with_its_address_until_there_is_some(world: Clinic) -> None:
    world.pool |= {"maximum": 3}
    for number in range(3):
        world.cloud().obtain(replace(WEB, name=f"c{number}", resources=Resources(3.0)))
    address, host = world.record("c1").address, world.place("c1")
    world.machines.kill(host)
    world.pool |= {"maximum": 2, "count": 2}
    report = world.looks(2)[1]
    assert [type(error) for error in report.failures] == [NothingFits]
    assert world.state("c1") == "replacing"
    with pytest.raises(BadInput):
        world.cloud().obtain(ContainerRequest("debian:12", name="c1"))
    world.pool |= {"maximum": 3}
    assert ("recreated", "c1") in did(world.look())
    assert world.record("c1").address == address
    world.assert_agrees()


def test_nothing_is_made_elsewhere_before_the_old_host_is_fenced(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    host = world.place()
    world.machines.kill(host)
    world.look()
    parts = world.process()
    parts.providers["fake"].fail_next("release", ProviderError("the API is away"))
    report = type(world.cloud())(parts).heal()
    assert [error.what for error in report.failures] == ["the API is away"]
    assert (world.state("web"), list(world.found())) == ("replacing", [host])
    assert ("recreated", "web") in did(world.look())
    world.assert_agrees()


def test_a_host_that_comes_back_before_it_was_fenced_has_its_containers_again(
    world: Clinic,
) -> None:
    world.cloud().obtain(replace(WEB, restart=Restart("always")))
    before, host = world.record(), world.place()
    world.machines.kill(host)
    world.look()
    parts = world.process()
    parts.providers["fake"].fail_next("release", ProviderError("the API is away"))
    type(world.cloud())(parts).heal()
    world.machines.revive(host)
    assert did(world.look()) == [("cleaned", host)]
    assert world.record() == before
    assert did(world.look()) == []
    world.assert_agrees()


def test_half_of_the_hosts_at_once_and_none_is_replaced(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    hosts = [view.host.name for view in world.cloud().hosts()]
    for host in hosts[:2]:
        world.machines.kill(host)
    reports = world.looks(4)
    assert [did(report) for report in reports] == [[], [], [], []]
    assert (
        reports[-1].breaker == "2 of 3 hosts are silent at once, more than 45%: no host is replaced"
    )
    assert {view.host.state for view in world.cloud().hosts()} == {HostState.READY}
    world.machines.revive(hosts[0])
    assert ("replaced", hosts[1]) in did(world.look())


def test_one_of_two_is_replaced_and_the_last_one_is_not(tmp_path: Path) -> None:
    world = Clinic(tmp_path)
    world.pool = {"count": 2, "maximum": 2}
    world.cloud().up()
    first, second = [view.host.name for view in world.cloud().hosts()]
    world.machines.kill(first)
    assert ("replaced", first) in [pair for r in world.looks(2) for pair in did(r)]
    world.machines.kill(second)
    report = world.looks(3)[-1]
    assert report.breaker is not None and "cut off" in report.breaker
    assert did(report) == []


def test_data_is_not_given_up_without_a_word(world: Clinic) -> None:
    world.cloud().obtain(DATA)
    host = world.place()
    world.machines.kill(host)
    report = world.looks(3)[-1]
    assert did(report) == []
    assert "web would lose what is in volumes" in report.troubles[0].why
    assert world.place() == host
    world.heal_spec(replace_volumes=True)
    assert ("recreated", "web") in did(world.look())
    world.assert_agrees()


def test_what_is_not_to_be_replaced_is_lost_and_can_be_removed(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, healing=Healing(replace=False)))
    host = world.place()
    world.machines.kill(host)
    world.looks(2)
    report = world.look()
    assert (world.state("web"), report.troubles[0].subject) == ("lost", "web")
    world.cloud().release("web")
    world.look()
    assert host not in {view.host.name for view in world.cloud().hosts()}
    world.assert_agrees()


def test_an_engine_that_stopped_is_started_again(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    host = world.place()
    world.machines.stop_engine(host)
    assert did(world.look()) == []
    assert did(world.look()) == [("repaired", host)]
    assert did(world.look()) == [("restarted", "web")]
    assert (world.is_running("web"), world.place()) == (True, host)
    world.assert_agrees()


def test_what_is_on_no_record_is_adopted(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    record = world.record()
    with world.first.store.transaction() as tx:  # type: ignore[union-attr]
        tx.delete_container(record.id)
        tx.release_leases("container/web", 0.0)
    assert did(world.look()) == [("adopted", "web")]
    assert world.record().address == record.address
    world.assert_agrees()


def test_what_has_somebody_elses_name_is_removed(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    record, host = world.record(), world.place()
    with world.first.store.transaction() as tx:  # type: ignore[union-attr]
        tx.delete_container(record.id)
        tx.release_leases("container/web", 0.0)
    world.cloud().host(host).cordon()
    world.cloud().obtain(WEB)
    world.cloud().host(host).uncordon()
    assert did(world.look()) == [("removed", "web")]
    assert list(world.found()) == [world.place()]
    world.assert_agrees()


def test_a_variable_that_is_not_set_here_is_told_and_tried_again(
    world: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    world.cloud().obtain(replace(WEB, env={"TOKEN": None}))
    monkeypatch.delenv("TOKEN")
    world.machines.kill(world.place())
    report = world.looks(2)[1]
    assert [error.what for error in report.failures] == ["not set in this environment: TOKEN"]
    assert world.state("web") == "replacing"
    monkeypatch.setenv("TOKEN", "s3cret")
    assert did(world.look()) == [("recreated", "web")]


def test_two_at_once_act_once(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.end("web")
    parts = world.process()
    with parts.store.transaction() as tx:
        assert ledger.claim_setting(parts, tx, LEASE)
    report = world.cloud().heal()
    assert (report.note, report.done) == ("another run is at it", ())
    assert not world.is_running("web")


def test_a_dry_run_changes_nothing(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.end("web")
    before = world.cloud().events(limit=1000)
    assert did(world.cloud().heal(dry_run=True)) == [("restarted", "web")]
    assert not world.is_running("web")
    assert world.cloud().events(limit=1000) == before


def keep_machine(world: Clinic, name: str) -> None:
    """As if it were somebody's own: nobody can switch it off."""
    parts = world.process()
    with parts.store.transaction() as tx:
        host = next(host for host in tx.hosts() if host.name == name)
        assert host.access is not None
        tx.put_host(replace(host, access=replace(host.access, kept=True)))


def test_a_machine_that_nobody_can_switch_off_needs_somebodys_word(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, restart=Restart("always")))
    host, address = world.place(), world.record().address
    keep_machine(world, host)
    with pytest.raises(BadInput, match="it answers"):
        world.cloud().heal(fenced=[host])
    world.machines.kill(host)
    report = world.looks(3)[-1]
    assert did(report) == []
    assert report.troubles[0].remedy == (
        f"bring it back; if it is certain that it is off: clocker heal --fenced {host}"
    )

    assert did(world.cloud().heal(dry_run=True, fenced=[host])) == [("replaced", host)]
    assert did(world.look(host)) == [("replaced", host), ("recreated", "web")]
    assert (world.place() != host, world.record().address) == (True, address)
    assert did(world.look()) == []
    states = {view.host.name: view.host.state for view in world.cloud().hosts()}
    assert states[host] is HostState.LOST  # it may come back

    world.machines.revive(host)
    assert did(world.look()) == [("cleaned", host)]
    assert list(world.found()) == [world.place()]
    world.assert_agrees()


def test_a_host_that_was_said_to_be_off_can_be_forgotten(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    host = world.place()
    keep_machine(world, host)
    world.machines.kill(host)
    world.look(host)
    world.cloud().host(host).remove()
    assert host not in {view.host.name for view in world.cloud().hosts()}
    world.assert_agrees()


def test_data_is_there_again_when_its_host_comes_back(world: Clinic) -> None:
    world.cloud().obtain(replace(DATA, restart=Restart("always")))
    world.cloud().obtain(replace(WEB, name="other"))
    before, host = world.record(), world.place()
    world.found()[host].files.write("/var/data/x", b"kept")
    world.machines.kill(host)
    world.look(host)
    assert world.state("web") == "lost"
    assert "what it had in volumes" in world.look().troubles[0].why
    world.machines.revive(host)
    assert ("cleaned", host) in did(world.look())
    assert world.record() == before
    assert world.found()[host].files.read("/var/data/x") == b"kept"
    assert did(world.look()) == []
    world.assert_agrees()


def test_what_was_restarted_in_vain_is_tried_again_on_another_host(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, healing=Healing(attempts=0)))
    world.end("web")
    world.look()
    assert world.state("web") == "failed"
    world.machines.kill(world.place())
    assert ("recreated", "web") in [pair for r in world.looks(2) for pair in did(r)]
    assert world.is_running("web")
    world.assert_agrees()


def test_secrets_are_brought_again(world: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    world.cloud().obtain(replace(WEB, secrets=(Secret("token", target="token", env="TOKEN"),)))
    world.machines.kill(world.place())
    world.looks(2)
    files = world.machines.machine(world.place()).files
    kept = f"/run/clocker/secrets/test/{world.record().id}/files/token"
    assert files.read(kept) == b"s3cret"


def test_up_makes_another_host_and_leaves_the_lost_one(world: Clinic) -> None:
    host = world.cloud().hosts()[0].host.name
    keep_machine(world, host)
    world.machines.kill(host)
    world.look(host)
    world.cloud().up()
    states = sorted(str(view.host.state) for view in world.cloud().hosts())
    assert states == ["lost", "ready", "ready", "ready"]
    with pytest.raises(BadInput, match="given up as dead"):
        world.cloud().host(host).repair()


def test_while_somebody_moves_it_nothing_is_done(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    parts = world.process()
    with parts.store.transaction() as tx:
        record = tx.container("web")
        assert record is not None
        tx.put_container(replace(record, work=ledger.new_work(parts, tx)))
    world.end("web")
    assert did(world.cloud().heal()) == []
    world.pass_time(31.0)  # its lease is over
    assert did(world.look()) == [("restarted", "web")]


def test_a_fixed_port_that_is_taken_elsewhere_waits_for_a_host(world: Clinic) -> None:
    for name in ("web", "b", "c"):
        world.cloud().obtain(replace(WEB, name=name, ports=(Port(80, 8080),)))
    assert len({world.place(name) for name in ("web", "b", "c")}) == 3
    world.machines.kill(world.place("web"))
    world.looks(2)
    assert world.record().ports == (Port(80, 8080),)
    world.assert_agrees()


def test_of_two_runs_side_by_side_one_acts(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    host = world.place()
    world.machines.kill(host)
    world.look()
    clouds = [world.cloud(), world.cloud()]
    with ThreadPoolExecutor() as pool:
        reports = list(pool.map(lambda cloud: cloud.heal(), clouds))
    acted = [report for report in reports if report.done]
    assert [did(report) for report in acted] == [[("replaced", host), ("recreated", "web")]]
    assert sum(machine.engine.count("create") for machine in world.machines.all()) == 1
    world.assert_agrees()


def test_each_ends_by_its_own_signal_and_grace(world: Clinic) -> None:
    world.cloud().obtain(replace(WEB, stop_signal="SIGINT", stop_grace_s=42.0))
    spec = world.found()[world.place()].spec
    assert (spec.stop_signal, spec.stop_grace_s) == ("SIGINT", 42.0)

    def graces(act: Callable[[Cloud], object]) -> list[float]:
        engine = world.engine(world.place())
        before = len(engine.calls)
        act(world.cloud())
        ended = [c for c in engine.calls[before:] if c.method in ("stop", "restart")]
        return [call.options["grace_s"] for call in ended]

    assert graces(lambda cloud: cloud.restart("web")) == [42.0]
    assert graces(lambda cloud: cloud.restart("web", 1.0)) == [1.0]
    assert graces(lambda cloud: cloud.move("web")) == [42.0]
    host = world.place()
    assert graces(lambda cloud: cloud.host(host).drain()) == [42.0]
    assert graces(lambda cloud: cloud.stop("web")) == [42.0]


def test_one_that_is_removed_while_it_is_made_anew_does_not_come_back(world: Clinic) -> None:
    world.cloud().obtain(WEB)
    world.machines.kill(world.place())
    world.look()
    parts = world.process()
    made = [m.engine for m in world.machines.all() if m.alive]

    class Removing(Images):
        """Somebody removes it when its image is there, and looks before it is made."""

        def prepare(self, *args: Any, **kwargs: Any) -> Any:
            prepared = super().prepare(*args, **kwargs)
            if "web" in {c.name for c in world.cloud().list()}:
                world.cloud().release("web")
            return prepared

    report = heal(parts, Removing())
    assert [type(error) for error in report.failures] == [TakenOver]
    assert [container for engine in made for container in engine.containers()] == []
    assert did(world.look()) == []
    world.assert_agrees()


def test_a_word_on_a_host_is_not_lost(world: Clinic) -> None:
    host = world.cloud().hosts()[0].host.name
    world.machines.kill(host)
    parts = world.process()
    with parts.store.transaction() as tx:
        assert ledger.claim_setting(parts, tx, LEASE)
    with pytest.raises(NameTaken, match="another run is at it"):
        world.cloud().heal(fenced=[host])


def test_a_host_that_lets_nobody_in_is_reported_and_not_replaced(world: Clinic) -> None:
    host = world.cloud().hosts()[0].host.name
    for _ in range(4):
        parts = world.process()
        refused = AuthenticationFailed("it refuses our key", where=f"host {host}")
        parts.connections.fail_next("engine", refused, times=3)
        report = Cloud(parts).heal()
        assert (did(report), len(report.troubles)) == ([], 3)
        assert "cannot be asked: it refuses our key" in report.troubles[0].why
        world.pass_time(60.0)


def test_a_host_that_never_was_ready_is_not_fenced(world: Clinic) -> None:
    parts = world.process()
    with parts.store.transaction() as tx:
        host = tx.hosts()[0]
        tx.put_host(replace(host, state=HostState.FAILED, stamp=None, access=None))
    with pytest.raises(BadInput, match="never was ready"):
        world.cloud().heal(fenced=[host.name])
