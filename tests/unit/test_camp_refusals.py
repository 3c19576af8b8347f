"""Every bad document of tests/data/camp is refused with what its ``# says:`` lines tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from clocker.config.applications import load_application
from clocker.errors import ConfigError

FOLDER = Path(__file__).parents[1] / "data" / "camp"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_refused_with_place_and_sentence(path: Path) -> None:
    expected = [
        line.removeprefix("# says: ")
        for line in path.read_text().splitlines()
        if line.startswith("# says: ")
    ]
    with pytest.raises(ConfigError) as caught:
        load_application(path, {})
    text = str(caught.value)
    assert expected
    for words in expected:
        assert words in text
    assert str(caught.value.where).startswith(str(path))
