"""kill -9 of real processes on real hosts, then the same command again: everybody agrees.

At every boundary (``tests/crash.py``) of `run` and `rm`, and at every second one of `up` and `down`
of a cloud with a host whose packages are there already; and at ten random moments of each of the
four. `up` is also killed in the midst of installing packages. A boundary right after a call of
Network or Names is left out: such a call acts through a Shell alone, which has its own, so nothing
lies between the two. `scripts/soak` (``--soak``) leaves none out, does every random moment ten
times as often, and kills `up` while packages are installed at ten moments.

The same at every boundary of more verbs, in memory: ``tests/unit/test_cloud_crashes.py``.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence

import pytest
from real_cloud import RealCloud, real_cloud

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(3600)]

MOMENTS = 10


@pytest.fixture(scope="module")
def one(ready_node_image: str, small_image: str) -> Iterator[RealCloud]:
    """A host that has the image, for tests which leave it empty."""
    with real_cloud(node_image=ready_node_image) as cloud:
        cloud.clocker("up")
        cloud.clocker("run", "--name", "web", small_image)
        cloud.clocker("rm", "-y", "web")
        yield cloud


def test_run_killed_at_every_boundary(one: RealCloud, small_image: str, soak: bool) -> None:
    web = f"{small_image} web"
    passed = one.crashed(0, "run", web)
    one.clocker("rm", "-y", "web")

    for number in chosen(passed, soak):
        one.crashed(number, "run", web, may_end=True)
        run_again(one, small_image, f"killed at {number}, after {passed[number - 1]}")


def test_rm_killed_at_every_boundary(one: RealCloud, small_image: str, soak: bool) -> None:
    one.clocker("run", "--name", "web", small_image)
    passed = one.crashed(0, "rm", "web")

    for number in chosen(passed, soak):
        one.clocker("run", "--name", "web", small_image)
        one.crashed(number, "rm", "web", may_end=True)
        rm_again(one, f"killed at {number}, after {passed[number - 1]}")


def test_run_and_rm_killed_at_random_moments(one: RealCloud, small_image: str, soak: bool) -> None:
    began = time.monotonic()
    one.clocker("run", "--name", "web", small_image)
    run_s = time.monotonic() - began
    one.clocker("rm", "-y", "web")
    rm_s = time.monotonic() - began - run_s

    for run_moment, rm_moment in zip(moments(run_s, soak), moments(rm_s, soak), strict=True):
        killed_after(run_moment, one, "run", "--name", "web", small_image)
        one.clocker("run", "--name", "web", small_image)
        assert list(one.containers()) == ["web"], run_moment
        one.assert_agrees()
        killed_after(rm_moment, one, "rm", "-y", "web")
        rm_again(one, f"killed after {rm_moment} s")


def test_up_and_down_killed_at_boundaries(
    ready_node_image: str, small_image: str, soak: bool
) -> None:
    with real_cloud(node_image=ready_node_image) as cloud:
        up = cloud.crashed(0, "up")
        cloud.clocker("run", "--name", "web", small_image)
        down = cloud.crashed(0, "down")
        cloud.assert_nothing_left()

        at_up, at_down = (sample(chosen(passed, soak), soak) for passed in (up, down))
        for index in range(max(len(at_up), len(at_down))):
            number = at_up[index % len(at_up)]
            cloud.crashed(number, "up", may_end=True)
            up_again(cloud, f"up killed at {number}, after {up[number - 1]}")
            cloud.clocker("run", "--name", "web", small_image)
            number = at_down[index % len(at_down)]
            cloud.crashed(number, "down", may_end=True)
            down_again(cloud, f"down killed at {number}, after {down[number - 1]}")


def test_up_and_down_killed_at_random_moments(ready_node_image: str, soak: bool) -> None:
    with real_cloud(node_image=ready_node_image) as cloud:
        began = time.monotonic()
        cloud.clocker("up")
        up_s = time.monotonic() - began
        cloud.clocker("down", "-y")
        down_s = time.monotonic() - began - up_s

        for up_moment, down_moment in zip(moments(up_s, soak), moments(down_s, soak), strict=True):
            killed_after(up_moment, cloud, "up")
            up_again(cloud, f"killed after {up_moment} s of {up_s}")
            killed_after(down_moment, cloud, "down", "-y")
            down_again(cloud, f"killed after {down_moment} s of {down_s}")


def test_up_killed_while_packages_are_installed(soak: bool) -> None:
    """On a machine as clouds offer them. Twice in a row, and then it is made all the same."""
    with real_cloud() as cloud:
        for round_ in range(5 if soak else 1):
            for seconds in (3.5 + round_, 2.5 + 2 * round_):
                killed_after(seconds, cloud, "up")
            up_again(cloud, f"round {round_}")
            cloud.clocker("down", "-y")
            cloud.assert_nothing_left()


def chosen(passed: Sequence[str], soak: bool) -> list[int]:
    """The numbers of the boundaries to kill at."""
    numbers = range(1, len(passed) + 1)
    return [n for n in numbers if soak or not passed[n - 1].startswith(("network.", "names."))]


def sample(numbers: list[int], soak: bool) -> list[int]:
    """Every second one, beginning with one of the first two: hosts that come and go take long."""
    return numbers if soak else numbers[random.randrange(2) :: 2]


def moments(whole_s: float, soak: bool) -> list[float]:
    """Random, and yet all over the command's time."""
    count = MOMENTS * (10 if soak else 1)
    return [whole_s * (number + random.random()) / count for number in range(count)]


def killed_after(seconds: float, cloud: RealCloud, *args: str) -> None:
    process = cloud.begin(*args)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    assert process.wait() in (0, -signal.SIGKILL), args
    for stream in (process.stdout, process.stderr):
        assert stream
        stream.close()


def up_again(cloud: RealCloud, told: str) -> None:
    cloud.clocker("up")
    assert len(cloud.json("hosts")["hosts"]) == 1, told
    cloud.assert_agrees()


def down_again(cloud: RealCloud, told: str) -> None:
    cloud.clocker("down", "-y")
    assert cloud.leftovers() == [], told
    cloud.assert_nothing_left()


def run_again(cloud: RealCloud, image: str, told: str) -> None:
    cloud.clocker("run", "--name", "web", image)
    assert list(cloud.containers()) == ["web"], told
    cloud.assert_agrees()
    cloud.clocker("rm", "-y", "web")


def rm_again(cloud: RealCloud, told: str) -> None:
    """Once it is removed, asking again says so."""
    was_there = "web" in cloud.containers()
    again = cloud.clocker("rm", "-y", "web", status=0 if was_there else 2)
    assert was_there or "no container is called 'web'" in again.stderr, told
    assert cloud.containers() == {}, told
    cloud.assert_agrees()
