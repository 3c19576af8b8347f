"""docs/architecture.md names the rooms that there are, in the order that imports are held to."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
ROOMS = re.findall(r"^\| `([\w.]+)` \|", TEXT, re.MULTILINE)


def test_every_room_is_there_once() -> None:
    there = [
        path.name
        for path in (ROOT / "clocker").iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or path.is_dir())
    ]
    assert sorted(ROOMS) == sorted(there)


def test_they_stand_in_the_order_of_the_layers() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contract = settings["tool"]["importlinter"]["contracts"][0]
    layers = [re.findall(r"clocker\.(\w+)", layer) for layer in contract["layers"]]
    layer_of = {room: number for number, layer in enumerate(layers) for room in layer}
    shown = [layer_of[room.removesuffix(".py")] for room in ROOMS if room != "testing"]
    assert shown == sorted(shown)


@pytest.mark.parametrize("path", re.findall(r"`(\w+/\w*(?:\.py)?)`", TEXT))
def test_what_it_names_is_there(path: str) -> None:
    assert (ROOT / "clocker" / path).exists() or (ROOT / path).exists()
