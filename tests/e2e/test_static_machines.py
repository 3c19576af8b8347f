"""A cloud on machines that somebody has: local ones that the cloud did not make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docker import DockerClient
from rack import Rack, racked
from real_cloud import RealCloud, real_cloud

pytestmark = pytest.mark.hosts

COUNT = 2


@pytest.fixture
def rack(tmp_path: Path) -> Iterator[Rack]:
    with racked(tmp_path, COUNT) as rack:
        yield rack


@pytest.fixture
def cloud(rack: Rack, tmp_path: Path) -> Iterator[RealCloud]:
    with real_cloud(
        providers={"rack": rack.inventory(tmp_path)},
        hosts={"count": COUNT},
        ssh={"key": str(rack.key)},
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
