"""A program in libcloud's words, on a cloud of real hosts: its nodes are containers."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from libcloud.compute.base import Node, NodeAuthSSHKey
from libcloud.compute.deployment import (
    Deployment,
    FileDeployment,
    MultiStepDeployment,
    ScriptDeployment,
    SSHKeyDeployment,
)
from libcloud.compute.providers import get_driver
from libcloud.compute.types import DeploymentError, StorageVolumeState
from real_cloud import Ran, RealCloud, real_cloud

from clocker.driver import ClockerNodeDriver
from clocker.testing import FakeKeys

pytestmark = pytest.mark.hosts

EXAMPLE = Path(__file__).parents[2] / "examples" / "libcloud_deploy.py"


@pytest.fixture(scope="module")
def cloud(ready_node_image: str) -> Iterator[RealCloud]:
    hosts = {"count": 1, "maximum": 1}
    with real_cloud(node_image=ready_node_image, hosts=hosts) as cloud:
        cloud.clocker("up")
        yield cloud


@pytest.fixture
def driver(cloud: RealCloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClockerNodeDriver]:
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, cloud.env[name])
    with get_driver("clocker")(str(cloud.folder / "clocker.yaml")) as driver:
        yield driver
        assert driver.list_nodes() == []


def test_a_program_from_libclouds_documentation(cloud: RealCloud, base_image: str) -> None:
    ran = subprocess.run(
        [sys.executable, EXAMPLE, base_image],
        cwd=cloud.folder,
        env=cloud.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    first, second, third, fourth = ran.stdout.splitlines()
    name, state, address = first.split()
    assert (name, state) == ("libcloud-node", "running")
    assert second == "status 0: deployed on libcloud-node"
    assert third == f"rebooted, and still at {address}"
    assert fourth == "nodes left: 0"
    assert cloud.containers() == {}


def test_keys_files_and_volumes(driver: ClockerNodeDriver, base_image: str, tmp_path: Path) -> None:
    mine, added = FakeKeys("mine"), FakeKeys("added")
    (tmp_path / "sent").write_bytes(os.urandom(300_000))
    (tmp_path / "sent").chmod(0o640)
    volume = driver.create_volume(1, "data")
    step = ScriptDeployment("#!/bin/sh\nset -e\ncp /srv/in/sent /data/kept\nid -un\nhostname\n")
    files = FileDeployment(str(tmp_path / "sent"), "/srv/in/sent")
    node = driver.deploy_node(
        name="full",
        image=driver.get_image(base_image),
        size=driver.list_sizes()[0],
        deploy=MultiStepDeployment([SSHKeyDeployment(added.public), files, step]),
        auth=NodeAuthSSHKey(mine.public),
        ssh_key=mine.private_path,
        ex_volumes={volume: "/data"},
        ex_ports=[80],
    )
    assert (step.stdout, step.stderr, step.exit_status) == ("root\nfull\n", "", 0)
    (used,) = driver.list_volumes()
    assert (used.state, used.size) == (StorageVolumeState.INUSE, 1)
    driver.ex_get(node, "/data/kept", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "sent").read_bytes()
    assert driver.ex_exec(node, ["stat", "-c", "%a", "/srv/in/sent"]).text == "640\n"
    ((_, addresses),) = driver.wait_until_running([node], ssh_interface="public_ips")
    assert addresses == node.public_ips != node.private_ips

    assert driver.ex_ssh_command(node)[-1] == "full"
    for keys in (mine, added):
        assert log_in(driver, node, keys).stdout == "root\n"
    assert "Permission denied" in log_in(driver, node, FakeKeys("nobody's")).stderr
    assert driver.destroy_node(node) and driver.destroy_volume(volume)
    assert driver.list_volumes() == []


def log_in(driver: ClockerNodeDriver, node: Node, keys: FakeKeys) -> Ran[str]:
    """With this key and no other."""
    machine = driver.ex_cloud.machine(node.name)
    options = {
        "ProxyCommand": shlex.join(machine.ssh_relay()),
        "IdentityFile": keys.private_path,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "HostKeyAlias": f"{node.name}.{driver.ex_cloud.spec.zone}",
        "UserKnownHostsFile": str(machine.parts.folder / "known_machines"),
        "LogLevel": "ERROR",
    }
    words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    argv = ["ssh", "-F", "none", *words, "root@container", "id", "-un"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def test_nothing_is_left_of_a_deployment_that_fails(
    driver: ClockerNodeDriver, cloud: RealCloud, base_image: str
) -> None:
    class Failing(Deployment):
        def run(self, node: object, client: object) -> object:
            raise ValueError("this does not work")

    with pytest.raises(DeploymentError, match="this does not work"):
        driver.deploy_node(
            name="failing",
            image=driver.get_image(base_image),
            size=driver.list_sizes()[0],
            deploy=Failing(),
            max_tries=1,
        )
    assert cloud.containers() == {}
    cloud.assert_agrees()
