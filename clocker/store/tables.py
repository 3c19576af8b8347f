"""The tables as SQLAlchemy sees them; ``clocker.store.schema`` makes them.

A column is there because it is searched or must be unique; everything else is in ``body``, the
model's value as JSON text. Every table is keyed by cloud: several may share one database.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
)
from sqlalchemy.sql import Executable

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

metadata = MetaData()


def _key(name: str, kind: type[Text | BigInteger | Integer] = Text) -> Column[object]:
    return Column(name, kind, primary_key=True)


hosts = Table(
    "clocker_hosts", metadata, _key("cloud"), _key("id"), Column("name", Text), Column("body", Text)
)
containers = Table(
    "clocker_containers",
    metadata,
    _key("cloud"),
    _key("id"),
    Column("name", Text),
    Column("body", Text),
)
ports = Table(
    "clocker_ports",
    metadata,
    _key("cloud"),
    _key("host_id"),
    _key("host_port", Integer),
    _key("protocol"),
    Column("container_id", Text),
)
leases = Table(
    "clocker_leases",
    metadata,
    _key("cloud"),
    _key("network"),
    _key("address"),
    Column("owner", Text),
    Column("released_at", Double),
)
networks = Table("clocker_networks", metadata, _key("cloud"), _key("name"), Column("body", Text))
applications = Table(
    "clocker_applications", metadata, _key("cloud"), _key("name"), Column("body", Text)
)
events = Table(
    "clocker_events", metadata, _key("cloud"), _key("seq", BigInteger), Column("body", Text)
)
settings = Table("clocker_settings", metadata, _key("cloud"), _key("name"), Column("value", Text))
tokens = Table("clocker_tokens", metadata, _key("cloud"), Column("last", BigInteger))
erasing = Table("clocker_erasing", metadata, _key("cloud"))
schema = Table("clocker_schema", metadata, Column("version", Integer))

# What erase() empties, the event log last; `erasing` opens the log's guard meanwhile.
OF_A_CLOUD = (hosts, ports, containers, leases, networks, applications, settings, tokens, events)


@cache
def upsert(dialect: str, table: Table) -> Executable:
    """Insert a row, or replace the columns besides the key of the one that is there."""
    insert = _insert(dialect, table)
    rest = {c.name: insert.excluded[c.name] for c in table.columns if not c.primary_key}
    return insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)


@cache
def insert_many(dialect: str, table: Table) -> str:
    """Text for the driver itself, with values in the order of the columns: of many rows,
    SQLAlchemy's look at each would take longer than the database."""
    mark = "%s" if dialect == "postgresql" else "?"
    names = [column.name for column in table.columns]
    marks = ", ".join([mark] * len(names))
    return f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - names


@cache
def hold_if_free(dialect: str) -> Executable:
    """Insert a lease, or take over one that has been released."""
    insert = _insert(dialect, leases)
    return insert.on_conflict_do_update(
        index_elements=list(leases.primary_key),
        set_={"owner": insert.excluded.owner, "released_at": None},
        where=leases.c.released_at.is_not(None),
    )


@cache
def hold_many(dialect: str) -> str:
    """As ``hold_if_free``, for the driver itself."""
    key = ", ".join(column.name for column in leases.primary_key)
    return (
        f"{insert_many(dialect, leases)} ON CONFLICT ({key}) DO UPDATE"
        " SET owner = excluded.owner, released_at = NULL"
        f" WHERE {leases.name}.released_at IS NOT NULL"
    )


@cache
def next_number(dialect: str) -> Executable:
    """Count the cloud's tokens one up."""
    insert = _insert(dialect, tokens)
    return insert.on_conflict_do_update(
        index_elements=[tokens.c.cloud], set_={"last": tokens.c.last + 1}
    )


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    values: dict[str, BindParameter[object]] = {c.name: bindparam(c.name) for c in table.columns}
    if dialect == "postgresql":  # imported only where it is used: it costs a tenth of SQLAlchemy
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).values(values)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).values(values)
