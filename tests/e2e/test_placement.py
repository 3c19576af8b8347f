"""Rules on real hosts: neighbours, a dry run that tells the truth, and hosts that were measured."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from real_cloud import RealCloud

pytestmark = pytest.mark.hosts


@pytest.fixture
def cloud(pair: RealCloud) -> Iterator[RealCloud]:
    yield pair
    pair.clocker("rm", "--all", "--yes")
    pair.assert_agrees()


def test_what_is_explained_and_planned_is_what_happens(cloud: RealCloud, small_image: str) -> None:
    apart = ("--count", "2", "--name", "web", "--rule", "different_host", small_image)
    planned = json.loads(cloud.clocker("run", "--dry-run", "--json", *apart).stdout)["plan"]
    assert cloud.containers() == {}
    cloud.clocker("run", *apart)
    where = {name: item["host"] for name, item in cloud.containers().items()}
    assert where == {item["name"]: item["host"] for item in planned}
    assert len(set(where.values())) == 2

    third = ("--name", "web-3", small_image)
    refused = cloud.clocker("run", *third, status=3).stderr  # its neighbours want it away
    assert "welcome: web-1 wants nothing there that is TYPE" in refused
    explained = json.loads(cloud.clocker("explain", "--json", *third, status=3).stdout)
    assert [host["refusals"][0]["rule"] for host in explained["hosts"]] == ["welcome"] * 2
    assert explained["new"][0]["refusals"][0]["rule"] == "maximum"


def test_hosts_say_how_busy_they_are(cloud: RealCloud, small_image: str) -> None:
    rules = ("--rule", "max_ram_usage=1", "--rule", "lowest_cpu_usage")
    found = json.loads(cloud.clocker("explain", "--json", *rules, small_image).stdout)
    assert [host["rank"] for host in found["hosts"]] == [1, 2]
    for host in found["hosts"]:
        (reason,) = host["reasons"]
        assert 0 <= reason["cost"] <= 1
        assert "measured 0 s ago" in reason["reason"]
    cloud.clocker("run", "--name", "calm", *rules, small_image)
    most = ("--rule", "max_ram_usage=0.001")
    refused = cloud.clocker("run", *most, small_image, status=3).stderr
    assert "of less than 0%" in refused
