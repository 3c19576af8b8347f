"""PostgreSQL: the state of a team's clouds, side by side in one database."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError

from clocker.errors import ConfigError, StoreError
from clocker.store.backend import Backend

_CONNECT_TIMEOUT_S = 10
_SILENT_CLIENT_MS = 60_000

# Locks end with their transaction, so a pooler in between does no harm. A client that vanished
# without a word must not keep the others out for as long as TCP takes to notice.
_EXCLUDE_CLOUD = text(
    "SELECT set_config('lock_timeout', :wait_ms, true),"
    " set_config('idle_in_transaction_session_timeout', :silent_ms, true),"
    " pg_advisory_xact_lock_shared(:tables), pg_advisory_xact_lock(:cloud)"
)
_EXCLUDE_ALL = text(
    "SELECT set_config('lock_timeout', :wait_ms, true), pg_advisory_xact_lock(:tables)"
)


def backend(url: str, timeout_s: float) -> Backend:
    parsed = _parse(url)
    wait_ms = str(max(1, int(timeout_s * 1000)))
    tables = _lock_number("tables")

    def exclude(connection: Connection, cloud: str | None) -> None:
        if cloud is None:
            connection.execute(_EXCLUDE_ALL, {"wait_ms": wait_ms, "tables": tables})
            return
        values = {
            "wait_ms": wait_ms,
            "silent_ms": str(_SILENT_CLIENT_MS),
            "tables": tables,
            "cloud": _lock_number(f"cloud {cloud}"),
        }
        connection.execute(_EXCLUDE_CLOUD, values)

    return Backend(
        engine=_engine(parsed),
        place=parsed.set(drivername="postgresql", query={}).render_as_string(hide_password=True),
        timeout_s=timeout_s,
        write_options={"isolation_level": "READ COMMITTED"},
        read_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
        exclude=exclude,
    )


def _parse(url: str) -> URL:
    try:
        return make_url(url).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError) as error:
        raise ConfigError(
            "the store's URL cannot be read",
            where="store",
            remedy="write it as postgresql://user:password@server:5432/database, special "
            "characters in the password as %XX",
        ) from error


def _engine(url: URL) -> Engine:
    """``prepare_threshold``: no prepared statements, which poolers lose."""
    wait = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}
    try:
        return create_engine(
            url,
            connect_args={"prepare_threshold": None, "application_name": "clocker", **wait},
            hide_parameters=True,
        )
    except ImportError as error:
        raise StoreError(
            f"the PostgreSQL driver is missing ({error})",
            where="store",
            remedy="pip install clocker[postgresql]",
        ) from error


def _lock_number(what: str) -> int:
    """Advisory locks are 64-bit numbers shared by all that use the database."""
    return int.from_bytes(sha256(f"clocker {what}".encode()).digest()[:8], signed=True)
