"""Many processes at once on two hosts, over SQLite and over PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from postgresql import serving
from real_cloud import Ran, RealCloud

pytestmark = pytest.mark.hosts

PLACES = 12  # six on each of the two hosts


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], scope="module"
)
def cloud(request: pytest.FixtureRequest, pair: RealCloud) -> Iterator[RealCloud]:
    if request.param == "sqlite":
        yield pair
        return
    with serving() as server:
        pair.write(store=server.new_database())
        pair.clocker("adopt")
        assert len(pair.json("hosts")["hosts"]) == 2
        yield pair
        pair.write(store=None)


@pytest.fixture
def emptied(cloud: RealCloud) -> Iterator[RealCloud]:
    yield cloud
    cloud.clocker("rm", "--all", "--yes")
    cloud.assert_agrees()


def at_once(cloud: RealCloud, count: int, *args: str) -> list[Ran[str]]:
    processes = [cloud.begin("-q", "run", *args) for _ in range(count)]
    ended = []
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert "Traceback" not in err
        assert "bug" not in err, err
        ended.append(Ran(args, process.returncode, out, err))
    return ended


def test_twenty_runs_at_once_for_twelve_places(emptied: RealCloud, small_image: str) -> None:
    ended = at_once(emptied, 20, small_image)

    statuses = Counter(ran.returncode for ran in ended)
    assert statuses == {0: PLACES, 3: 20 - PLACES}, [ran.stderr for ran in ended]
    refusals = [ran.stderr for ran in ended if ran.returncode == 3]
    assert all("max_containers: holds 6 of at most 6 containers" in said for said in refusals)
    containers = emptied.containers()
    assert len(containers) == PLACES
    assert set(Counter(c["host"] for c in containers.values()).values()) == {6}
    assert len({c["address"] for c in containers.values()}) == PLACES
    said = {line.split()[0]: line.split()[1] for r in ended for line in r.stdout.splitlines()}
    assert said == {name: c["address"] for name, c in containers.items()}
    emptied.assert_agrees()


def test_ten_runs_of_one_name_at_once_make_one_container(
    emptied: RealCloud, small_image: str
) -> None:
    ended = at_once(emptied, 10, "--name", "only", small_image)

    won = [ran for ran in ended if ran.returncode == 0]
    assert won
    assert {ran.returncode for ran in ended} <= {0, 2}, ended
    refusals = [ran.stderr for ran in ended if ran.returncode == 2]
    assert all("the name 'only' is taken" in said for said in refusals), refusals
    assert list(emptied.containers()) == ["only"]
    assert len({ran.stdout for ran in won}) == 1
    emptied.assert_agrees()
