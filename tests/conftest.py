"""What holds for all tests."""

from __future__ import annotations

import signal

import pytest

# Killed at every boundary, failed at random, thousands of made-up values, servers that are started
# for each case: not for every commit.
SLOW = (
    "test_camp_fuzz",
    "test_catalogue_on_ec2",
    "test_cloud_crashes",
    "test_cloud_heal_crashes",
    "test_cloud_move_crashes",
    "test_cloud_network_crashes",
    "test_compose_fuzz",
    "test_contexts_ignore",
    "test_deploy",
    "test_ec2_on_moto",
    "test_ec2_shared",
    "test_faults",
    "test_placement_fleet",
    "test_placement_properties",
    "test_shell_connections",
    "test_store_processes",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem in SLOW:
            item.add_marker(pytest.mark.slow)


def pytest_configure() -> None:
    """A shell's background job ignores Ctrl-C, and so would every program that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="crash tests in full: for hours")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--soak"))
