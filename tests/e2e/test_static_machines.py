"""A cloud on machines that somebody has: local ones that the cloud did not make."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient
from real_cloud import RealCloud, docker_engine, real_cloud

from clocker.providers.local_driver import LocalNodeDriver

pytestmark = pytest.mark.hosts

COUNT = 2


@dataclass(frozen=True)
class Rack:
    key: Path
    addresses: tuple[str, ...]
    nodes: tuple[str, ...]

    def run(self, node: str, command: str) -> str:
        engine = docker_engine()
        label = {"label": f"clocker.local.node={node}"}
        (container,) = engine.containers.list(filters=label)
        ran = container.exec_run(["sh", "-c", command])
        engine.close()
        return str(ran.output.decode())


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[Rack]:
    """Machines that let a key of ours in, and know nothing of any cloud."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    name = f"rack{uuid.uuid4().hex[:6]}"
    driver = LocalNodeDriver(network=f"{name}-net", internal=True)
    size = next(size for size in driver.list_sizes() if size.id == "unlimited")
    user_data = f"#cloud-config\nssh_authorized_keys:\n  - {public}\n"
    made = [
        driver.create_node(f"{name}-{n}", size, driver.ex_default_image(), ex_userdata=user_data)
        for n in range(COUNT)
    ]
    try:
        addresses = tuple(str(node.private_ips[0]) for node in made)
        yield Rack(key, addresses, tuple(str(node.id) for node in made))
    finally:
        for node in made:
            driver.destroy_node(node)
        driver.ex_remove_unused_network()


@pytest.fixture
def cloud(rack: Rack, tmp_path: Path) -> Iterator[RealCloud]:
    inventory = tmp_path / "hosts"
    inventory.write_text("[rack]\n" + "".join(f"{address}\n" for address in rack.addresses))
    options = {"inventory": str(inventory), "claims": str(tmp_path / "claims.json")}
    entry = {"driver": "static", "options": options}
    with real_cloud(
        providers={"rack": entry}, hosts={"count": COUNT}, ssh={"key": str(rack.key)}
    ) as made:
        yield made


def test_machines_become_hosts_and_are_given_back(
    cloud: RealCloud, rack: Rack, engine: DockerClient, small_image: str, tmp_path: Path
) -> None:
    cloud.clocker("up", "--yes")
    for name in ("web", "db"):
        cloud.clocker("run", "--name", name, small_image)
    assert {item["name"] for item in cloud.containers().values()} == {"web", "db"}
    cloud.clocker("down", "--yes")

    assert not (tmp_path / "claims.json").exists()
    for node in rack.nodes:
        assert rack.run(node, "docker ps -aq") == ""
        assert rack.run(node, "ls -A /etc/clocker /usr/local/lib/clocker 2>/dev/null") == ""
        assert rack.run(node, "cat /etc/docker/daemon.json 2>/dev/null") == ""
