"""The end of an installer, and of images that nothing uses, on real hosts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from generated_world import engine_of
from images import busybox
from real_cloud import RealCloud, until

from clocker.cloud import Cloud
from clocker.images.installer import INSTALLER_LABEL
from clocker.interfaces import Engine

pytestmark = pytest.mark.hosts

RANDOM = "head -c 12 /dev/urandom | hexdump -e '/1 \"%02x\"' > /made"


@pytest.fixture
def emptied(pair: RealCloud) -> Iterator[RealCloud]:
    yield pair
    pair.clocker("rm", "--all", "--yes")
    pair.assert_agrees()


def test_another_takes_over_from_an_installer_that_is_killed(emptied: RealCloud) -> None:
    """Half-way through a step, which goes on only when it is told to."""
    first, second = hosts(emptied)
    step = f"touch /begun; until test -e /go; do sleep 0.2; done; {RANDOM}"

    def begin(name: str, host: str) -> subprocess.Popen[str]:
        where = ("--rule", f"hostname={host}", "--install-run", step)
        return emptied.begin("-v", "run", "--name", name, *where, busybox(), "sleep", "9999999")

    doomed = begin("doomed", first)
    with emptied.opened() as cloud:
        here, there = engine_of(cloud, first), engine_of(cloud, second)
        until(lambda: _installing(here, cloud) is not None, timeout_s=120)
        heir = begin("heir", second)
        assert heir.stderr is not None
        lines = iter(heir.stderr.readline, "")
        assert any("waiting for the same install elsewhere" in line for line in lines)
        doomed.send_signal(signal.SIGKILL)
        doomed.communicate()
        until(lambda: _installing(there, cloud) is not None, timeout_s=120)
        assert _installing(here, cloud) is None, "what the dead one had begun is gone"
        there.exec(_installing(there, cloud) or "", ["touch", "/go"])
        out, err = heir.communicate(timeout=120)
        assert heir.returncode == 0, (out, err)
        assert len(cloud.machine("heir").run(["cat", "/made"]).text) == 24
        assert _installing(there, cloud) is None


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


def _installing(engine: Engine, cloud: Cloud) -> str | None:
    """The throw-away container in which the step has begun."""
    for status in engine.list({"clocker.cloud": cloud.spec.name}):
        if status.labels.get(INSTALLER_LABEL) and status.state == "running":
            begun = engine.exec(status.engine_id, ["test", "-e", "/begun"])
            return status.engine_id if begun.ok else None
    return None
