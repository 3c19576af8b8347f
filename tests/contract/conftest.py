from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from inner_hosts import RECORDS, InnerHost, inner_hosts, tell
from network_kinds import KINDS as NETWORKS
from network_kinds import WEAVE_IMAGES
from postgresql import Server, serving
from store_workers import container, event, host

from clocker.interfaces import Record, Store
from clocker.model import Lease, Port
from clocker.store import open_store


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with serving() as server:
        yield server


KINDS = ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_server").new_database()
    return {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path}/cloud/state.db"}[request.param]


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = open_store(store_url, "c", timeout_s=0.3)
    yield store
    store.close()


@pytest.fixture
def filled(store: Store) -> Store:
    with store.transaction() as tx:
        tx.put_host(host("h1"))
        tx.put_container(container("web", Port(80, 8080)))
        tx.put_lease(Lease("default", "10.210.0.2", "container/web"))
        tx.append_event(event("web"))
        tx.set_setting("key", "value")
    return store


_PACKAGES = (
    "docker.io dnsmasq-base iputils-arping wireguard-tools wireguard-go curl ethtool nftables"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not WEAVE_IMAGES and any(item.get_closest_marker("hosts") for item in items):
        warnings.warn(pytest.PytestWarning(_NO_WEAVE), stacklevel=1)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    outcomes = ("passed", "failed", "skipped")
    reports = [report for name in outcomes for report in terminalreporter.getreports(name)]
    if not WEAVE_IMAGES and any("hosts" in report.keywords for report in reports):
        terminalreporter.section("NOT TESTED: the network driver weave", red=True)
        terminalreporter.line(_NO_WEAVE, red=True)


_NO_WEAVE = (
    "The network driver weave was not run: CLOCKER_WEAVE_IMAGES names no file that docker save "
    "has written of Weave's image."
)


@pytest.fixture(scope="session")
def machines() -> Iterator[Callable[[str], list[InnerHost]]]:
    """Three machines per driver, with the packages of a host."""
    made: dict[str, list[InnerHost]] = {}
    with ExitStack() as stack:

        def of(driver: str) -> list[InnerHost]:
            if driver not in made:
                made[driver] = stack.enter_context(inner_hosts(3))
                with ThreadPoolExecutor() as pool:
                    list(pool.map(_prepare, made[driver]))
            return made[driver]

        yield of


def _prepare(member: InnerHost) -> None:
    member.run(f"apt-get install -y --no-install-recommends {_PACKAGES} >/dev/null")


@pytest.fixture(scope="session")
def hosts(
    request: pytest.FixtureRequest, machines: Callable[[str], list[InnerHost]]
) -> list[InnerHost]:
    """Three members of a cloud whose network is the kind that is asked for, with a container each:
    ``one``, ``two`` and ``three``. The first two are authoritative for names."""
    network = NETWORKS[request.param]
    made = machines(network.driver)
    for member in made:
        member.spec = replace(member.spec, network=network)
    with ThreadPoolExecutor() as pool:
        list(pool.map(_bring_up, made, RECORDS))
    tell(made)
    for member in made[:2]:
        member.names.replace(member.shell, RECORDS)
    return made


def _bring_up(member: InnerHost, record: Record) -> None:
    member.bootstrap()
    if member.fails(f"docker start {record.name}"):
        member.make_image()
        member.start(record.name, record.address)
