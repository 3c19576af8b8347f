"""``watch`` on machines in memory: what makes it look, and when. What a look does, is another's."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from healing import Clinic, did
from moving import WEB, World

from clocker.cloud.look_after import Care, look_after
from clocker.cloud.watch import Look, LookAt, Watch
from clocker.errors import BadInput, EngineError, NotFound
from clocker.images import Images
from clocker.model import Headroom, Keep, Resources

NEVER_S = 3600.0
PATIENCE_S = 30.0


@dataclass(frozen=True)
class Seen:
    """``hosts``: those that were looked at."""

    hosts: frozenset[str] | None = None
    wake_at: float | None = None


def see(hosts: Collection[str] | None) -> Seen:
    return Seen(None if hosts is None else frozenset(hosts))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener sees sooner that it is to stop."""
    monkeypatch.setattr("clocker.cloud.listen._WAIT_S", 0.05)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.cloud().up()
    world.cloud().obtain(WEB)
    return world


@contextmanager
def watching(
    world: World, look: LookAt[Seen] = see, interval_s: float = NEVER_S
) -> Iterator[tuple[Watch[Seen], Iterator[Look[Seen]]]]:
    """A watch, and its looks after the first. It stops when it takes too long to be true."""
    watch = Watch(world.process(), look, interval_s=interval_s, quiet_s=0.05)
    patience = threading.Timer(PATIENCE_S, watch.stop)
    patience.start()
    looks = iter(watch)
    try:
        next(looks)
        yield watch, looks
    finally:
        patience.cancel()
        watch.stop()
        assert [look.error for look in looks if look.error] == []


def until(looks: Iterator[Look[Seen]], *wanted: str) -> list[str]:
    """All that rang, up to the last of these."""
    rung: list[str] = []
    for look in looks:
        rung += [f"{alarm.why}: {alarm.host}" for alarm in look.alarms]
        if look.outcome and look.outcome.hosts is not None:
            assert look.outcome.hosts == {alarm.host for alarm in look.alarms}
        if set(wanted) <= set(rung):
            return rung
    raise AssertionError(f"only {rung}")


def heard(world: World) -> list[str]:
    return [f"heard: {machine.name}" for machine in world.machines.all()]


def test_it_looks_at_once_when_a_container_dies(world: World) -> None:
    with watching(world) as (_, looks):
        until(looks, *heard(world))
        host = world.place()
        world.engine(host).end("test.web")
        assert until(looks, f"die of test.web: {host}") == [f"die of test.web: {host}"]
        world.engine(host).start("test.web")  # starts ask for nothing
        world.engine(host).remove("test.web")
        rung = [f"{what} of test.web: {host}" for what in ("die", "destroy")]
        assert until(looks, rung[-1]) == rung


def test_containers_of_others_ring_for_nobody(world: World) -> None:
    engine = world.engine(world.place())
    own = engine.container("test.web").spec
    with watching(world) as (_, looks):
        until(looks, *heard(world))
        other = replace(own, name="o", labels={"clocker.cloud": "other"}, attachment=None)
        engine.start(engine.create(other))
        engine.remove("o")
        engine.end("test.web")
        died = f"die of test.web: {world.place()}"
        assert until(looks, died) == [died]


def test_an_engine_that_is_lost_rings_once_and_is_found_again(world: World) -> None:
    host = world.place()
    with watching(world) as (_, looks):
        until(looks, *heard(world))
        world.machines.stop_engine(host)
        assert until(looks, f"not heard: {host}") == [f"not heard: {host}"]
        world.machines.start_engine(host)
        assert until(looks, f"heard: {host}") == [f"heard: {host}"]
        world.engine(host).start("test.web")
        world.engine(host).end("test.web")
        until(looks, f"die of test.web: {world.place()}")


def test_hosts_that_come_and_go_are_followed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.cloud().up()
    going, *_ = (view.host.name for view in world.cloud().hosts())
    world.cloud().host(going).remove()
    with watching(world, interval_s=0.1) as (_, looks):
        until(looks, *heard(world))
        (came,) = world.cloud().add_hosts()
        until(looks, f"heard: {came}")
        world.cloud().obtain(WEB)
        world.engine(world.place()).end("test.web")
        until(looks, f"die of test.web: {world.place()}")
        world.cloud().host(came).remove()
        names = {thread.name for thread in threading.enumerate()}
        while f"events of {came}" in names:
            next(looks)
            names = {thread.name for thread in threading.enumerate()}
    assert not [t for t in threading.enumerate() if t.name.startswith("events of")]


def test_it_looks_regularly(world: World) -> None:
    with watching(world, interval_s=0.05) as (_, looks):
        until(looks, *heard(world))
        regular = [next(looks), next(looks)]
    assert [(look.alarms, look.outcome) for look in regular] == [((), Seen())] * 2


def test_what_is_due_is_looked_for_also_when_something_else_rings(world: World) -> None:
    now = world.process().clock()
    first = [Seen(wake_at=now + 1.5)]

    def look(hosts: Collection[str] | None) -> Seen:
        return first.pop() if first else see(hosts)

    with watching(world, look) as (_, looks):
        until(looks, *heard(world))
        due = next(looks)
    assert (due.alarms, due.outcome) == ((), Seen())


def test_a_look_that_fails_is_told_and_tried_again(world: World) -> None:
    failures = [EngineError("no")]

    def look(hosts: Collection[str] | None) -> Seen:
        if failures:
            raise failures.pop()
        return see(hosts)

    watch = Watch(world.process(), look, interval_s=0.05)
    first, second = (look for look, _ in zip(watch, range(2), strict=False))
    assert (first.outcome, str(first.error)) == (None, "no")
    assert (second.outcome, second.error) == (Seen(), None)


def test_what_happens_together_is_seen_by_one_look(world: World) -> None:
    rest = [replace(WEB, name=f"w{number}") for number in range(5)]
    world.cloud().obtain_many(rest)
    watch = Watch(world.process(), see, interval_s=NEVER_S, quiet_s=1.0)
    looks = iter(watch)
    next(looks)
    until(looks, *heard(world))
    for request in rest:
        name = str(request.name)
        world.engine(world.place(name)).end(f"test.{name}")
    died = sorted(alarm.why for alarm in next(looks).alarms)
    assert died == [f"die of test.w{number}" for number in range(5)]
    watch.stop()
    assert list(looks) == []


def test_a_mistake_in_a_listener_is_not_hidden(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clocker.cloud.listen._matters", lambda event: 1 / 0)
    watch = Watch(world.process(), see, interval_s=NEVER_S, quiet_s=0.0)
    looks = iter(watch)
    next(looks)
    until(looks, *heard(world))
    world.engine(world.place()).end("test.web")
    with pytest.raises(ZeroDivisionError):
        until(looks, "never")


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    clinic = Clinic(tmp_path)
    clinic.cloud().up()
    clinic.cloud().obtain(WEB)
    return clinic


def hear(looks: Iterator[Look[Care]], hosts: set[str]) -> None:
    """Until all of them are listened to."""
    heard: set[str] = set()
    while heard != hosts:
        heard |= {alarm.host for alarm in next(looks).alarms if alarm.why == "heard"}


def test_what_died_is_healed(clinic: Clinic) -> None:
    watch = clinic.cloud().watch(NEVER_S)
    looks = iter(watch)
    hear(looks, {machine.name for machine in clinic.machines.all()})
    clinic.end("web", 1)
    look = next(looks)
    assert look.outcome and did(look.outcome.heal) == [("restarted", "web")]
    assert clinic.is_running("web")
    watch.stop()
    assert list(looks) == []
    clinic.assert_agrees()


def test_a_host_that_died_is_replaced_when_it_has_been_silent_for_long_enough(
    clinic: Clinic,
) -> None:
    host, address = clinic.place(), clinic.record().address
    watch = clinic.cloud().watch(0.2)
    looks = iter(watch)
    hear(looks, {machine.name for machine in clinic.machines.all()})
    clinic.machines.kill(host)
    done: list[tuple[str, str]] = []
    for look in looks:
        assert look.outcome, look.error
        clinic.pass_time(20)
        done += did(look.outcome.heal)
        if ("recreated", "web") in done:
            watch.stop()
    assert done == [("replaced", host), ("recreated", "web")]
    assert (clinic.place() != host, clinic.record().address) == (True, address)


def test_several_at_once_act_once(clinic: Clinic) -> None:
    hosts = {machine.name for machine in clinic.machines.all()}
    watches = [clinic.cloud().watch(NEVER_S) for _ in range(3)]
    done: list[tuple[str, str]] = []
    ready, over = threading.Barrier(4), threading.Barrier(4)

    def care(watch: Watch[Care]) -> None:
        looks = iter(watch)
        hear(looks, hosts)
        ready.wait(PATIENCE_S)
        look = next(looks)
        while look.outcome and look.outcome.heal.note:  # another one was at it
            assert look.outcome.wake_at
            look = next(looks)
        assert look.outcome, look.error
        done.extend(did(look.outcome.heal))
        over.wait(PATIENCE_S)
        watch.stop()
        assert list(looks) == []

    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(care, watch) for watch in watches]
        ready.wait(PATIENCE_S)
        clinic.end("web", 1)
        over.wait(PATIENCE_S)
        clinic.cloud().heal()
        for job in jobs:
            job.result(PATIENCE_S)
    assert done == [("restarted", "web")]
    clinic.assert_agrees()


def test_with_scale_the_headroom_is_kept_too(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path, pool={"count": 1, "maximum": 3})
    shape = (replace(WEB, name=None, resources=Resources(4, 512)),)
    clinic.spec_changes["headroom"] = Headroom(Keep(1), shape, minimum=1, maximum=3)
    clinic.cloud().up()
    clinic.cloud().obtain(WEB)
    look = look_after(clinic.process(), Images(), scaling=True)
    care = look(None)
    assert care.scale and len(care.scale.added) == 1
    assert look({clinic.place()}).scale is None  # nothing was done there
    clinic.end("web", 1)
    assert look({clinic.place()}).scale is not None
    del clinic.spec_changes["headroom"]
    with pytest.raises(BadInput, match="what room is to be kept"):
        clinic.cloud().watch(scale=True)


def test_what_could_not_be_done_is_tried_again_soon(clinic: Clinic) -> None:
    look = look_after(clinic.process(), Images())
    assert look(None).wake_at is None
    clinic.end("web", 1)
    clinic.engine(clinic.place()).fail_next("start", EngineError("no"))
    care = look(None)
    now = clinic.process().clock()
    assert [str(error) for error in care.heal.failures] == ["web, step restart: no"]
    assert care.wake_at is not None and now < care.wake_at <= now + 10


def test_a_cloud_that_was_taken_down_is_watched_no_more(clinic: Clinic) -> None:
    """Also when it was made again meanwhile: its store is another one."""
    watch = clinic.cloud().watch(0.05)
    looks = iter(watch)
    next(looks)
    folder = clinic.folder
    clinic.cloud().down()
    folder.with_name("another").mkdir()
    folder.with_name("another").rename(folder)
    with pytest.raises(NotFound, match="was taken down"):
        for _ in range(3):
            next(looks)
    assert not [t for t in threading.enumerate() if t.name.startswith("events of")]
