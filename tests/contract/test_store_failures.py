"""What goes wrong underneath a store: said with place and remedy, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgresql import Server, serving
from store_workers import container, event, host

from clocker.errors import ConfigError, StoreError
from clocker.interfaces import Store
from clocker.store import open_store

WORKERS = Path(__file__).with_name("store_workers.py")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cloud" / "state.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def refusal(url: str) -> StoreError:
    """The error of a transaction that writes."""

    def write() -> None:
        store = open_store(url, "c", timeout_s=0.2)
        try:
            with store.transaction() as tx:
                tx.next_token()
        finally:
            store.close()

    return pytest.raises(StoreError, write).value


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_state_is_its_owners_alone(url: str, path: Path) -> None:
    before = os.umask(0)
    try:
        store = open_store(url, "c")
    finally:
        os.umask(before)
    with store.transaction() as tx:
        tx.put_host(host("h1"))
        files = sorted(path.parent.iterdir())
        assert [f.name for f in files] == ["state.db", "state.db-shm", "state.db-wal"]
        assert {f.stat().st_mode & 0o777 for f in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    store.close()
    path.chmod(0o644)
    open_store(url, "c").close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk(tmp_path: Path) -> None:
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    script = (
        f"mount -t tmpfs -o size=600k none {tmp_path} && "
        f"exec {sys.executable} {WORKERS} fill sqlite:///{tmp_path}/state.db"
    )
    output = run("unshare", *as_root, "--mount", "sh", "-c", script)
    assert output.startswith(f"StoreError {tmp_path}/state.db: the disk is full, nothing was cha")
    assert "remedy: free some space" in output
    _, saved, _, found = output.splitlines()[-1].split()
    assert int(saved) == int(found) > 1


def test_a_limit_on_the_size_of_files(url: str) -> None:
    output = run("sh", "-c", f"ulimit -f 800 && exec {sys.executable} {WORKERS} fill {url}")
    assert "StoreError" in output and "check that it has space" in output
    _, saved, _, found = output.splitlines()[-1].split()
    assert int(saved) == int(found) > 1


def test_a_file_that_may_only_be_read(url: str, path: Path) -> None:
    open_store(url, "c").close()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    powers = "-dac_override,-dac_read_search"
    mortal = ["setpriv", "--bounding-set", powers] if os.geteuid() == 0 else []
    output = run(*mortal, sys.executable, str(WORKERS), "write_once", url)
    path.parent.chmod(0o700)
    assert output.startswith(f"StoreError {path}: ")
    assert "remedy: make the file and its folder" in output


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    error = refusal(f"sqlite:///{tmp_path}/file/state.db")
    assert error.where == f"{tmp_path}/file/state.db" and error.remedy


def test_a_file_that_is_no_database(url: str, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("the quick brown fox jumps over the lazy dog " * 50)
    before = path.read_bytes()
    error = refusal(url)
    assert "not a database of Clocker's" in error.what
    assert error.where == str(path)
    assert "clocker adopt" in (error.remedy or "")
    assert path.read_bytes() == before


def test_a_record_that_is_damaged(url: str, path: Path) -> None:
    import sqlite3

    store = open_store(url, "c")
    with store.transaction() as tx:
        tx.put_host(host("h1"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE clocker_hosts SET body = '{\"id\": 5}'")
    connection.close()
    with store.read() as tx, pytest.raises(StoreError, match="record of a Host cannot be read"):
        tx.hosts()
    store.close()


def test_a_lock_that_is_not_let_go_of(url: str) -> None:
    store = open_store(url, "c")
    with store.transaction() as tx:
        error = refusal(url)
        tx.append_event(event("a"))
    assert "kept the state locked" in error.what and error.where and error.remedy
    with store.read() as reader:
        assert len(reader.events()) == 1
    store.close()


@pytest.mark.parametrize(
    "url", ["mysql://x", "sqlite://", "sqlite:///state.db", "sqlite:////", "postgresql://x:y:z", ""]
)
def test_a_url_that_names_no_store(url: str) -> None:
    error = pytest.raises(ConfigError, open_store, url, "c").value
    assert error.where == "store" and error.remedy


def test_a_missing_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    error = pytest.raises(StoreError, open_store, "postgresql://server/db", "c").value
    assert error.remedy == "pip install clocker[postgresql]"


def test_an_error_shows_no_password(tmp_path: Path) -> None:
    secret = "s3cret"  # noqa: S105
    for url in (
        f"postgresql://me:{secret}@/db?host={tmp_path}",
        f"postgresql://me@/db?host={tmp_path}&password={secret}",
    ):
        error = refusal(url)
        assert "cannot be reached" in error.what
        assert secret not in f"{error} {error.where} {error.__cause__}"


@pytest.mark.postgresql
class TestServer:
    @pytest.fixture
    def database(self, postgresql_server: Server) -> str:
        return postgresql_server.new_database()

    @pytest.fixture
    def store(self, database: str) -> Iterator[Store]:
        store = open_store(database, "c", timeout_s=5)
        yield store
        store.close()

    def test_a_connection_lost_between_transactions_is_made_again(
        self, postgresql_server: Server, store: Store
    ) -> None:
        with store.transaction() as tx:
            tx.put_host(host("h1"))
        postgresql_server.cut_connections()
        with store.transaction() as tx:
            assert tx.host("id-h1")

    def test_a_connection_lost_midway_saves_nothing(
        self, postgresql_server: Server, store: Store
    ) -> None:
        def midway() -> None:
            with store.transaction() as tx:
                tx.put_host(host("h1"))
                postgresql_server.cut_connections()
                tx.put_container(container("web"))

        error = pytest.raises(StoreError, midway).value
        assert "cannot be reached, or went away" in error.what and error.remedy
        with store.transaction() as tx:
            assert not tx.hosts()

    def test_a_connection_lost_before_the_commit_is_an_error(
        self, postgresql_server: Server, store: Store
    ) -> None:
        def midway() -> None:
            with store.transaction() as tx:
                tx.put_host(host("h1"))
                postgresql_server.cut_connections()

        assert pytest.raises(StoreError, midway).value.remedy
        with store.read() as tx:
            assert not tx.hosts()

    def test_a_failure_that_was_caught_still_saves_nothing(self, store: Store) -> None:
        def caught() -> None:
            with store.transaction() as tx:
                tx.put_host(host("h1"))
                with pytest.raises(StoreError):
                    tx.set_setting("key", "a\0b")  # no text for PostgreSQL

        assert pytest.raises(StoreError, caught).value.where
        with store.read() as tx:
            assert not tx.hosts()

    def test_a_lock_that_is_not_let_go_of(self, database: str, store: Store) -> None:
        with store.transaction() as tx:
            error = refusal(database)
            tx.append_event(event("a"))
        assert "kept the state locked" in error.what and error.where and error.remedy

    def test_a_database_that_does_not_exist(self, postgresql_server: Server) -> None:
        error = refusal(postgresql_server.url("missing"))
        assert '"missing" does not exist' in error.what

    def test_a_server_that_stops_and_comes_back(self) -> None:
        with serving() as server:
            url = server.new_database()
            store = open_store(url, "c")
            with store.transaction() as tx:
                tx.put_host(host("h1"))
            server.stop()
            assert "cannot be reached" in refusal(url).what
            server.start()
            with store.transaction() as tx:
                assert tx.host("id-h1")
            store.close()
