"""Deployments over real SSH: a cloud in memory, whose containers' sshd is one on loopback that is
given the very keys that Clocker put into the container; reached through another as its host."""

from __future__ import annotations

import atexit
import getpass
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from libcloud.common.types import InvalidCredsError, LibcloudError, ServiceUnavailableError
from libcloud.compute.base import NodeAuthPassword, NodeAuthSSHKey
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    ScriptFileDeployment,
)
from libcloud.compute.types import DeploymentError
from sshd import Sshd, free_port, serving

from clocker.cloud import Cloud, ssh
from clocker.driver import ClockerNodeDriver
from clocker.interfaces import Parts
from clocker.model import Host
from clocker.remote.host_keys import KnownHosts
from clocker.remote.keys import CloudKeys
from clocker.testing import FakeKeys, FakeMachines, fake_parts

ME = getpass.getuser()


@dataclass
class Bench:
    driver: ClockerNodeDriver
    machines: FakeMachines
    inner: Sshd
    folder: Path
    impostor: bool = False
    port: int = 0
    only: str = ""

    def deploy(self, deploy: Deployment, **changes: Any) -> Any:
        asked = {
            "name": "web",
            "size": self.driver.list_sizes()[0],
            "image": self.driver.get_image("debian:12"),
            "ssh_username": ME,
            "timeout": 20,
            **changes,
        }
        return self.driver.deploy_node(deploy=deploy, **asked)

    def path(self, name: str) -> str:
        return str(self.folder / name)

    def script(self, text: str) -> ScriptDeployment:
        return ScriptDeployment(f"#!/bin/sh\n{text}\n", name=self.path("step.sh"), delete=True)

    def keep_ready(self, parts: Parts, host: Host) -> None:
        """The one sshd becomes that of the container that is about to be reached."""
        (container,) = self.machines.machine(host).engine.containers()
        inside = container.files.read("/etc/ssh/clocker/authorized_keys").decode()
        self.inner.authorise(self.only or inside)
        (record,) = Cloud(parts).list()
        keys = FakeKeys("somebody else") if self.impostor else parts.keys
        self.inner.answer_with(keys.derive("container", record.id))

    def assert_nothing_left(self) -> None:
        assert self.driver.list_nodes() == []
        assert [c for m in self.machines.all() for c in m.engine.containers()] == []


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The way through a host, but for where it ends."""
    state = tmp_path_factory.mktemp("outer")
    keys = CloudKeys(state)
    with serving(keys, CloudKeys(state / "hosts")) as host:
        KnownHosts(state / "known").pin("host", (host.key,))
        options = ["StrictHostKeyChecking=yes", "BatchMode=yes", "HostKeyAlias=host"]
        options += [f"UserKnownHostsFile={state}/known"]
        words = [word for option in options for word in ("-o", option)]
        yield ["ssh", "-F", "none", "-i", keys.private_path, *words, "-p", str(host.port)]


@pytest.fixture
def bench(outer: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    machines = FakeMachines()
    cloud = Cloud(fake_parts(machines=machines))
    cloud.up()
    with serving(CloudKeys(tmp_path), CloudKeys(tmp_path)) as inner:
        bench = Bench(ClockerNodeDriver(ex_cloud=cloud), machines, inner, tmp_path)

        def relay(parts: Parts, host: Host, address: str, port: int) -> list[str]:
            assert (address, port) == (Cloud(parts).list()[0].address, 22)
            bench.keep_ready(parts, host)
            return [*outer, "-W", f"127.0.0.1:{bench.port or inner.port}", f"{ME}@127.0.0.1"]

        monkeypatch.setattr(ssh, "relay_command", relay)
        yield bench


class Failing(Deployment):
    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.runs = 0

    def run(self, node: Any, client: Any) -> Any:
        self.runs += 1
        raise self.error


def test_a_script(bench: Bench) -> None:
    step = bench.script("echo here; echo there >&2; exit 3")
    node = bench.deploy(step)
    assert (step.stdout, step.stderr, step.exit_status) == ("here\n", "there\n", 3)
    assert [n.id for n in bench.driver.list_nodes()] == [node.id]
    assert node.extra["ssh"]
    assert not Path(bench.path("step.sh")).exists()


def test_files_and_steps(bench: Bench) -> None:
    (bench.folder / "sent").write_bytes(bytes(range(256)))
    (bench.folder / "sent").chmod(0o640)
    (bench.folder / "own.sh").write_text(f"#!/bin/sh\ncat {bench.path('in/got')} | wc -c\n")
    own = ScriptFileDeployment(bench.path("own.sh"), name=bench.path("run.sh"))
    target = bench.path("in/got")
    bench.deploy(MultiStepDeployment([FileDeployment(bench.path("sent"), target), own]))
    assert Path(target).read_bytes() == bytes(range(256))
    assert Path(target).stat().st_mode & 0o777 == 0o640
    assert own.stdout.strip() == "256"


def test_the_node_has_the_key_that_it_is_given(bench: Bench) -> None:
    mine = FakeKeys("mine")
    bench.only = mine.public
    node = bench.deploy(
        bench.script("true"),
        ssh_key=mine.private_path,
        auth=NodeAuthSSHKey(f"{mine.public} me@here\n"),
    )
    (container,) = [c for m in bench.machines.all() for c in m.engine.containers()]
    lines = container.files.read("/etc/ssh/clocker/authorized_keys").decode().splitlines()
    assert lines == [FakeKeys("test").public, f"{mine.public} me@here"]
    assert node.state == "running"


def test_another_user_is_tried_when_one_is_refused(bench: Bench) -> None:
    step = bench.script("id -un")
    bench.deploy(step, ssh_username="no-such-user", ssh_alternate_usernames=[ME, "another"])
    assert step.stdout == f"{ME}\n"


def test_a_deployment_that_fails_leaves_no_node(bench: Bench) -> None:
    step = Failing(ValueError("this does not work"))
    with pytest.raises(DeploymentError, match="Failed after 2 tries: this does not work") as caught:
        bench.deploy(step, max_tries=2)
    assert step.runs == 2
    assert caught.value.node.name == "web"
    bench.assert_nothing_left()


def test_a_command_that_takes_too_long_leaves_no_node(bench: Bench) -> None:
    step = ScriptDeployment("#!/bin/sh\nsleep 60\n", name=bench.path("slow.sh"), timeout=0.5)
    with pytest.raises(DeploymentError, match="timeout=0.5"):
        bench.deploy(step)
    bench.assert_nothing_left()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
def test_an_interrupt_leaves_no_node(bench: Bench, error: BaseException) -> None:
    seen: list[Any] = []
    with pytest.raises(type(error)):
        bench.deploy(Failing(error), at_exit_func=lambda **given: seen.append(given))
    bench.assert_nothing_left()
    assert seen == []  # as libcloud has it: when the process ends


def test_an_impostor_is_not_spoken_to(bench: Bench) -> None:
    bench.impostor = True
    step = Failing(AssertionError())
    begun = time.monotonic()
    with pytest.raises(DeploymentError, match="another host key") as caught:
        bench.deploy(step)
    assert isinstance(caught.value.original_error, InvalidCredsError)
    assert time.monotonic() - begun < 10
    assert step.runs == 0
    bench.assert_nothing_left()


def test_a_refused_key_is_not_tried_for_ever(bench: Bench) -> None:
    bench.only = FakeKeys("somebody else").public
    begun = time.monotonic()
    with pytest.raises(DeploymentError, match="refuses the key") as caught:
        bench.deploy(bench.script("true"))
    assert isinstance(caught.value.original_error, InvalidCredsError)
    assert time.monotonic() - begun < 10
    bench.assert_nothing_left()


def test_a_port_where_nobody_listens(bench: Bench) -> None:
    bench.port = free_port()
    with pytest.raises(DeploymentError, match="web") as caught:
        bench.deploy(bench.script("true"), timeout=2)
    assert isinstance(caught.value.original_error, ServiceUnavailableError)
    assert "refused" in str(caught.value.original_error)
    bench.assert_nothing_left()


def test_one_that_cannot_be_destroyed_is_named(bench: Bench) -> None:
    class Breaking(Deployment):
        def run(self, node: Any, client: Any) -> Any:
            for machine in bench.machines.all():
                bench.machines.kill(machine.name)
            raise ValueError("and the host is gone")

    with pytest.raises(DeploymentError, match="the host is gone") as caught:
        bench.deploy(Breaking(), max_tries=1)
    cause = caught.value.__cause__
    assert cause is not None
    assert "node web could not be destroyed and is still there" in cause.__notes__[0]
    assert [node.name for node in bench.driver.list_nodes()] == ["web"]


def test_at_exit_is_not_kept_after_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def given(**_: Any) -> None: ...

    kept: list[Callable[..., Any]] = []
    monkeypatch.setattr(atexit, "register", lambda function, **_: kept.append(function))
    monkeypatch.setattr(atexit, "unregister", kept.remove)
    bench.deploy(bench.script("true"), at_exit_func=given)
    with pytest.raises(DeploymentError):
        bench.deploy(Failing(ValueError()), name="other", at_exit_func=given, max_tries=1)
    assert kept == []


def test_a_name_that_is_taken_does_not_cost_its_owner_the_node(bench: Bench) -> None:
    first = bench.deploy(bench.script("true"))
    with pytest.raises(LibcloudError, match="is taken"):
        bench.deploy(Failing(ValueError()))
    assert [node.id for node in bench.driver.list_nodes()] == [first.id]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ssh_key": "/nowhere/id_rsa"}, "no such private key"),
        ({"ssh_interface": "eth0"}, "no interface 'eth0'"),
        ({"auth": NodeAuthPassword("secret")}, "not supported"),
        ({"ex_unheard_of": 1}, "no argument ex_unheard_of"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    bench: Bench, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(LibcloudError, match=sentence):
        bench.deploy(bench.script("true"), **changes)
    with pytest.raises(LibcloudError, match="is no Deployment"):
        bench.deploy("echo")  # type: ignore[arg-type]
    bench.assert_nothing_left()


def test_no_connection_or_process_is_kept(bench: Bench) -> None:
    def children() -> set[str]:
        found = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        return {pid for path in found for pid in path.read_text().split()}

    before = children()
    for number, error in enumerate((None, ValueError())):
        step = Failing(error) if error else bench.script("true")
        try:
            node = bench.deploy(step, name=f"web{number}", max_tries=1)
            bench.driver.destroy_node(node)
        except DeploymentError:
            assert error
    assert children() == before
