"""Every bad document of tests/data/config is refused with what its ``# says:`` lines tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocker.config import load_cloud
from clocker.errors import ConfigError

FOLDER = Path(__file__).parents[1] / "data" / "config"
BAD = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "providers.yaml")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_refused_with_place_and_sentence(path: Path, tmp_path: Path) -> None:
    expected = [
        line.removeprefix("# says: ")
        for line in path.read_text().splitlines()
        if line.startswith("# says: ")
    ]
    with pytest.raises(ConfigError) as caught:
        load_cloud(path, {"HOME": str(tmp_path)})
    text = str(caught.value)
    assert expected
    for words in expected:
        assert words in text
    assert caught.value.where
    assert "tellnobody" not in text
    assert "Traceback" not in text
    assert len(text) < 2000


def test_a_file_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file") as caught:
        load_cloud(tmp_path / "clocker.yaml", {})
    assert "clocker init" in str(caught.value)


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_cloud(tmp_path, {})


def test_a_file_over_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "clocker.yaml"
    path.write_text("name: demo\n" + "#" * 1024 * 1024)
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load_cloud(path, {})


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "clocker.yaml"
    path.write_bytes(b"name: demo\nstore: \xff\xfe\n")
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        load_cloud(path, {})
    assert caught.value.where == f"{path}:2"


def test_a_resolved_secret_is_never_shown(tmp_path: Path) -> None:
    path = tmp_path / "clocker.yaml"
    path.write_text("name: ${SECRET}\nhosts: {provider: '${SECRET}', count: '${SECRET}'}\n")
    with pytest.raises(ConfigError) as caught:
        load_cloud(path, {"SECRET": "Tell-Nobody", "HOME": str(tmp_path)})
    assert "hosts.count: must be a whole number, not '${SECRET}'" in str(caught.value)
    assert "Tell-Nobody" not in str(caught.value)
