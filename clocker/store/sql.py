"""A store in a database, whichever it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from clocker.errors import StoreError
from clocker.store import schema, tables
from clocker.store.backend import Backend
from clocker.store.failures import is_passing, translated
from clocker.store.transaction import SqlTransaction

# How long to wait before beginning again, after a hiccup. Only the beginning is ever repeated.
_PATIENCE_S = (0.05, 0.2, 0.5, 1.0, 2.0)


class SqlStore:
    """See ``clocker.interfaces.Store``. Threads may share it; a forked child opens its own."""

    def __init__(
        self,
        backend: Backend,
        cloud: str,
        *,
        migrations: Sequence[schema.Migration] = schema.MIGRATIONS,
    ) -> None:
        self._backend = backend
        self._cloud = cloud
        self._migrations = migrations
        # Threads queue here: the database's own waiting is neither fair nor cheap.
        self._writers = Lock()
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        with self._alone(), self._connected(self._begin_write) as connection:
            tx = self._over(connection)
            yield tx
            if tx.failure:  # whoever caught it must not believe that the rest was saved
                raise tx.failure

    @contextmanager
    def read(self) -> Iterator[SqlTransaction]:
        with self._connected(self._begin_read) as connection:
            yield self._over(connection, read_only=True)

    def erase(self) -> None:
        of_this = {"cloud": self._cloud}
        with (
            translated(self._backend.place),
            self._alone(),
            self._connected(self._begin_write) as connection,
        ):
            connection.execute(insert(tables.erasing), of_this)
            for table in (*tables.OF_A_CLOUD, tables.erasing):
                connection.execute(
                    delete(table).where(table.c.cloud == bindparam("cloud")), of_this
                )

    def close(self) -> None:
        self._backend.engine.dispose()

    def _bring_up_to_date(self) -> None:
        backend, known = self._backend, len(self._migrations)
        with translated(backend.place):
            with self._connected(lambda: self._connect(backend.read_options)) as connection:
                found = schema.version(connection)
            schema.refuse_newer(found, known, backend.place)
            if found < known:
                with self._connected(self._begin_migration) as connection:
                    schema.migrate(connection, self._migrations)

    def _over(self, connection: Connection, *, read_only: bool = False) -> SqlTransaction:
        return SqlTransaction(connection, self._cloud, self._backend.place, read_only=read_only)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._writers.acquire(timeout=self._backend.timeout_s):
            raise StoreError(
                "another thread of this process has kept the state locked for too long",
                where=self._backend.place,
                remedy="try again",
            )
        try:
            yield
        finally:
            self._writers.release()

    @contextmanager
    def _connected(self, begin: Callable[[], Connection]) -> Iterator[Connection]:
        """Commit at the end, roll back on anything else; what fails first is what is raised."""
        with translated(self._backend.place):
            connection = self._patiently(begin)
        try:
            yield connection
            with translated(self._backend.place):
                connection.commit()
        except BaseException:
            with suppress(SQLAlchemyError):
                connection.rollback()
            raise
        finally:
            with suppress(SQLAlchemyError):
                connection.close()

    def _patiently(self, begin: Callable[[], Connection]) -> Connection:
        started = time.monotonic()
        for pause in _PATIENCE_S:
            try:
                return begin()
            except DBAPIError as error:
                if not is_passing(error) or time.monotonic() - started > self._backend.timeout_s:
                    raise
                time.sleep(pause)
        return begin()

    def _begin_write(self) -> Connection:
        def exclude(connection: Connection) -> None:
            self._backend.exclude(connection, self._cloud)
            self._check(connection)

        return self._connect(self._backend.write_options, exclude)

    def _begin_read(self) -> Connection:
        return self._connect(self._backend.read_options, self._check)

    def _begin_migration(self) -> Connection:
        def exclude(connection: Connection) -> None:
            self._backend.exclude(connection, None)

        return self._connect(self._backend.write_options, exclude)

    def _check(self, connection: Connection) -> None:
        schema.check(connection, len(self._migrations), self._backend.place)

    def _connect(
        self, options: Mapping[str, Any], first: Callable[[Connection], None] | None = None
    ) -> Connection:
        connection = self._backend.engine.connect()
        try:
            connection = connection.execution_options(**options)
            connection.begin()
            if first:
                first(connection)
        except BaseException:
            with suppress(SQLAlchemyError):
                connection.close()
            raise
        return connection
