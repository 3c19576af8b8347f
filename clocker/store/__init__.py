"""Where a cloud's state is kept between commands: SQLite, PostgreSQL, or memory."""

from __future__ import annotations

from clocker.errors import ConfigError
from clocker.interfaces import Store


def open_store(url: str, cloud: str, *, timeout_s: float = 30.0) -> Store:
    """The store of ``cloud`` at ``url``, made or brought up to date where needed.

    ``sqlite:////absolute/path``, ``postgresql://user@server/database`` or ``memory:`` (gone with
    the process). ``timeout_s``: how long to wait for other writers. ConfigError, StoreError,
    StoreTooNew.
    """
    # SQLAlchemy takes longer to import than everything else: only whoever opens a store pays.
    scheme = url.partition(":")[0]
    if url == "memory:":
        from clocker.store.memory import MemoryStore

        return MemoryStore(timeout_s)
    from clocker.store.sql import SqlStore

    if scheme == "sqlite":
        from clocker.store.sqlite import backend as sqlite_backend

        return SqlStore(sqlite_backend(url, timeout_s), cloud)
    if scheme in {"postgresql", "postgres"}:
        from clocker.store.postgresql import backend as postgresql_backend

        return SqlStore(postgresql_backend(url, timeout_s), cloud)
    raise ConfigError(
        f"no store of the kind {scheme!r}",
        where="store",
        remedy="use sqlite:////absolute/path, postgresql://user@server/database or memory:",
    )
