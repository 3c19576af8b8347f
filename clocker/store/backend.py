"""What the SQL store must know of a database product."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine


@dataclass(frozen=True, slots=True)
class Backend:
    """``place``: for errors, without a password. ``exclude``: the first statement of a write
    transaction; from then on no other writer of the cloud (None: of any cloud) is at work."""

    engine: Engine
    place: str
    timeout_s: float
    write_options: Mapping[str, Any]
    read_options: Mapping[str, Any]
    exclude: Callable[[Connection, str | None], None]
