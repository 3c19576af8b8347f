"""Real hosts of a driver that fails one call in five: nothing leaks, nothing is lost.

As tests/unit/test_faults.py, with real machines (tests/faults_local.py) and SIGKILL. One life of a
cloud here; ten with ``--soak``, as `scripts/soak` does."""

from __future__ import annotations

import random
import signal
import subprocess
import sys

import faults_local
import pytest
from real_cloud import RealCloud, docker_engine, real_cloud

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(3600)]

TRIES = 60


def test_nothing_leaks_and_nothing_is_lost(
    ready_node_image: str, small_image: str, soak: bool
) -> None:
    hosts = {"count": 2, "maximum": 3, "timeout": "40s"}
    with real_cloud(node_image=ready_node_image, hosts=hosts) as cloud:
        for life in range(10 if soak else 1):
            print(f"life {life}")
            _live(cloud, small_image, random.Random(life))
        played = (cloud.folder / faults_local.PLAYED).read_text().splitlines()
        assert len(set(played)) > (6 if soak else 0), played


def _live(cloud: RealCloud, image: str, dice: random.Random) -> None:
    web = f"{image} web"
    for verb, argument in (("up", ""), ("run", web), ("up", "")):
        _ran(cloud, dice, verb, argument, boundary=dice.randint(1, 30))
        _until_done(cloud, dice, verb, argument)
    _assert_nothing_lost(cloud)
    _until_done(cloud, dice, "gc")
    _assert_nothing_leaked(cloud)
    _ran(cloud, dice, "down", boundary=dice.randint(1, 30))
    _until_done(cloud, dice, "down")
    cloud.assert_nothing_left()


def _ran(
    cloud: RealCloud, dice: random.Random, verb: str, argument: str = "", boundary: int = 0
) -> int:
    argv = [cloud.folder, dice.getrandbits(32), boundary, verb, argument]
    ran = subprocess.run(
        [sys.executable, faults_local.__file__, *map(str, argv)],
        env=cloud.env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode in (0, 3, 4, -signal.SIGKILL), ran
    assert "Traceback" not in ran.stderr, ran
    return ran.returncode


def _until_done(cloud: RealCloud, dice: random.Random, verb: str, argument: str = "") -> None:
    for _ in range(TRIES):
        if _ran(cloud, dice, verb, argument) == 0:
            return
    raise AssertionError(f"{verb}: {TRIES} times in vain")


def _machines(cloud: RealCloud) -> set[str]:
    """That run, by the host that they were made for, as the engine has them."""
    engine = docker_engine()
    found = engine.containers.list(all=True, filters={"label": f"clocker-cloud={cloud.name}"})
    engine.close()
    labels = [container.labels for container in found if container.status == "running"]
    assert len(labels) == len(found)
    ids = [label["clocker-host"] for label in labels]
    assert len(ids) == len(set(ids)), "two machines of one host"
    return set(ids)


def _assert_nothing_lost(cloud: RealCloud) -> None:
    hosts = cloud.json("hosts")["hosts"]
    assert {host["state"] for host in hosts} == {"ready"}
    assert cloud.exec("web", "sh", "-c", "echo here") == "here"


def _assert_nothing_leaked(cloud: RealCloud) -> None:
    assert _machines(cloud) == {host["id"] for host in cloud.json("hosts")["hosts"]}
    cloud.assert_agrees()
