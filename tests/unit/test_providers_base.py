"""Which base is made, and from where."""

from __future__ import annotations

import pytest

from clocker.errors import BadInput
from clocker.providers import base_rootfs, bootstrap_rootfs
from clocker.providers.base_rootfs import release_of
from clocker.providers.bootstrap_rootfs import Release, sources_of

TARGETS = "http://m/debian|bookworm|main|Debian\nhttp://m/debian|bookworm-updates|main|Debian"


@pytest.fixture(autouse=True)
def bookworm(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (base_rootfs, bootstrap_rootfs):
        monkeypatch.setattr(module, "own_release", lambda: Release("debian", "bookworm"))
    monkeypatch.setattr(bootstrap_rootfs, "_output", lambda *_: TARGETS.splitlines())
    monkeypatch.setattr("pathlib.Path.exists", lambda _: False)


def test_what_is_left_out_is_this_machines() -> None:
    assert release_of(None, None, None) == Release("debian", "bookworm")
    assert release_of(None, "trixie", None).name == "debian:trixie"
    assert release_of("ubuntu", None, None).name == "ubuntu:noble"


@pytest.mark.parametrize(
    ("distribution", "suite", "mirror"),
    [
        ("fedora", None, None),
        (None, "--include=x", None),
        (None, "a b", None),
        (None, None, "https://user:hush@m/debian"),
        (None, None, "ftp://m/debian"),
        (None, None, "https://m/debian [trusted=yes]"),
    ],
)
def test_what_is_none(distribution: str | None, suite: str | None, mirror: str | None) -> None:
    with pytest.raises(BadInput) as refused:
        release_of(distribution, suite, mirror)
    assert "hush" not in str(refused.value)


def test_packages_are_from_where_this_machine_has_its_own() -> None:
    assert sources_of(release_of(None, None, None)) == [
        "deb http://m/debian bookworm main",
        "deb http://m/debian bookworm-updates main",
    ]
    assert sources_of(release_of(None, "trixie", None)) == [
        "deb http://m/debian trixie main",
        "deb http://m/debian trixie-updates main",
    ]
    assert sources_of(release_of("ubuntu", None, None)) == []
    assert sources_of(release_of(None, None, "https://other/debian")) == [
        "deb https://other/debian bookworm main"
    ]
