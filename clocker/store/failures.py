"""What databases raise, as StoreError with place and remedy. No other exception leaves a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from clocker.errors import StoreError


class Duplicate(StoreError):
    """A constraint refused a row; for whoever knows the row to say it better."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """``place``: the store's URL without its password."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _failure(error, place) from error


def is_passing(error: DBAPIError) -> bool:
    """Whether it may help to begin again: another process is at it, or the server restarts."""
    code = _code(error)
    if code is None:
        return _is_lost(error)
    return code in {"BUSY", "57P01", "57P02", "57P03", "53300", "40001", "40P01"} or (
        code.startswith("08")
    )


def _failure(error: SQLAlchemyError, place: str) -> StoreError:
    if not isinstance(error, DBAPIError):
        return StoreError(f"the database failed: {error}", where=place)
    kind = Duplicate if isinstance(error, IntegrityError) else StoreError
    code = _code(error)
    known = _FAILURES.get(code or "") or _FAILURES.get((code or "")[:2])
    if known is None and _is_lost(error):
        known = _LOST
    what, remedy = known or ("the database failed", None)
    return kind(f"{what} ({_first_line(error)})", where=place, remedy=remedy)


def _code(error: DBAPIError) -> str | None:
    """SQLite's primary error name without its prefix, or the SQLSTATE."""
    name: str | None = getattr(error.orig, "sqlite_errorname", None)
    if name is not None:
        return name.split("_")[1]
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state


def _is_lost(error: DBAPIError) -> bool:
    """No connection could be made, or it broke: these carry no SQLSTATE."""
    return error.connection_invalidated or type(error.orig).__name__ == "OperationalError"


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__


_FULL = (
    "the disk is full, nothing was changed",
    "free some space there, then run the command again",
)
_LOCKED = (
    "another process has kept the state locked for too long",
    "wait for it to end (fuser or pg_stat_activity show it), then run the command again",
)
_DAMAGED = (
    "this is not a database of Clocker's, or it is damaged",
    "move it away, then rebuild the state from what is running: clocker adopt",
)
_REFUSED = (
    "the database does not let this user in",
    "check user, password and database name of the store's URL",
)
_LOST = (
    "the database server cannot be reached, or went away",
    "check that it runs and that the store's URL is right, then run the command again",
)
_FAILURES = {
    "FULL": _FULL,
    "BUSY": _LOCKED,
    "LOCKED": _LOCKED,
    "READONLY": (
        "the state may be read but not written",
        "make the file and its folder writable for this user",
    ),
    "PERM": (
        "the state may not be opened",
        "make the file and its folder readable and writable for this user",
    ),
    "CANTOPEN": (
        "the state cannot be opened",
        "make the file and its folder readable and writable for this user, and check that the "
        "disk has space",
    ),
    "IOERR": (
        "the disk does not read or write, nothing was changed",
        "check that it has space and is healthy, then run the command again",
    ),
    "NOTADB": _DAMAGED,
    "CORRUPT": _DAMAGED,
    "53100": _FULL,
    "53200": ("the database server is out of memory", "give it more, then run again"),
    "53300": (
        "the database server takes no more connections",
        "raise its max_connections, or run fewer commands at once",
    ),
    "55P03": _LOCKED,
    "25P03": ("the transaction took so long that the server ended it", "run the command again"),
    "25006": (
        "the database server is read-only",
        "point the store's URL to the primary, not to a standby",
    ),
    "28": _REFUSED,
    "3D": _REFUSED,
    "42501": (
        "the database does not let this user do that",
        "let the user create tables, triggers and functions in the database's schema",
    ),
    "08": _LOST,
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": _LOST,
}
