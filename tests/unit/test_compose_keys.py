"""Every key of the specification has its place in our table, and on the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from key_tables import page, shown

from clocker.config.compose.keys import KEYS, TABLES
from clocker.config.compose.schema import schema
from clocker.config.standing import Keys


def test_every_key_of_the_schema_is_in_the_table() -> None:
    missing = sorted(path for path in _paths(schema(), ()) if not _is_told(path.split("."), KEYS))
    assert not missing


def test_every_key_of_the_table_is_in_the_schema() -> None:
    known = set(_paths(schema(), ()))
    ours = {path for table in TABLES.values() for path in table}
    assert sorted(ours - known) == ["secrets.*.x-command"]


def test_the_page_shows_the_tables() -> None:
    assert shown("compose.md") == list(TABLES)
    assert page("compose.md", TABLES) == (_text("compose.md"))


def _text(name: str) -> str:
    from key_tables import DOCS

    return (DOCS / name).read_text()


def _paths(part: Any, at: tuple[str, ...]) -> Iterator[str]:
    """Where a mapping of the specification's own keys may have what."""
    if not isinstance(part, dict):
        return
    for name, inner in part.get("properties", {}).items():
        yield ".".join((*at, name))
        yield from _paths(inner, (*at, name))
    for pattern, inner in part.get("patternProperties", {}).items():
        if not pattern.startswith("^x-"):
            yield from _paths(inner, (*at, "*"))
    yield from _paths(part.get("items"), (*at, "*"))
    for branch in (*part.get("oneOf", ()), *part.get("anyOf", ())):
        yield from _paths(branch, at)


def _is_told(path: list[str], keys: Keys) -> bool:
    """Itself, or one above it that is refused or ignored as a whole."""
    at = keys
    for part in path:
        if part not in at.below and "*" not in at.below:
            return at.key is not None and at.key.standing in ("refused", "ignored")
        at = at.below.get(part) or at.below["*"]
    return at.key is not None or bool(at.below)
