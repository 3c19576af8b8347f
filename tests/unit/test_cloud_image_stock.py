"""Images on the hosts are copied, removed and cleared up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_cloud import FakeCloud, Terminal

from clocker.cloud import Cloud
from clocker.errors import EngineError, ImageNotFound, NameTaken, NotFound, Unreachable
from clocker.images.prune import Limits
from clocker.model import ContainerRequest, ContainerSpec, ContainerState, Install, RuleSpec
from clocker.testing import FakeEngine, FakeMachines, fake_parts, fake_spec

NOW = Limits(older_than_s=0.0)
INSTALL = Install(commands=("echo x > /srv/x",))


class World:
    def __init__(self) -> None:
        self.machines = FakeMachines()
        self.parts = fake_parts(fake_spec(count=2, maximum=2), machines=self.machines)
        self.parts.clock.advance(10.0**9)  # type: ignore[attr-defined]  # all images are old
        self.cloud = Cloud(self.parts)
        self.cloud.up()
        self.first, self.second = sorted(view.host.name for view in self.cloud.hosts())

    def engine(self, host: str) -> FakeEngine:
        return self.machines.machine(host).engine

    def obtain(self, name: str, install: Install | None = INSTALL) -> None:
        here = (RuleSpec("hostname", {"pattern": self.first}),)
        self.cloud.obtain(ContainerRequest("debian:12", name=name, install=install, rules=here))

    def kinds(self) -> dict[tuple[str, str], tuple[str, ...]]:
        return {(str(v.kind), v.name.partition(":")[0]): v.hosts for v in self.cloud.images()}


def test_copy_to_a_host_that_lacks_it() -> None:
    world = World()
    world.engine(world.first).add_image("app:1")
    stock = world.cloud.stock()
    assert not stock.copy("app:1", world.second).was_there
    again = stock.copy("app:1", world.second)
    assert again.was_there and again.id == world.engine(world.first).image("app:1").id  # type: ignore[union-attr]
    assert world.engine(world.second).count("pull") == 0


def test_copy_of_what_nobody_has() -> None:
    world = World()
    with pytest.raises(ImageNotFound, match=f"{world.first}: does not have it"):
        world.cloud.stock().copy("nothing:1", world.second)
    with pytest.raises(NotFound):
        world.cloud.stock().copy("debian:12", "nowhere")


def test_rm_from_all_hosts_or_one() -> None:
    world = World()
    for host in (world.first, world.second):
        world.engine(host).add_image("app:1")
    stock = world.cloud.stock()
    removed = stock.remove(["app:1"], [world.first])
    assert [each.host for each in removed] == [world.first]
    assert [each.host for each in stock.remove(["app:1"])] == [world.second]
    with pytest.raises(NotFound, match="no host has app:1"):
        stock.remove(["app:1"])


def test_rm_of_what_is_in_use_removes_nothing() -> None:
    world = World()
    world.obtain("web")
    world.engine(world.second).add_image("free:1")
    (generated,) = [view.name for view in world.cloud.images() if view.kind == "generated"]
    for name in (generated, "debian:12"):
        with pytest.raises(NameTaken, match="used by web"):
            world.cloud.stock().remove(["free:1", name])
    assert world.engine(world.second).image("free:1")


def test_prune_removes_what_nothing_uses_and_then_it_is_made_anew() -> None:
    world = World()
    world.obtain("web")
    world.obtain("plain", None)
    stock = world.cloud.stock()
    assert not any(finding.goes for finding in stock.plan(NOW))
    world.cloud.release("web")
    found = stock.plan(NOW)
    assert [f.host for f in found if f.goes] == [world.first]
    report = stock.prune(found)
    assert len(report.removed) == 1 and report.failures == ()
    assert set(world.kinds()) == {("named", "debian")}
    assert next(v.host for v in world.cloud.hosts() if v.host.name == world.first).images == (
        "debian:12",
    )
    world.obtain("again")
    assert ("generated", "clocker/install") in world.kinds()


def test_what_has_come_into_use_since_it_was_shown_stays() -> None:
    world = World()
    world.obtain("web")
    world.cloud.release("web")
    found = world.cloud.stock().plan(NOW)
    (image,) = [finding.image for finding in found if finding.goes]
    world.engine(world.first).create(ContainerSpec("somebodys", image.id, "x", {}))
    report = world.cloud.stock().prune(found)
    assert report.removed == () and image in [finding.image for finding in report.kept]


def test_what_is_being_made_may_be_waiting_for_a_generated_image() -> None:
    world = World()
    world.obtain("web")
    world.cloud.release("web")
    world.obtain("other", replace(INSTALL, commands=("echo y > /srv/y",)))
    with world.parts.store.transaction() as tx:
        (other,) = tx.containers()
        tx.put_container(replace(other, state=ContainerState.CREATING))
    assert not any(finding.goes for finding in world.cloud.stock().plan(NOW))


def test_one_that_cannot_be_removed_is_told_and_the_others_go() -> None:
    world = World()
    for number in (1, 2):
        world.obtain(f"w{number}", replace(INSTALL, commands=(f"echo {number} > /srv/x",)))
        world.cloud.release(f"w{number}")
    world.engine(world.first).fail_next("remove_image", EngineError("it is pinned"))
    report = world.cloud.stock().prune(world.cloud.stock().plan(NOW))
    assert (len(report.removed), len(report.failures)) == (1, 1)


def test_a_host_that_is_away_is_an_error() -> None:
    world = World()
    world.machines.machine(world.second).alive = False
    with pytest.raises(Unreachable):
        world.cloud.stock().plan(NOW)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(), capsys, monkeypatch)


def test_the_verbs(terminal: Terminal) -> None:
    assert terminal("image", "copy", "nginx", "demo-2").out == "nginx  copied\n"
    assert terminal("image", "copy", "nginx", "demo-1").out == "nginx  is there already\n"
    assert terminal("image", "rm", "nginx").status == 2, "nobody is here to answer"
    seen = terminal("image", "rm", "-y", "--host", "demo-1", "nginx", "redis")
    assert seen.out == "nginx  removed from demo-1\nredis  removed from demo-1\n"
    assert ("remove_images", ("nginx", "redis"), ("demo-1",)) in terminal.cloud.calls


def test_prune_shows_asks_and_tells(terminal: Terminal) -> None:
    seen = terminal("image", "prune", "--dry-run", "--max-disk", "1GiB", "--older-than", "2h")
    assert ("plan_prune", Limits(7200.0, 2**30), ()) in terminal.cloud.calls
    assert "goes" in seen.out and ("prune", 2) not in terminal.cloud.calls
    assert terminal("image", "prune").status == 2
    seen = terminal("image", "prune", "--all", "--yes")
    assert seen.out.splitlines()[-1] == "clocker/install:3f2a  removed from demo-1"
    terminal.cloud.unremoved = EngineError("it is pinned")
    seen = terminal("image", "prune", "--yes", "--json")
    assert seen.status == 4 and "pinned" in seen.err
    assert [each["outcome"] for each in seen.json["images"]] == ["stays", "failed"]
    assert terminal("image", "prune", "--max-disk", "much").status == 2
