"""`clocker gc` on real machines: what is on no record goes after the grace, and nothing else."""

from __future__ import annotations

import time

import pytest
from real_cloud import RealCloud, docker_engine, real_cloud

pytestmark = pytest.mark.hosts


def test_gc_removes_what_is_not_on_record_and_nothing_else(ready_node_image: str) -> None:
    hosts = {"count": 2, "maximum": 2}
    with real_cloud(node_image=ready_node_image, hosts=hosts) as cloud:
        cloud.clocker("up")
        assert cloud.clocker("gc").stdout == "nothing is left over\n"
        lost, kept = (host["id"] for host in cloud.json("hosts")["hosts"])
        _drop_the_record(cloud, lost)

        (found,) = cloud.json("gc", "--yes")["remnants"]
        assert (found["kind"], found["outcome"]) == ("machine", "stays")
        assert machines(cloud) == {lost, kept}
        time.sleep(max(0.0, found["since"] + 1 - time.time()))  # the grace itself
        assert "add --yes" in cloud.clocker("gc", "--grace", "1s", status=2).stderr
        assert machines(cloud) == {lost, kept}

        (found,) = cloud.json("gc", "--grace", "1s", "--yes")["remnants"]

        assert found["outcome"] == "removed"
        assert machines(cloud) == {kept}
        assert cloud.json("gc", "--yes")["remnants"] == []


def _drop_the_record(cloud: RealCloud, host_id: str) -> None:
    with cloud.opened() as opened:
        parts = opened._parts
        with parts.store.transaction() as tx:
            host = tx.host(host_id)
            tx.delete_host(host_id)
        assert host
        parts.connections.forget(host)


def machines(cloud: RealCloud) -> set[str]:
    """By the host that they were made for, as the engine has them."""
    engine = docker_engine()
    found = engine.containers.list(all=True, filters={"label": f"clocker-cloud={cloud.name}"})
    engine.close()
    return {container.labels["clocker-host"] for container in found}
