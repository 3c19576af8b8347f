"""Images that nothing uses are cleared up on real hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from images import busybox
from real_cloud import RealCloud

pytestmark = pytest.mark.hosts

RANDOM = "head -c 12 /dev/urandom | hexdump -e '/1 \"%02x\"' > /made"


@pytest.fixture
def emptied(pair: RealCloud) -> Iterator[RealCloud]:
    yield pair
    pair.clocker("rm", "--all", "--yes")
    pair.assert_agrees()


def test_what_nothing_uses_goes_and_what_is_used_stays(emptied: RealCloud) -> None:
    first, _ = hosts(emptied)
    run = ("run", "--name", "keeper", "--rule", f"hostname={first}", "--install-run", RANDOM)
    emptied.clocker(*run, busybox(), "sleep", "1000000")
    other = ("run", "--name", "gone", "--rule", f"hostname={first}", "--install-run", "true")
    emptied.clocker(*other, busybox(), "sleep", "1000000")
    emptied.clocker("rm", "--yes", "gone")
    shown = emptied.json("image", "prune", "--dry-run", "--older-than", "500ms")["images"]
    going = {(item["host"], item["name"]) for item in shown if item["outcome"] == "goes"}
    assert going, shown
    emptied.clocker("image", "prune", "--older-than", "500ms", "--yes")
    left = [item for item in emptied.json("image", "ls")["images"]]
    (kept,) = [item for item in left if item["kind"] in ("generated", "ssh")]
    assert (kept["used_by"], kept["hosts"]) == (["keeper"], [first])
    assert any(item["name"] == busybox() for item in left), "only what Clocker makes itself"
    emptied.clocker("image", "rm", "--yes", kept["name"], status=2)


def hosts(cloud: RealCloud) -> list[str]:
    return sorted(host["name"] for host in cloud.json("hosts")["hosts"])
