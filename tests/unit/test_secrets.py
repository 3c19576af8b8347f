"""Secrets reach containers as files in memory or variables, and nothing else ever has them."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from moving import World

from clocker.deploy import Applications
from clocker.errors import BadInput
from clocker.model import (
    Application,
    ContainerRequest,
    Healing,
    Secret,
    Service,
    Volume,
)

PLANTED = "pl4nted-s3cret"
IN_FILE = "in-a-file"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("TOKEN", PLANTED)
    world = World(tmp_path / "world")
    world.cloud().up()
    return world


@pytest.fixture
def request_(tmp_path: Path) -> ContainerRequest:
    file = tmp_path / "key"
    file.write_text(IN_FILE)
    return ContainerRequest(
        "debian:12",
        name="web",
        secrets=(
            Secret("token", "token", env="TOKEN"),
            Secret("key", "/etc/key", file=str(file), mode=0o400),
            Secret("said", "sub/said", command=("printf", f"{PLANTED}2\n")),
            Secret("PGPASSWORD", "PGPASSWORD", env="TOKEN", as_env=True),
            Secret("conf", "/etc/app.conf", text="level = 1"),
        ),
    )


def on_host(world: World) -> dict[str, tuple[bytes, int]]:
    """What is in the folder for secrets of the container's host."""
    files = world.machines.machine(world.place()).files
    return {
        path: (entry.data, entry.mode)
        for path, entry in files.entries.items()
        if path.startswith("/run/clocker/secrets/test/") and entry.data is not None
    }


def test_they_are_files_that_only_root_reaches_and_the_container_sees(
    world: World, request_: ContainerRequest
) -> None:
    made = world.cloud().obtain(request_)
    folder = f"/run/clocker/secrets/test/{made.record.id}"
    assert on_host(world) == {
        f"{folder}/files/token": (PLANTED.encode(), 0o444),
        f"{folder}/at/1": (IN_FILE.encode(), 0o400),
        f"{folder}/files/sub/said": (f"{PLANTED}2".encode(), 0o444),
        f"{folder}/env/PGPASSWORD": (PLANTED.encode(), 0o400),
        f"{folder}/at/4": (b"level = 1", 0o444),
    }
    (container,) = world.found().values()
    assert container.spec.binds == (
        Volume(f"{folder}/files", "/run/secrets", read_only=True),
        Volume(f"{folder}/at/1", "/etc/key", read_only=True),
        Volume(f"{folder}/at/4", "/etc/app.conf", read_only=True),
    )
    assert container.spec.env == {"PGPASSWORD": PLANTED}
    world.cloud().release("web")
    files = world.machines.all()
    assert not [p for m in files for p in m.files.entries if "secrets/test/" in p]


def test_no_store_label_event_or_report_has_a_value(
    world: World, request_: ContainerRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    hidden = replace(request_, secrets=tuple(s for s in request_.secrets if s.name != "said"))
    made = world.cloud().obtain(hidden)
    application = Application("shop", (Service("web", replace(hidden, name=None)),))
    Applications(world.cloud()).deploy(application)
    parts = world.process()
    with parts.store.read() as tx:
        kept = msgspec.json.encode(
            [list(tx.containers()), list(tx.events()), list(tx.applications())]
        ).decode()
    labels = json.dumps([dict(c.spec.labels) for c in world.found().values()])
    shown = json.dumps(world.cloud().inspect("web"), default=str) + repr(made.record)
    told = repr(parts.progress) + repr([c.spec for c in world.found().values()])
    for place in (kept, labels, shown, told, capsys.readouterr().out):
        assert PLANTED not in place and IN_FILE not in place
    assert "level = 1" in kept  # which is no secret


def test_one_that_cannot_be_read_is_refused_before_anything_is_done(world: World) -> None:
    for secret, why in (
        (Secret("s", "s", env="NOBODY"), "variable NOBODY is not set"),
        (Secret("s", "s", file="/nowhere"), "/nowhere cannot be read"),
        (Secret("s", "../s", env="TOKEN"), "cannot be its file"),
        (Secret("s", "a b", env="TOKEN", as_env=True), "cannot be its variable"),
        (Secret("s", "s", env="TOKEN", file="/x"), "one source"),
    ):
        request = ContainerRequest("debian:12", name="web", secrets=(secret,))
        with pytest.raises(BadInput, match=why):
            world.cloud().obtain(request)
        with pytest.raises(BadInput):
            Applications(world.cloud()).deploy(
                Application("a", (Service("web", replace(request, name=None)),))
            )
    assert world.cloud().list() == () and len(world.cloud().networks()) == 1
    failing = Secret("s", "s", command=("false",))
    with pytest.raises(BadInput, match="exited with status 1"):
        world.cloud().obtain(ContainerRequest("debian:12", name="web", secrets=(failing,)))
    assert world.cloud().list() == ()


def test_after_a_restart_of_the_host_they_are_there_again(
    world: World, request_: ContainerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cloud().obtain(request_)
    files = world.machines.machine(world.place()).files
    before = on_host(world)
    files.remove("/run/clocker")
    world.cloud().restart("web")
    assert on_host(world) == before
    monkeypatch.setenv("TOKEN", "rotated")
    world.cloud().restart("web")
    assert (b"rotated", 0o444) in on_host(world).values()


def test_what_cannot_be_read_here_is_taken_along_from_where_it_was(
    world: World, request_: ContainerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move, and a restart, by somebody who does not have them."""
    world.cloud().obtain(request_)
    before, source = on_host(world), world.place()
    monkeypatch.delenv("TOKEN")
    Path(request_.secrets[1].file or "").unlink()
    world.cloud().move("web")
    assert world.place() != source
    assert on_host(world) == before
    left = world.machines.machine(source).files
    assert not [path for path in left.entries if "secrets/test/" in path]
    (container,) = world.found().values()
    assert container.spec.env == {"PGPASSWORD": PLANTED}
    world.cloud().restart("web")
    world.assert_agrees()


def test_healing_makes_it_anew_with_what_the_host_has(
    world: World, request_: ContainerRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cloud().obtain(replace(request_, healing=Healing(attempts=3)))
    before = on_host(world)
    monkeypatch.delenv("TOKEN")
    world.engine(world.place()).remove("test.web")
    world.cloud().heal()
    assert on_host(world) == before
    (container,) = world.found().values()
    assert container.spec.env == {"PGPASSWORD": PLANTED}
    assert stat.S_IMODE(before[next(p for p in before if "/env/" in p)][1]) == 0o400
