"""The fake Engine is held to the real one's contract, but for what takes a kernel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import test_engine
from images import BUSYBOX
from test_engine import Lab

from clocker.model import Attachment, ImageInfo
from clocker.testing import FakeEngine

TAKES_A_KERNEL = {
    "test_a_container_is_made_as_specified",
    "test_limits_and_privileges_reach_the_engine",
    "test_a_sandbox_is_built_around_the_program",
    "test_ports_are_published_and_told",
    "test_a_network_that_is_not_there",
    "test_exec_is_killed_at_its_deadline",
    "test_exec_without_a_shell_in_the_image",
    "test_logs_follow_until_the_end",
    "test_volumes_go_by_their_labels",
    "test_a_restart_policy_can_be_changed",
    "test_a_build_that_ends_early_leaves_nothing",
    "test_a_build_is_ended_with_who_listens",
    "test_no_engine_where_it_should_be",
}

globals().update(
    {
        name: test
        for name, test in vars(test_engine).items()
        if name.startswith("test_") and name not in TAKES_A_KERNEL
    }
)


@pytest.fixture
def engine() -> FakeEngine:
    engine = FakeEngine()
    busybox = ImageInfo("sha256:" + "b" * 64, size_bytes=1, command=("sh",))
    engine.add_image(BUSYBOX, busybox)
    return engine


@pytest.fixture
def lab(engine: FakeEngine) -> Lab:
    return Lab(engine)


@pytest.fixture
def tag() -> str:
    return "clocker-test/built:1"


@pytest.fixture
def box(lab: Lab) -> str:
    return lab.run()


@pytest.fixture
def network() -> Callable[[int], Attachment]:
    return lambda last: Attachment("net", f"10.0.0.{last}", f"02:42:0a:00:00:{last:02x}")


def test_what_takes_a_kernel_is_still_asked_of_the_real_one() -> None:
    assert vars(test_engine).keys() >= TAKES_A_KERNEL
