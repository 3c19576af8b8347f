"""Tables and JSON on stdout, without a library: listing a thousand containers must be quick."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

SCHEMA = 1


def print_json(values: Mapping[str, Any]) -> None:
    """``values`` are shapes of docs/json.md."""
    sys.stdout.write(json.dumps({"schema": SCHEMA, **values}, indent=2) + "\n")
    sys.stdout.flush()  # the command may have something to bring to its end yet


def print_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO | None = None
) -> None:
    """To ``stream``, by default standard output."""
    clean = [[printable(cell) for cell in row] for row in rows]
    table = [list(headings), *clean]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        (stream or sys.stdout).write(line.rstrip() + "\n")


def age(since: float) -> str:
    """``since``: epoch seconds. ``5s``, ``12m``, ``3h``, ``4d``."""
    seconds = max(0, int(time.time() - since))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def amount(cores: float, ram_mb: int) -> str:
    """``1.5 cores, 2048 MiB``"""
    return f"{cores:g} {'core' if cores == 1 else 'cores'}, {ram_mb} MiB"


def printable(text: str) -> str:
    """What came from elsewhere must not steer the terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "?" for c in text)


def size(amount: float) -> str:
    """``142 MB``, ``1.2 GB``: as Docker counts."""
    for unit, length in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if amount >= length:
            figure = amount / length
            return f"{figure:.1f} {unit}" if figure < 10 else f"{figure:.0f} {unit}"
    return f"{amount:.0f} B"
