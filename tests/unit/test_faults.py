"""Nothing leaks and nothing is lost on an account where every fifth call fails: tests/faults.py.

Its calls are refused or throttled; machines are made though their answer is lost, or two for one
call; some never get an address, some never answer; tags cannot be written; lists lag behind; a
removal fails, or its answer is lost. Key pair and security group likewise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from faults import WAYS, World, live

from clocker.testing.account import CREATION

AT_ONCE = 167
CHUNKS = [(way, first) for way in WAYS for first in (0, AT_ONCE)]  # 1,002 lives


@pytest.mark.parametrize(("way", "first"), CHUNKS)
def test_nothing_leaks_and_nothing_is_lost(way: str, first: int, tmp_path: Path) -> None:
    faults: Counter[str] = Counter()
    kills = 0
    for seed in range(first, first + AT_ONCE):
        world = World(seed, tmp_path / str(seed) / "test", way)

        live(world)

        faults += world.account.faults
        kills += world.kills

    missing = {f"create_node: {kind}" for kind in CREATION} - set(faults)
    assert not missing, "a fault that was never played proves nothing"
    assert kills > AT_ONCE


def test_without_faults_nothing_is_done_twice(tmp_path: Path) -> None:
    world = World(0, tmp_path / "test", WAYS[0], one_in=0)

    live(world)

    assert world.tries < 12
    assert not world.account.faults


@pytest.mark.parametrize("seed", [10407, 32371, 32417])
def test_lives_that_once_went_wrong(seed: int, tmp_path: Path) -> None:
    """Killed late while it asked; a late twin of a host with data; an old machine on record."""
    live(World(seed, tmp_path / "test", WAYS[seed % len(WAYS)]))
