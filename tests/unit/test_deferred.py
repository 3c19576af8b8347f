"""What a command does not use it does not import."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec

import pytest

from clocker.deferred import deferred, modules


@pytest.mark.parametrize(
    "package", ["clocker", "clocker.cloud", "clocker.config", "clocker.images"]
)
def test_a_package_has_every_name_that_it_exports(package: str) -> None:
    there = import_module(package)
    for name in there.__all__:
        assert hasattr(there, name)
        assert find_spec(f"{package}.{name}") is None, "its module would be in its place"
    with pytest.raises(AttributeError, match=f"'{package}' has no attribute 'nothing'"):
        _ = there.nothing


def test_every_module_that_is_stood_for_is_there() -> None:
    found = set()
    for home in ("cloud", "cloud_images", "cloud_networks", "cloud_registries"):
        for value in vars(import_module(f"clocker.cloud.{home}")).copy().values():
            if type(value).__name__ == "_Module":
                found.add(value.__name__)
    assert {"clocker.cloud.up", "clocker.cloud.builds", "clocker.cloud.registry"} <= found


def test_a_module_is_imported_when_it_is_used() -> None:
    name = "xml.sax.saxutils"
    sys.modules.pop(name, None)
    there = modules("xml.sax", "saxutils")["saxutils"]
    assert name not in sys.modules
    assert there.escape("<") == "&lt;"


def test_a_part_is_made_once_and_idle_before() -> None:
    made: list[set[str]] = []

    def make() -> set[str]:
        made.append({"a"})
        return made[-1]

    part = deferred(make, idle=("clear",))
    part.clear()
    assert made == []
    part.add("b")
    assert made == [{"a", "b"}]
    part.clear()
    assert made == [set()]


@pytest.mark.parametrize(
    ("code", "unneeded"),
    [
        ("import clocker", "clocker.errors"),
        ("import clocker.assembly", "clocker.images"),
        ("import clocker.assembly", "clocker.contexts"),
        ("import clocker.assembly", "clocker.cloud.heal"),
    ],
)
def test_what_is_not_used_is_not_imported(code: str, unneeded: str) -> None:
    script = f"{code}; import sys; print({unneeded!r} in sys.modules)"
    output = subprocess.check_output([sys.executable, "-c", script], text=True)
    assert output.strip() == "False"
