"""A private PostgreSQL server for tests: no TCP, gone with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

_USER = "clocker"


class Server:
    """Reached by a socket in ``folder``; ``stop`` and ``start`` keep its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0

    def new_database(self) -> str:
        """The URL of a database of its own."""
        self._databases += 1
        name = f"test{self._databases}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://{_USER}@/{database}?host={quote(str(self._folder))}"

    def execute(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def cut_connections(self) -> None:
        """End everybody else's, and wait until they have ended."""
        self.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"
        )

    def initialise(self) -> None:
        command = [_binary("initdb"), "-D", self._data, "-U", _USER, "-A", "trust"]
        made = subprocess.run(
            [*command, "-E", "UTF8", "--locale=C", "--no-sync"],
            **_as_unprivileged(),
            check=False,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr

    def start(self) -> None:
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={self._folder}"]
        log = (self._folder / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [_binary("postgres"), "-D", self._data, *options, "-c", "fsync=off"],
                **_as_unprivileged(),
                stdout=log,
                stderr=log,
            )
        self._await_ready()

    def stop(self) -> None:
        """At once, connections or not."""
        if self._process:
            self._process.send_signal(2)
            self._process.wait(60)
            self._process = None

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def _await_ready(self) -> None:
        import psycopg

        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url()).close()
            except psycopg.OperationalError:
                assert self._process and self._process.poll() is None, self._log()
                assert time.monotonic() < deadline, self._log()
                time.sleep(0.02)
            else:
                return

    def _log(self) -> str:
        return (self._folder / "log").read_text()


@contextmanager
def serving() -> Iterator[Server]:
    """Its folder has a short name: a socket's path may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="clocker-pg-", dir="/tmp"))
    server = Server(folder)
    try:
        if account := _account():
            os.chown(folder, account.pw_uid, account.pw_gid)
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _binary(name: str) -> str:
    """On PATH, or where Debian puts it."""
    packaged = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (str(packaged[-1]) if packaged else None)
    assert found, f"no {name}: install PostgreSQL's server (Debian: apt install postgresql)"
    return found


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as when the tests run as root, which it refuses."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _as_unprivileged() -> dict[str, Any]:
    account = _account()
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}
