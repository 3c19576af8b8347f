"""One process or thread at a time, over all that run from this installation on this machine."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def machine_lock(path: str | Path) -> Iterator[None]:
    """Held by an open file that is there anyway: nothing is left behind, whoever is killed."""
    with Path(path).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
