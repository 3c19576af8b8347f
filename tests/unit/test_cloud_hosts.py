"""Hosts are cordoned, labelled, drained, added, repaired and removed, in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from moving import DATA, WEB, World

from clocker.errors import BadInput, NotFound, NothingFits
from clocker.model import HostState, Resources, RuleSpec, Volume


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.cloud().up()
    return world


def hosts(world: World) -> list[str]:
    return sorted(view.host.name for view in world.cloud().hosts())


def test_a_cordoned_host_takes_nothing_new_and_keeps_what_it_has(world: World) -> None:
    cloud = world.cloud()
    cloud.obtain(WEB)
    home = world.place()
    assert cloud.host(home).cordon().cordoned
    assert cloud.host(home).cordon().cordoned
    for number in range(6):
        cloud.obtain(replace(WEB, name=f"w{number}"))
    assert [c.name for v in cloud.hosts() if v.host.name == home for c in v.containers] == ["web"]
    assert world.found()[home].running
    with pytest.raises(NothingFits, match="cannot take") as refused:
        cloud.move("w0", home)
    assert refused.value.reasons == {home: ("accepting: the host is cordoned",)}
    cloud.host(home).uncordon()
    cloud.move("w0", home)
    world.assert_agrees()
    marks = [event.outcome for event in cloud.events() if event.subject == home]
    assert (marks.count("cordoned"), marks.count("uncordoned")) == (1, 1)


def test_labels_are_set_and_taken_away(world: World) -> None:
    cloud, name = world.cloud(), hosts(world)[0]
    cloud.host(name).label({"disk": "ssd", "rack": "7"})
    assert cloud.host(name).label({"rack": None, "row": "2"}).labels == {"disk": "ssd", "row": "2"}
    picky = replace(WEB, rules=(RuleSpec("host_labels", {"labels": "disk=ssd"}),))
    assert cloud.obtain(picky).host.name == name
    with pytest.raises(BadInput, match="cannot be a label's name"):
        cloud.host(name).label({"a b": "x"})
    with pytest.raises(NotFound):
        cloud.host("test-none").label({"a": "b"})


def test_drained_its_containers_keep_name_and_address(world: World) -> None:
    cloud = world.cloud()
    for number in range(6):
        cloud.obtain(replace(WEB, name=f"w{number}"))
    cloud.stop("w0")
    home = world.place("w0")
    before = {c.name: (c.address, c.mac, c.id, c.state) for c in cloud.list()}

    report = cloud.host(home).drain()

    assert {item.source for item in report.moved} == {home}
    assert len(report.moved) == 2 and report.stayed == ()
    assert {c.name: (c.address, c.mac, c.id, c.state) for c in cloud.list()} == before
    assert world.engine(home).containers() == ()
    assert cloud.host(home).record.cordoned
    assert cloud.host(home).drain().moved == ()
    world.assert_agrees()


def test_what_must_not_move_stays_and_is_told(world: World) -> None:
    cloud = world.cloud()
    home = hosts(world)[0]
    here = (RuleSpec("hostname", {"pattern": home}),)
    for request in (
        replace(WEB, name="pinned", rules=here),
        replace(DATA, name="data", rules=here),
        replace(WEB, name="folder", volumes=(Volume("/srv", "/srv"),), rules=here),
    ):
        cloud.obtain(request)
    stayed = {stay.name: stay.reason for stay in cloud.host(home).drain().stayed}
    assert set(stayed) == {"pinned", "data", "folder"}
    assert "hostname" in stayed["pinned"] and "no other host can take" in stayed["pinned"]
    assert "volumes on its host: data" in stayed["data"]
    assert "folders of its host" in stayed["folder"]

    with pytest.raises(NothingFits, match="3 of its containers must stay") as refused:
        cloud.host(home).remove()

    assert set(refused.value.reasons) == {"pinned", "data", "folder"}
    assert cloud.host(home).record.state is HostState.READY
    world.assert_agrees()

    report = cloud.host(home).remove(force=True)

    assert sorted(report.removed) == ["data", "folder", "pinned"]
    assert cloud.list() == ()
    assert len(world.machines.all()) == 2
    world.assert_agrees()


def test_volumes_go_along_when_asked(world: World) -> None:
    cloud = world.cloud()
    cloud.obtain(DATA)
    home = world.place()
    world.found()[home].files.write("/var/data/x", b"kept")
    assert [stay.name for stay in cloud.host(home).drain().stayed] == ["web"]
    assert cloud.host(home).drain(volumes=True).stayed == ()
    assert world.found()[world.place()].files.read("/var/data/x") == b"kept"


def test_who_must_be_with_another_follows_it(world: World) -> None:
    cloud = world.cloud()
    cloud.obtain(replace(WEB, name="zoe"))
    beside = (RuleSpec("same_host", {"containers": "zoe"}),)
    cloud.obtain(replace(WEB, name="amy", rules=beside))
    home = world.place("zoe")
    assert world.place("amy") == home
    assert cloud.host(home).drain().stayed == ()
    assert world.place("amy") == world.place("zoe") != home


def test_where_nothing_fits_elsewhere_it_stays(world: World) -> None:
    cloud = world.cloud()
    for number in range(3):
        cloud.obtain(replace(WEB, name=f"big{number}", resources=Resources(3, 512)))
    home = world.place("big0")
    (stay,) = cloud.host(home).drain().stayed
    assert stay.name == "big0" and "fits: cores" in stay.reason
    assert world.found("big0")[home].running


def test_a_removed_host_is_gone_and_its_containers_run_elsewhere(world: World) -> None:
    cloud = world.cloud()
    for number in range(3):
        cloud.obtain(replace(WEB, name=f"w{number}"))
    for name in hosts(world)[:2]:
        cloud.host(name).remove()
        world.assert_agrees()
        with pytest.raises(NotFound):
            cloud.host(name).remove()
    (last,) = hosts(world)
    assert {world.place(f"w{number}") for number in range(3)} == {last}
    with pytest.raises(NothingFits):
        cloud.host(last).remove()


def test_added_up_to_the_maximum(world: World) -> None:
    cloud = world.cloud()
    cloud.host(hosts(world)[0]).remove()
    (added,) = cloud.add_hosts()
    assert added in hosts(world)
    with pytest.raises(BadInput, match="3 of at most 3 hosts"):
        cloud.add_hosts()
    with pytest.raises(BadInput, match="at least one"):
        cloud.add_hosts(0)
    world.assert_agrees()


def test_repaired_it_is_bootstrapped_anew_and_keeps_what_runs(world: World) -> None:
    cloud = world.cloud()
    cloud.obtain(WEB)
    home = world.place()
    host = cloud.host(home)
    runs = len(world.machines.machine(home).engine.containers())
    assert host.repair().state is HostState.READY
    assert len(world.machines.machine(home).engine.containers()) == runs
    assert [e.outcome for e in cloud.events() if e.subject == home][-1] == "repaired"
    world.assert_agrees()
