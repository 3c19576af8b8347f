"""The tables of docs/compose.md and docs/camp.md, as the code's own tables have them.

``python tests/key_tables.py`` writes them into the pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from clocker.config.standing import Key

DOCS = Path(__file__).parents[1] / "docs"
_PART = re.compile(r"(<!-- keys: (.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def page(name: str, tables: Mapping[str, Mapping[str, Key]]) -> str:
    """The page with the tables as they are now."""
    text = (DOCS / name).read_text()
    return _PART.sub(lambda m: m[1] + _table(tables[m[2]]) + m[3], text)


def shown(name: str) -> list[str]:
    """The tables that the page has."""
    return [match[2] for match in _PART.finditer((DOCS / name).read_text())]


def _table(keys: Mapping[str, Key]) -> str:
    rows = [f"| `{path}` | {key.standing} | {_how(key)} |\n" for path, key in keys.items()]
    return "".join(["| key | | how, or what to write instead |\n|---|---|---|\n", *rows])


def _how(key: Key) -> str:
    said = key.how.replace("|", "\\|")
    values = [value for value in key.harmless if value]
    if not values:
        return said
    unless = f"as {', '.join(f'`{value}`' for value in values)} it is taken"
    return f"{said}; {unless}" if said else unless


if __name__ == "__main__":
    from clocker.config.camp.keys import TABLES as CAMP
    from clocker.config.compose.keys import TABLES as COMPOSE

    pages = {"compose.md": COMPOSE, "camp.md": CAMP}
    for each, tables in pages.items():
        made = page(each, tables)
        (DOCS / each).write_text(made)
