"""``clocker build``, and ``run --build``: what they ask of the cloud."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_cloud import FakeCloud, Terminal

from clocker.model import Build
from clocker.providers.bootstrap_rootfs import Release

SUM = "sha256:" + "a" * 64


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud()


@pytest.fixture
def terminal(
    cloud: FakeCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Terminal:
    return Terminal(cloud, capsys, monkeypatch)


def test_a_build_tells_as_it_goes(cloud: FakeCloud, terminal: Terminal) -> None:
    seen = terminal("build", "-t", "shop:1", "--host", "demo-1", "shop")
    assert seen.out == "shop:1  aaaaaaaaaaaa  142 MB  demo-1\n"
    assert seen.err.splitlines() == [
        "Step 1/1 : FROM x",
        "demo-2 had an older shop:1, and has this one now",
    ]
    verb, build, options = cloud.calls[0]
    assert verb == "build" and build == Build(str(Path.cwd() / "shop"))
    assert (options["name"], options["host"]) == ("shop:1", "demo-1")


def test_all_that_can_be_said_of_a_build(cloud: FakeCloud, terminal: Terminal) -> None:
    said = ["-f", "d/Prod", "--build-arg", "A=1=2", "--target", "t", "--set", "V=x y"]
    said += ["--checksum", SUM, "--build-timeout", "5m"]
    assert terminal("build", *said, "https://host/a.tgz").status == 0
    _, build, _ = cloud.calls[0]
    assert build == Build(
        "https://host/a.tgz",
        "d/Prod",
        checksum=SUM,
        args={"A": "1=2"},
        target="t",
        substitutions={"V": "x y"},
        timeout_s=300.0,
    )


def test_quiet_and_json_say_nothing_else(terminal: Terminal) -> None:
    seen = terminal("build", "--json", ".")
    assert json.loads(seen.out)["images"][0]["tag"] == "clocker/build:abc" and seen.err == ""


def test_a_library(cloud: FakeCloud, terminal: Terminal) -> None:
    seen = terminal("build", "--library", "-t", "python", ".")
    assert [line.split()[0] for line in seen.out.splitlines()] == ["python:3", "python:3-slim"]
    assert terminal("build", "--library", ".").status == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("build",), "Missing argument"),
        (("build", "https://host/a.tgz"), "must have the checksum"),
        (("build", "--checksum", "md5:1", "."), "must be sha256:"),
        (("build", "--build-arg", "hush", "."), "must be NAME=VALUE"),
        (("build", "--build-timeout", "soon", "."), "must be a duration"),
        (("build", "-f", "/etc/passwd", "."), "must lie within the context"),
        (("run",), "Missing argument 'IMAGE'"),
        (("run", "--target", "x", "nginx"), "--target goes with --build"),
    ],
)
def test_what_cannot_be_understood(
    cloud: FakeCloud, terminal: Terminal, words: tuple[str, ...], said: str
) -> None:
    seen = terminal(*words)
    assert seen.status == 2 and said in seen.err and "hush" not in seen.err
    assert cloud.calls == []


def test_run_builds_instead_of_naming_an_image(cloud: FakeCloud, terminal: Terminal) -> None:
    assert terminal("run", "--build", ".", "--build-arg", "A=1", "python", "-m", "app").status == 0
    assert terminal("run", "--build", ".", "--name", "x").status == 0
    first, second = [call[1][0] for call in cloud.calls if call[0] == "obtain_many"]
    assert first.build == Build(str(Path.cwd()), args={"A": "1"})
    assert first.command == ("python", "-m", "app") and second.command is None


def test_a_base_is_made_here_and_loaded_where_it_was_asked_for(
    cloud: FakeCloud, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def make(tar: Path, release: Release, say: object) -> None:
        made.append(release.name)
        tar.write_bytes(b"files")

    monkeypatch.setattr("clocker.providers.base_rootfs.make_base_rootfs", make)
    said = ["--distribution", "debian", "--release", "trixie", "--host", "demo-1", "--ssh"]
    seen = terminal("image", "base", "-t", "base", *said)
    assert made == ["debian:trixie"]
    assert ("load_base", "base:latest", b"files", ("demo-1",), True) in cloud.calls
    assert seen.out.startswith("base:latest  ") and seen.out.endswith("142 MB  demo-1\n")
    assert terminal("image", "base", "--release", "--x").status == 2
    assert terminal("image", "base", "--tag", "NO").status == 2
    assert made == ["debian:trixie"]
