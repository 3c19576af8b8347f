"""Versions of the tables, and the way from each to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sqlalchemy import Connection, insert, inspect, select, update

from clocker.errors import StoreTooNew
from clocker.store.tables import schema

Migration: TypeAlias = Callable[[Connection], None]


def version(connection: Connection) -> int:
    """The version of the tables there; 0 when there are none."""
    if not inspect(connection).has_table(schema.name):
        return 0
    return _stored(connection)


def check(connection: Connection, known: int, place: str) -> None:
    """StoreTooNew when a newer Clocker has been here, also while this one was running."""
    refuse_newer(_stored(connection), known, place)


def refuse_newer(found: int, known: int, place: str) -> None:
    if found > known:
        raise StoreTooNew(
            f"the store has version {found}, this Clocker knows versions up to {known}",
            where=place,
            remedy="upgrade Clocker on this machine: pip install --upgrade clocker",
        )


def migrate(connection: Connection, migrations: Sequence[Migration]) -> None:
    """Apply what is missing, in the transaction of ``connection``, which excludes all others.
    The version is read here again: another process may have been first."""
    found = version(connection)
    for step in migrations[found:]:
        step(connection)
    if found == 0:
        connection.execute(insert(schema).values(version=len(migrations)))
    elif found < len(migrations):
        connection.execute(update(schema).values(version=len(migrations)))


def _stored(connection: Connection) -> int:
    found: int = connection.execute(select(schema.c.version)).scalar_one()
    return found


def _make_tables(connection: Connection) -> None:
    """Text of its own, not ``clocker.store.tables``: a released migration never changes."""
    for statement in _TABLES:
        connection.exec_driver_sql(statement)
    for statement in _APPEND_ONLY[connection.dialect.name]:
        connection.exec_driver_sql(statement)


_TABLES = (
    "CREATE TABLE clocker_schema (version INTEGER NOT NULL)",
    "CREATE TABLE clocker_hosts (cloud TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (cloud, id), UNIQUE (cloud, name))",
    "CREATE TABLE clocker_containers (cloud TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (cloud, id), UNIQUE (cloud, name))",
    "CREATE TABLE clocker_ports (cloud TEXT NOT NULL, host_id TEXT NOT NULL,"
    " host_port INTEGER NOT NULL, protocol TEXT NOT NULL, container_id TEXT NOT NULL,"
    " PRIMARY KEY (cloud, host_id, host_port, protocol))",
    "CREATE INDEX clocker_ports_container ON clocker_ports (cloud, container_id)",
    "CREATE TABLE clocker_leases (cloud TEXT NOT NULL, network TEXT NOT NULL,"
    " address TEXT NOT NULL, owner TEXT NOT NULL, PRIMARY KEY (cloud, network, address))",
    "CREATE INDEX clocker_leases_owner ON clocker_leases (cloud, owner)",
    "CREATE TABLE clocker_events (cloud TEXT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (cloud, seq))",
    "CREATE TABLE clocker_settings (cloud TEXT NOT NULL, name TEXT NOT NULL,"
    " value TEXT NOT NULL, PRIMARY KEY (cloud, name))",
    "CREATE TABLE clocker_tokens (cloud TEXT NOT NULL PRIMARY KEY, last BIGINT NOT NULL)",
    "CREATE TABLE clocker_erasing (cloud TEXT NOT NULL PRIMARY KEY)",
)

# The log may lose a cloud's events only in the transaction that lists the cloud in
# clocker_erasing. SQLite's INSERT OR REPLACE fires no delete trigger: only what comes last
# may be inserted.
_APPEND_ONLY = {
    "sqlite": (
        "CREATE TRIGGER clocker_events_no_update BEFORE UPDATE ON clocker_events"
        " BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END",
        "CREATE TRIGGER clocker_events_no_delete BEFORE DELETE ON clocker_events"
        " WHEN NOT EXISTS (SELECT 1 FROM clocker_erasing WHERE cloud = OLD.cloud)"
        " BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END",
        "CREATE TRIGGER clocker_events_at_end BEFORE INSERT ON clocker_events WHEN EXISTS"
        " (SELECT 1 FROM clocker_events WHERE cloud = NEW.cloud AND seq >= NEW.seq)"
        " BEGIN SELECT RAISE(ABORT, 'the event log is append-only'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION clocker_events_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF TG_OP = 'DELETE' THEN"
        " IF EXISTS (SELECT 1 FROM clocker_erasing WHERE cloud = OLD.cloud) THEN RETURN OLD;"
        " END IF; END IF;"
        " RAISE EXCEPTION 'the event log is append-only'; END $$",
        "CREATE TRIGGER clocker_events_append_only BEFORE UPDATE OR DELETE ON clocker_events"
        " FOR EACH ROW EXECUTE FUNCTION clocker_events_guard()",
        "CREATE TRIGGER clocker_events_no_truncate BEFORE TRUNCATE ON clocker_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION clocker_events_guard()",
    ),
}


def _keep_released_leases(connection: Connection) -> None:
    """A released address is not given to another owner at once."""
    connection.exec_driver_sql("ALTER TABLE clocker_leases ADD COLUMN released_at DOUBLE PRECISION")


def _add_networks(connection: Connection) -> None:
    """A cloud has networks besides its default one."""
    connection.exec_driver_sql(
        "CREATE TABLE clocker_networks (cloud TEXT NOT NULL, name TEXT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (cloud, name))"
    )


def _add_applications(connection: Connection) -> None:
    """What was deployed as a whole is looked after as a whole."""
    connection.exec_driver_sql(
        "CREATE TABLE clocker_applications (cloud TEXT NOT NULL, name TEXT NOT NULL,"
        " body TEXT NOT NULL, PRIMARY KEY (cloud, name))"
    )


# Version n is the first n of these, in order; append, never change what was released.
MIGRATIONS: tuple[Migration, ...] = (
    _make_tables,
    _keep_released_leases,
    _add_networks,
    _add_applications,
)
