"""docs/providers.md says of each driver what the table of dialects says."""

from __future__ import annotations

from pathlib import Path

import pytest
from vendors import VENDORS

from clocker.providers.dialects import DIALECTS
from clocker.providers.key_pairs import Kept
from clocker.providers.tagging import Afterwards, InName

DOCUMENT = Path(__file__).parents[2] / "docs" / "providers.md"
COLUMNS = (
    *("driver", "key", "user data", "tags", "security group", "network", "token", "location"),
    *("spot", "price"),
)
VERIFIED = ("driver", "seen with", "answers of ours", "not seen")


def rows(columns: tuple[str, ...] = COLUMNS) -> dict[str, dict[str, str]]:
    """Of the table with that many columns."""
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == len(columns):
            for name in cells[0].split(","):
                found[name.strip(" `")] = dict(zip(columns, cells, strict=True))
    return found


def test_a_row_says_how_each_driver_was_verified() -> None:
    said = rows(VERIFIED)
    by_fixtures = {name for name, row in said.items() if row["seen with"].startswith("fixtures")}

    assert set(said) == (set(DIALECTS) - {"clocker-local"}) | {"local"}
    assert by_fixtures == {vendor.driver for vendor in VENDORS}
    for vendor in VENDORS:
        answered = [*vendor.answers.values(), *vendor.refused.values(), vendor.none]
        assert bool(said[vendor.driver]["answers of ours"]) >= any(
            isinstance(answer, tuple) for answer in answered
        )


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "clocker-local"])
def test_a_row_says_what_the_line_does(name: str) -> None:
    dialect, row = DIALECTS[name], rows()[name]

    assert row["key"].startswith("key pair") == isinstance(dialect.key, Kept)
    assert (row["user data"] == "yes") == (dialect.user_data is not None)
    assert row["security group"].startswith("made") == (dialect.groups is not None)
    assert ("yours" in row["security group"]) <= bool(dialect.groups or dialect.given_groups)
    assert (row["network"] != "no") == (dialect.network is not None)
    assert (row["token"] == "yes") == (dialect.token is not None)
    assert (row["token"] == "names are unique") == dialect.unique_names
    assert (row["spot"] != "no") == (dialect.spot is not None)
    assert (row["tags"] == "in the name") == isinstance(dialect.tags, InName)
    assert row["tags"].endswith("second call") == isinstance(dialect.tags, Afterwards)
