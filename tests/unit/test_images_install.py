"""What an install is, and how it is carried out on one engine."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from clocker.errors import BadInput, CommandFailed, EngineError, TimedOut
from clocker.images import ImageKind, kind_of
from clocker.images.install import (
    MOST_BYTES,
    check_install,
    install_key,
    install_tag,
    is_good,
    without_contents,
)
from clocker.images.installer import Order, install_in
from clocker.model import ImageInfo, Install, InstallFile, Result
from clocker.testing import FakeEngine
from clocker.testing.commands import Execution

BASE = ImageInfo(
    "sha256:" + "b" * 64,
    architecture="amd64",
    entrypoint=("/entry",),
    command=("run", "it"),
    user="www",
    labels={"theirs": "yes"},
)
FILE = InstallFile("/etc/app.conf", b"a = 1\n")
INSTALL = Install(("nginx",), (FILE,), ("echo ready > /srv/ready",), {"A": "1"})


@pytest.mark.parametrize(
    "other",
    [
        replace(INSTALL, packages=("nginx", "curl")),
        replace(INSTALL, packages=()),
        replace(INSTALL, files=(replace(FILE, content=b"a = 2\n"),)),
        replace(INSTALL, files=(replace(FILE, mode=0o600),)),
        replace(INSTALL, files=(replace(FILE, target="/etc/app"),)),
        replace(INSTALL, commands=()),
        replace(INSTALL, args={"A": "2"}),
    ],
)
def test_whatever_determines_the_outcome_is_in_the_key(other: Install) -> None:
    assert install_key(other, BASE) != install_key(INSTALL, BASE)


def test_of_another_image_or_architecture_it_is_another_kind() -> None:
    keys = {install_key(INSTALL, image) for image in (BASE, replace(BASE, id="sha256:x"))}
    keys.add(install_key(INSTALL, replace(BASE, architecture="arm64")))
    assert len(keys) == 3


@pytest.mark.parametrize(
    "same",
    [
        replace(INSTALL, ttl_s=5.0),
        replace(INSTALL, timeout_s=5.0),
        without_contents(INSTALL),
        replace(INSTALL, args=dict(reversed([("A", "1")]))),
    ],
)
def test_what_does_not_determine_it_is_not(same: Install) -> None:
    assert install_key(same, BASE) == install_key(INSTALL, BASE)
    assert install_key(INSTALL, replace(BASE, tags=("x:1",))) == install_key(INSTALL, BASE)


def test_contents_are_known_by_their_digests() -> None:
    short = without_contents(INSTALL)
    assert short and short.files[0].content == b""
    assert short.files[0].digest == hashlib.sha256(b"a = 1\n").hexdigest()
    assert without_contents(short) == short and without_contents(None) is None


def test_how_long_it_is_good() -> None:
    image = replace(BASE, created_at=100.0)
    assert is_good(image, INSTALL, 10.0**9)
    assert is_good(image, replace(INSTALL, ttl_s=10.0), 110.0)
    assert not is_good(image, replace(INSTALL, ttl_s=10.0), 110.5)
    now = replace(INSTALL, ttl_s=0.0)
    assert is_good(image, now, 99.5) and not is_good(image, now, 100.5), "made after I asked"


@pytest.mark.parametrize(
    ("install", "said"),
    [
        (Install(), "neither"),
        (Install(("--force-yes",)), "package"),
        (Install(("a b",)), "package"),
        (Install(files=(InstallFile("etc/x"),)), "absolute"),
        (Install(files=(InstallFile("/etc/../x"),)), "absolute"),
        (Install(files=(InstallFile("/etc/"),)), "absolute"),
        (Install(files=(InstallFile("/x", mode=0o10000),)), "mode"),
        (Install(files=(InstallFile("/x", digest="abc"),)), "SHA-256"),
        (Install(commands=(" ",)), "empty"),
        (Install(("x",), args={"1": "x"}), "variable"),
        (Install(("x",), timeout_s=0), "times"),
        (Install(("x",), ttl_s=-1), "times"),
        (Install(files=(InstallFile("/x", bytes(MOST_BYTES + 1)),)), "bytes"),
    ],
)
def test_what_cannot_be_is_refused(install: Install, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        check_install(install)


@pytest.mark.parametrize("name", ["nginx", "libstdc++6", "nginx=1.22.1-9", "python3:amd64", "vim~"])
def test_packages_are_named_as_their_tools_do(name: str) -> None:
    check_install(Install((name,)))


class Installing:
    """An engine whose package manager is played, and an order for it."""

    def __init__(self, **changes: Any) -> None:
        self.lines: list[str] = []
        self.ran: list[Execution] = []
        self.answers: Callable[[Execution], Result | None] = lambda execution: None
        self.engine = FakeEngine(handler=self._handle)
        self.base = self.engine.add_image("app:1", BASE)
        self.install = replace(INSTALL, **changes)
        self.forbidden: Exception | None = None

    def run(self) -> ImageInfo:
        key = install_key(self.install, self.base)
        order = Order(
            self.base,
            self.install,
            key,
            name=f"demo.install_{key}",
            tag=install_tag(key),
            labels={"clocker.cloud": "demo"},
            on_line=self.lines.append,
            before_commit=self._check,
        )
        return install_in(self.engine, order)

    def _check(self) -> None:
        if self.forbidden:
            raise self.forbidden

    def _handle(self, execution: Execution) -> Result | None:
        self.ran.append(execution)
        if answer := self.answers(execution):
            return answer
        return Result(0, b"Setting up nginx\n") if "apt-get" in " ".join(execution.argv) else None


def test_files_then_packages_then_commands_as_root() -> None:
    world = Installing()
    made = world.run()
    assert [(run.argv[:2], run.user) for run in world.ran] == [
        (("/bin/sh", "-c"), "0"),
        (("/bin/sh", "-ec"), "0"),
    ]
    assert world.ran[0].argv[3:] == ("install", "nginx")
    assert world.ran[1].env["A"] == "1" and "A" not in world.ran[0].env
    assert world.lines == ["> packages nginx", "Setting up nginx", f"> {INSTALL.commands[0]}"]
    files = world.engine._images.tree(made)
    assert files.read("/etc/app.conf") == b"a = 1\n" and files.read("/srv/ready") == b"ready\n"
    assert world.engine.containers() == ()


def test_the_image_runs_what_its_base_runs_and_is_nobodys() -> None:
    made = Installing().run()
    assert (made.entrypoint, made.command, made.user) == (BASE.entrypoint, BASE.command, "www")
    assert kind_of(made) is ImageKind.GENERATED and made.labels["clocker.base"] == BASE.id
    assert (made.labels["clocker.cloud"], made.labels["clocker.installer"]) == ("", "")
    assert made.labels["theirs"] == "yes"


def test_a_step_that_fails_says_its_last_lines() -> None:
    world = Installing(commands=("echo one; echo why >&2; exit 7", "echo never"))
    with pytest.raises(CommandFailed, match="why") as raised:
        world.run()
    assert raised.value.status == 7 and "echo one" in raised.value.what
    assert len(world.ran) == 2
    assert_nothing_left(world)


def test_it_has_a_time_limit_over_all_steps() -> None:
    world = Installing(packages=(), commands=("echo begun; sleep 60",), timeout_s=0.2)
    with pytest.raises(TimedOut, match=r"0\.2 s.*sleep 60"):
        world.run()
    assert_nothing_left(world)


def test_an_image_without_package_manager_or_shell() -> None:
    world = Installing()
    world.answers = lambda run: Result(1, stderr=b"clocker: no package manager\n")
    with pytest.raises(BadInput, match="none of apt"):
        world.run()
    assert_nothing_left(world)
    world.engine.fail_next("start", EngineError('exec: "/bin/sh": no such file or directory'))
    with pytest.raises(BadInput, match="no shell"):
        world.run()
    assert_nothing_left(world)


def test_who_has_lost_the_lease_commits_nothing() -> None:
    world = Installing()
    world.forbidden = EngineError("taken over")
    with pytest.raises(EngineError, match="taken over"):
        world.run()
    assert_nothing_left(world)


def test_contents_that_are_not_at_hand_are_missed_before_anything_is_done() -> None:
    world = Installing(files=(InstallFile("/etc/app.conf", digest="0" * 64),))
    with pytest.raises(BadInput, match=r"/etc/app\.conf"):
        world.run()
    assert world.engine.count("create") == 0


def test_a_file_has_its_mode_and_is_roots() -> None:
    world = Installing(files=(replace(FILE, mode=0o600),))
    world.run()
    call = next(call for call in world.engine.calls if call.method == "put_archive")
    with tarfile.open(fileobj=io.BytesIO(call.arguments[2])) as tar:
        (entry,) = tar.getmembers()
    assert (entry.name, entry.mode, entry.uid) == ("etc/app.conf", 0o600, 0)


def assert_nothing_left(world: Installing) -> None:
    assert world.engine.containers() == ()
    assert world.engine.count("commit") == 0
