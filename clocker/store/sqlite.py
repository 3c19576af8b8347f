"""SQLite: one file in the cloud's folder, readable for its owner alone."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from clocker.errors import ConfigError, StoreError
from clocker.store.backend import Backend
from clocker.store.failures import is_passing, translated

_CACHE_KIB = 16_384
"""At most: what thousands of bookings change is written once, at their commit."""


def backend(url: str, timeout_s: float) -> Backend:
    path = Path(url.removeprefix("sqlite://").removeprefix("/"))
    if not path.is_absolute() or path.is_dir():
        raise ConfigError(
            f"{url!r} does not name a file by its absolute path",
            where="store",
            remedy="write it with four slashes: sqlite:////var/lib/clocker/state.db",
        )
    _make_private(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": timeout_s, "check_same_thread": False},
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    with translated(str(path)):
        _use_wal(engine, path, timeout_s)
    return Backend(
        engine=engine,
        place=str(path),
        timeout_s=timeout_s,
        write_options={"begin": "BEGIN IMMEDIATE"},
        read_options={"begin": "BEGIN"},
        exclude=lambda connection, cloud: None,  # BEGIN IMMEDIATE did
    )


def _make_private(path: Path) -> None:
    """The file exists, with nobody else's access, before SQLite puts anything into it; SQLite
    gives its companions (-wal, -shm) the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            # Not opened here: closing it would drop the locks that SQLite holds in this process.
            mode = path.stat().st_mode
            if mode & 0o077:
                path.chmod(mode & 0o700)
    except OSError as error:
        raise StoreError(
            f"the state's file cannot be made ({error.strerror})",
            where=str(path),
            remedy="make its folder writable for this user, and check that the disk has space",
        ) from error


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where _on_begin says, not by guess
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")


def _on_begin(connection: Connection) -> None:
    if begin := connection.get_execution_options().get("begin"):
        connection.exec_driver_sql(begin)


def _use_wal(engine: Engine, path: Path, timeout_s: float) -> None:
    """Once per file. SQLite does not wait for a lock here: two that open at once ask again."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with engine.connect() as connection:
                mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
                if mode != "wal":
                    mode = connection.exec_driver_sql("PRAGMA journal_mode=WAL").scalar()
            break
        except DBAPIError as error:
            if not is_passing(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise StoreError(
            f"the state's file cannot be shared between processes (journal mode: {mode})",
            where=str(path),
            remedy="keep it on a local disk, or use a PostgreSQL store",
        )
