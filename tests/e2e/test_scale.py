"""Real hosts come when room gets scarce, and go when they are not needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from images import busybox
from real_cloud import RealCloud, real_cloud

from clocker.cloud import Cloud, ScaleReport

pytestmark = pytest.mark.hosts

SERVES = "trap exit TERM; nc -ll -p 80 -e echo here & wait"


@pytest.fixture(scope="module")
def cloud(ready_node_image: str) -> Iterator[RealCloud]:
    """One host, which takes three containers; room for one more is to be kept."""
    document = {
        "hosts": {"count": 1, "maximum": 3},
        "rules": [{"max_containers": 3}],
        "headroom": {"count": 1, "cooldown": {"up": 0, "down": "5m"}},
    }
    with real_cloud(node_image=ready_node_image, **document) as cloud:
        cloud.clocker("up")
        yield cloud


def hosts(cloud: RealCloud) -> dict[str, list[str]]:
    return {host["name"]: host["containers"] for host in cloud.json("hosts")["hosts"]}


def later(cloud: RealCloud, seconds: float) -> ScaleReport:
    """Scales as if so much time had passed."""
    with cloud.opened() as opened:
        return Cloud(replace(opened._parts, clock=lambda: time.time() + seconds)).scale()


def test_one_host_comes_for_two_runs_at_once_and_goes_when_it_is_not_needed(
    cloud: RealCloud,
) -> None:
    image = busybox()
    for number in range(3):
        cloud.clocker("run", "--name", f"web-{number}", image, "sh", "-c", SERVES)
    assert "1 host added" in cloud.clocker("scale", "--dry-run").stdout
    (first,) = hosts(cloud)

    began = time.monotonic()
    runs = [cloud.begin("scale") for _ in range(2)]
    said = [run.communicate(timeout=300) for run in runs]
    print(f"\none host added in {time.monotonic() - began:.1f} s")

    assert [run.returncode for run in runs] == [0, 0], said
    assert sorted("1 host added" in out for out, _ in said) == [False, True], said
    (second,) = set(hosts(cloud)) - {first}
    cloud.assert_agrees()

    cloud.clocker("run", "--name", "last", image, "sh", "-c", SERVES)
    assert hosts(cloud)[second] == ["last"]
    cloud.clocker("rm", "--yes", "web-0", "web-1")
    addresses = {name: item["address"] for name, item in cloud.containers().items()}
    report = later(cloud, 600)
    assert (report.removed, "not needed" in report.why) == ((), True)

    began = time.monotonic()
    report = later(cloud, 901)
    print(f"drained and removed in {time.monotonic() - began:.1f} s: {report.why}")

    assert len(report.removed) == 1
    (left,) = hosts(cloud).values()
    assert left == ["last", "web-2"]
    assert {name: item["address"] for name, item in cloud.containers().items()} == addresses
    reach_each_other(cloud)
    assert "nothing to do" in cloud.clocker("scale").stdout
    cloud.assert_agrees()


def reach_each_other(cloud: RealCloud) -> None:
    address = cloud.containers()["web-2"]["address"]
    assert cloud.exec("last", "nc", "-w", "5", address, "80") == "here"
    assert cloud.exec("web-2", "nc", "-w", "5", f"last.{cloud.name}.clocker", "80") == "here"


def test_a_host_comes_and_another_goes_by_hand_also_with_a_kill_in_between(
    cloud: RealCloud,
) -> None:
    (first,) = hosts(cloud)
    addresses = {name: item["address"] for name, item in cloud.containers().items()}
    (second,) = cloud.json("host", "add")["added"]
    cloud.clocker("host", "label", first, "disk=ssd")
    assert cloud.json("host", "repair", first)["host"]["labels"] == {"disk": "ssd"}
    reach_each_other(cloud)

    cloud.crashed(12, "host-rm", first)
    cloud.clocker("host", "rm", first)

    assert hosts(cloud) == {second: ["last", "web-2"]}
    assert {name: item["address"] for name, item in cloud.containers().items()} == addresses
    reach_each_other(cloud)
    cloud.assert_agrees()
