"""Moves on hosts in memory: what arrives, what is refused, what is undone. What is left after death
at any moment: ``test_cloud_move_crashes.py``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from moving import DATA, WEB, World

from clocker.cloud import Cloud
from clocker.errors import (
    BadInput,
    ClockerError,
    CommandFailed,
    EngineError,
    NameTaken,
    NotFound,
    NothingFits,
    Unreachable,
)
from clocker.model import (
    ContainerRequest,
    ContainerState,
    ImageInfo,
    Port,
    Resources,
    Restart,
    RuleSpec,
    Volume,
    Wait,
)
from clocker.testing import fake_spec


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.cloud().up()
    return world


def test_a_container_arrives_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "tell-nobody")
    request = replace(
        WEB,
        env={"TOKEN": None, "TZ": "UTC"},
        labels={"team": "blue"},
        ports=(Port(80), Port(443, 8443)),
        restart=Restart("always"),
        ssh=True,
        wait=Wait.SSH,
    )
    world.cloud().obtain(request)
    before, source = world.record(), world.place()
    old = world.found()[source]
    spec = old.spec
    monkeypatch.delenv("TOKEN")

    report = world.cloud().move("web")

    after, target = world.record(), world.place()
    new = world.found()[target]
    assert target != source and list(world.found()) == [target]
    assert (report.source, report.target, report.address) == (source, target, before.address)
    assert report.away_s is not None
    assert new.spec == spec
    assert new.running
    key = "/etc/ssh/clocker/host_key"
    assert new.files.read(key) == old.files.read(key)
    same = {"host_id": after.host_id, "engine_id": after.engine_id}
    assert after == replace(before, **same)
    assert world.network.announced[-1] == before.address
    world.assert_agrees()


def test_it_goes_where_it_is_told(world: World) -> None:
    world.cloud().obtain(WEB)
    for target in world.others():
        world.cloud().move("web", target)
        assert world.place() == target
    again = world.cloud().move("web", target)
    assert (again.source, again.target, again.away_s) == (target, target, None)
    world.assert_agrees()


def test_a_stopped_one_is_not_started(world: World) -> None:
    world.cloud().obtain(WEB)
    world.cloud().stop("web")
    assert world.cloud().move("web").away_s is None
    assert not world.found()[world.place()].running
    assert world.record().state is ContainerState.STOPPED
    world.cloud().start("web")
    assert world.network.announced[-1] == world.record().address
    world.assert_agrees()


def test_one_that_has_ended_by_itself_does_not_run_again(world: World) -> None:
    world.cloud().obtain(WEB)
    world.engine(world.place()).end("test.web", 0)
    world.cloud().move("web")
    assert world.record().state is ContainerState.STOPPED
    assert not world.found()[world.place()].running


def test_the_image_is_the_very_same_though_its_name_means_another_now(world: World) -> None:
    world.cloud().obtain(WEB)
    image = world.record().image_id
    for other in world.others():
        world.engine(other).remove_image("debian:12")
        world.engine(other).add_image("debian:12", replace(_info(world), id="sha256:" + "e" * 64))
    world.cloud().move("web")
    assert world.found()[world.place()].image.id == image


def _info(world: World) -> ImageInfo:
    found = world.engine(world.place()).image("debian:12")
    assert found is not None
    return found


def test_a_port_that_clocker_chose_changes_only_where_it_is_taken(world: World) -> None:
    world.cloud().obtain(replace(WEB, ports=(Port(80),)))
    (port,) = world.record().ports
    free, taken = world.others()
    world.cloud().obtain(replace(WEB, name="other", ports=(Port(80),)))
    world.cloud().move("other", taken) if world.place("other") != taken else None
    with world.process().store.transaction() as tx:
        other = tx.container("other")
        assert other is not None
        tx.put_container(replace(other, ports=(port,)))
    world.cloud().move("web", free)
    assert world.record().ports == (port,)
    world.cloud().move("web", taken)
    (now,) = world.record().ports
    assert now.container == 80 and now.host_port not in (0, port.host_port)


def test_volumes_are_carried(world: World) -> None:
    request = replace(DATA, volumes=(*DATA.volumes, Volume("more", "/more", read_only=True)))
    world.cloud().obtain(request)
    source = world.place()
    old = world.found()[source].files
    old.write("/var/data/deep/er", b"kept" * 50_000)
    old.write("/more/x", b"too")
    old.write("/tmp/lost", b"")
    (target, _) = world.others()

    world.cloud().move("web", target, volumes=True)

    new = world.found()[target].files
    assert new.read("/var/data/deep/er") == b"kept" * 50_000
    assert new.read("/more/x") == b"too"
    assert not new.exists("/tmp/lost")
    assert world.engine(source).volumes == {}
    assert world.engine(target).volumes == {
        "test.data": {"clocker.cloud": "test"},
        "test.more": {"clocker.cloud": "test"},
    }
    world.cloud().move("web", source, volumes=True)
    assert world.found()[source].files.read("/more/x") == b"too"
    world.assert_agrees()


REFUSED: list[tuple[str, ContainerRequest, dict[str, object], type[ClockerError], str]] = [
    ("volumes", DATA, {}, BadInput, "--volumes"),
    ("folders", replace(WEB, volumes=(Volume("/srv", "/srv"),)), {}, BadInput, "--force"),
    ("no such host", WEB, {"host": "nowhere"}, NotFound, "clocker hosts"),
    ("a hostile name", WEB, {"host": "x; reboot\n"}, NotFound, "clocker hosts"),
]


@pytest.mark.parametrize(
    ("request_", "options", "kind", "remedy"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
def test_refused(
    world: World,
    request_: ContainerRequest,
    options: dict[str, str],
    kind: type[ClockerError],
    remedy: str,
) -> None:
    world.cloud().obtain(request_)
    before = world.record()
    with pytest.raises(kind) as caught:
        world.cloud().move("web", **options)  # type: ignore[arg-type]
    assert remedy in (caught.value.remedy or "")
    assert world.record() == before
    world.assert_agrees()


@pytest.mark.parametrize("name", ["none", "web; reboot", "web\nother", "", "../web", "$(reboot)"])
def test_no_such_container(world: World, name: str) -> None:
    with pytest.raises(NotFound, match="no container is called"):
        world.cloud().move(name)


def test_folders_of_the_host_move_when_it_is_insisted(world: World) -> None:
    world.cloud().obtain(replace(WEB, volumes=(Volume("/srv", "/srv"),)))
    world.cloud().move("web", force=True)
    world.assert_agrees()


def test_no_host_has_room(world: World) -> None:
    big = replace(WEB, resources=Resources(3, 512))
    for name in ("a", "b", "c"):
        world.cloud().obtain(replace(big, name=name))
    with pytest.raises(NothingFits) as caught:
        world.cloud().move("a")
    assert caught.value.exit_code == 3
    assert set(caught.value.reasons) == set(world.others("a"))
    assert all("cores: 3 wanted, 1 free" in why[0] for why in caught.value.reasons.values())
    target = world.others("a")[0]
    with pytest.raises(NothingFits, match=f"host {target} cannot take a") as caught:
        world.cloud().move("a", target)
    assert set(caught.value.reasons) == {target}
    world.assert_agrees()


def test_rules_and_fixed_ports_hold_for_a_move_too(world: World) -> None:
    rules = (RuleSpec("max_containers", {"limit": 1}),)
    for name in ("a", "b"):
        request = replace(WEB, name=name, ports=(Port(80, 8080),), rules=rules)
        world.cloud().obtain(request)
    with pytest.raises(NothingFits) as caught:
        world.cloud().move("a", world.place("b"))
    (why,) = caught.value.reasons.values()
    assert why == (
        "ports_free: port 8080/tcp is taken by b",
        "max_containers: holds 1 of at most 1 containers",
    )
    world.cloud().move("a")
    assert world.place("a") not in (world.place("b"),)


def test_a_host_that_is_being_made_is_no_target(world: World) -> None:
    world.cloud().obtain(WEB)
    target = world.others()[0]
    world.machines.machine(target).system.failing_step = "network"
    world.spec_changes["engine"] = replace(fake_spec().engine, options={"debug": True})
    with pytest.raises(ClockerError):
        world.cloud().up()
    with pytest.raises(NothingFits, match="the host is failed"):
        world.cloud().move("web", target)


def test_the_source_is_away(world: World) -> None:
    world.cloud().obtain(WEB)
    world.machines.kill(world.place())
    with pytest.raises(Unreachable, match="its host .* does not answer") as caught:
        world.cloud().move("web")
    assert "bring it back" in (caught.value.remedy or "")
    assert world.record().state is ContainerState.RUNNING


def test_a_volume_that_another_container_uses_stays(world: World) -> None:
    one = (RuleSpec("depth_first"),)
    world.cloud().obtain(replace(DATA, rules=one))
    world.cloud().obtain(replace(DATA, name="db", rules=one))
    assert world.place("web") == world.place("db")
    with pytest.raises(BadInput, match="db uses one of its volumes"):
        world.cloud().move("web", volumes=True)


def test_a_volume_that_is_there_already_is_not_overwritten(world: World) -> None:
    world.cloud().obtain(DATA)
    target = world.others()[0]
    world.engine(target).ensure_volume("test.data", {})
    with pytest.raises(BadInput, match="has a volume test.data already"):
        world.cloud().move("web", target, volumes=True)
    assert "test.data" in world.engine(target).volumes
    world.assert_agrees()


FAILURES = [
    ("create", EngineError("no"), False),
    ("create", EngineError("no"), True),
    ("has_volume", EngineError("no"), False),
    ("ensure_volume", EngineError("disk full"), True),
    ("write_archive", EngineError("disk full"), False),
    ("write_archive", EngineError("disk full"), True),
    ("start", EngineError("no"), False),
    ("start", EngineError("the answer is lost"), True),
    ("inspect", EngineError("no"), False),
]


@pytest.mark.parametrize(("method", "error", "after"), FAILURES)
def test_a_target_that_fails_at_any_call_changes_nothing(
    world: World, method: str, error: ClockerError, after: bool
) -> None:
    world.cloud().obtain(replace(DATA, restart=Restart("always")))
    world.found()[world.place()].files.write("/var/data/x", b"kept")
    before, source, target = world.record(), world.place(), world.others()[0]
    world.engine(target).fail_next(method, error, after=after)

    with pytest.raises(EngineError):
        world.cloud().move("web", target, volumes=True)

    assert world.record() == before
    found = world.found()
    assert list(found) == [source] and found[source].running
    assert found[source].spec.restart == Restart("always")
    assert found[source].files.read("/var/data/x") == b"kept"
    assert world.engine(target).volumes == {}
    world.assert_agrees()
    world.cloud().move("web", target, volumes=True)
    assert world.found()[target].files.read("/var/data/x") == b"kept"
    world.assert_agrees()


@pytest.mark.parametrize("method", ["set_restart", "stop", "read_archive"])
def test_a_source_that_fails_changes_nothing(world: World, method: str) -> None:
    world.cloud().obtain(DATA)
    before = world.record()
    world.engine(world.place()).fail_next(method, EngineError("no"))
    with pytest.raises(EngineError):
        world.cloud().move("web", volumes=True)
    assert world.record() == before
    world.assert_agrees()


def test_an_announcement_that_fails_is_undone_and_announced_back(world: World) -> None:
    world.cloud().obtain(WEB)
    source = world.place()
    world.network.fail_next("announce", CommandFailed("no", status=1))
    with pytest.raises(CommandFailed):
        world.cloud().move("web")
    assert world.place() == source
    assert world.network.announced == [world.record().address]
    world.assert_agrees()


def test_one_that_ends_at_once_over_there_comes_back(world: World) -> None:
    world.cloud().obtain(replace(WEB, command=("sleep", "99")))
    source, target = world.place(), world.others()[0]
    start = world.engine(target).start

    def start_and_end(container: str) -> None:
        start(container)
        world.engine(target).end(container, 1)

    world.engine(target).start = start_and_end  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="ended with status 1"):
        world.cloud().move("web", target)
    assert world.place() == source
    world.assert_agrees()


def test_a_target_that_dies_before_it_started_anything(world: World) -> None:
    """The source is there again at once; what may be left over there is removed later."""
    world.cloud().obtain(WEB)
    source, target = world.place(), world.others()[0]
    engine = world.engine(source)
    stop = engine.stop

    def stop_and_kill(container: str, *, grace_s: float = 10.0) -> None:
        stop(container, grace_s=grace_s)
        world.machines.kill(target)

    engine.stop = stop_and_kill  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        world.cloud().move("web", target)
    assert world.found()[source].running
    assert world.record().state is ContainerState.RUNNING
    with pytest.raises(NameTaken, match="has not been removed yet"):
        world.cloud().move("web")
    world.machines.revive(target)
    assert set(world.found()) == {source, target}
    world.cloud().up()
    assert set(world.found()) == {source}
    world.assert_agrees()


def test_never_two_while_a_target_that_may_run_cannot_be_asked(world: World) -> None:
    world.cloud().obtain(WEB)
    source, target = world.place(), world.others()[0]
    engine = world.engine(target)
    start = engine.start

    def start_and_vanish(container: str) -> None:
        start(container)
        world.machines.machine(target).alive = False

    engine.start = start_and_vanish  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        world.cloud().move("web", target)
    assert not world.found()[source].running
    assert world.found()[target].running
    assert world.record().state is ContainerState.MOVING
    world.machines.machine(target).alive = True
    assert world.cloud().up().recovered == ("web",)
    assert list(world.found()) == [source] and world.found()[source].running
    world.assert_agrees()


def test_a_source_that_vanishes_after_the_switch_is_cleaned_up_later(world: World) -> None:
    world.cloud().obtain(WEB)
    source, target = world.place(), world.others()[0]
    engine = world.engine(target)
    start = engine.start

    def start_and_kill(container: str) -> None:
        start(container)
        world.machines.kill(source)

    engine.start = start_and_kill  # type: ignore[method-assign]
    world.cloud().move("web", target)
    assert world.place() == target
    world.machines.revive(source)
    assert not world.found()[source].running
    world.cloud().up()
    assert list(world.found()) == [target]
    world.assert_agrees()


@pytest.mark.parametrize("number", [1, 2, 3])
def test_removed_while_it_moves(world: World, number: int) -> None:
    """Whoever removes it wins, whatever the mover does then."""
    world.cloud().obtain(WEB)
    target = world.others()[0]
    engines = [world.engine(world.place()), world.engine(target)]
    at = {1: (engines[1], "create"), 2: (engines[0], "stop"), 3: (engines[1], "start")}[number]
    real = getattr(*at)

    def remove_first(*args: object, **options: object) -> object:
        setattr(*at, real)
        world.cloud().release("web")
        return real(*args, **options)

    setattr(*at, remove_first)
    with pytest.raises(ClockerError):
        world.cloud().move("web", target)
    assert world.found() == {}
    assert world.cloud().list() == ()
    world.assert_agrees()


def test_meanwhile_nothing_else_is_done_to_it(world: World) -> None:
    world.cloud().obtain(WEB)
    engine = world.engine(world.others()[0])
    create = engine.create
    seen: list[str] = []

    def try_others(spec: object) -> str:
        engine.create = create  # type: ignore[method-assign]
        for verb in (Cloud.start, Cloud.stop, Cloud.restart, Cloud.move):
            with pytest.raises(NameTaken, match="it is moving"):
                verb(world.cloud(), "web")
            seen.append(verb.__name__)
        with pytest.raises(NameTaken, match="taken by a container that is moving"):
            world.cloud().obtain(WEB)
        booked = [v for v in world.cloud().hosts() if v.containers]
        assert len(booked) == 2
        assert all(v.booked == WEB.resources for v in booked)
        return create(spec)  # type: ignore[arg-type]

    engine.create = try_others  # type: ignore[method-assign]
    world.cloud().move("web", engine.name)
    assert seen == ["start", "stop", "restart", "move"]
    world.assert_agrees()
