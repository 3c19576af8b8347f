"""Which images there are on the hosts, and who uses them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_cloud import NGINX, FakeCloud, Terminal

from clocker.cloud import Cloud
from clocker.errors import NotFound
from clocker.images import ImageKind
from clocker.model import ContainerRequest, ContainerSpec, ImageInfo
from clocker.testing import FakeMachines, fake_parts, fake_spec

OLD = ImageInfo("sha256:" + "0" * 64, size_bytes=10, created_at=5.0)


def test_an_image_is_told_with_its_hosts_and_users() -> None:
    machines = FakeMachines()
    with Cloud(fake_parts(fake_spec(count=2), machines=machines)) as cloud:
        cloud.up()
        first, second = (machines.machine(view.host.name) for view in cloud.hosts())
        first.engine.add_image("app:1", OLD)
        second.engine.add_image("app:1", replace(OLD, id="sha256:" + "1" * 64))
        cloud.obtain(ContainerRequest("debian:12", name="web", ssh=True))
        strange = ContainerSpec("not-ours", OLD.id, "x", {})
        first.engine.create(strange)

        found = {(view.name.partition(":")[0], view.hosts): view for view in cloud.images()}

    app = found["app", (first.name,)]
    assert (app.size_bytes, app.created_at, app.kind) == (10, 5.0, ImageKind.NAMED)
    assert app.used_by == ("not-ours",) and found["app", (second.name,)].used_by == ()
    (layer,) = [view for view in found.values() if view.kind is ImageKind.SSH]
    assert layer.used_by == ("web",)
    assert found["debian", (first.name, second.name)].used_by == ("web",), "below its layer"


def test_a_container_that_is_being_made_uses_its_image() -> None:
    machines = FakeMachines()
    with Cloud(fake_parts(fake_spec(count=1), machines=machines)) as cloud:
        cloud.up()
        cloud.obtain(ContainerRequest("debian:12", name="web"))
        (machine,) = machines.all()
        machine.engine.remove(machine.engine.containers()[0].id)
        (view,) = cloud.images()
    assert view.used_by == ("web",)


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(), capsys, monkeypatch)


def test_ls_shows_them(terminal: Terminal) -> None:
    lines = terminal("image", "ls").out.splitlines()
    assert lines[0].split() == ["NAME", "ID", "KIND", "SIZE", "AGE", "HOSTS", "USED", "BY"]
    assert lines[1].split()[:5] == ["nginx:latest", "5" * 12, "named", "142", "MB"]
    assert lines[1].split()[-2:] == ["demo-1", "web"] and lines[2].split()[-1] == "-"
    assert len(terminal("image", "ls", "demo-1").out.splitlines()) == 3
    listed = terminal("image", "ls", "--json").json["images"]
    assert listed[0]["id"] == NGINX.id and listed[1]["kind"] == "ssh"


def test_ls_of_a_host_that_is_none(terminal: Terminal) -> None:
    assert terminal("image", "ls", "demo-2").out.splitlines()[1:] == []
    terminal.cloud.failure = NotFound("no host is called 'demo-9'", remedy="clocker hosts")
    assert terminal("image", "ls", "demo-9").status == 2
