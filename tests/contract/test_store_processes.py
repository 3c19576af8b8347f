"""A store in a database: several processes, several clouds, several versions of Clocker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError
from store_workers import (
    TURN,
    book,
    change_everything,
    container,
    event,
    hold_turn,
    host,
    open_at_once,
    stop_midway,
    take_same_names,
    take_turns,
)

from clocker.cloud import ledger
from clocker.errors import StoreError, StoreTooNew
from clocker.model import Lease
from clocker.store import open_store, schema, tables
from clocker.store.backend import Backend
from clocker.store.postgresql import backend as postgresql_backend
from clocker.store.sql import SqlStore
from clocker.store.sqlite import backend as sqlite_backend

PROCESSES = 8
ROUNDS = 15
SPAWN = get_context("spawn")  # forked children share SQLite's idea of who holds which lock


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgresql_server").new_database()
    return f"sqlite:///{tmp_path}/cloud/state.db"


def in_processes(work: Callable[..., Any], *arguments: tuple[Any, ...]) -> list[Any]:
    with ProcessPoolExecutor(PROCESSES, mp_context=SPAWN) as pool:
        return [future.result(120) for future in [pool.submit(work, *a) for a in arguments]]


def test_eight_processes_lose_no_update_and_share_nothing(url: str) -> None:
    given = in_processes(book, *[(url, worker, ROUNDS) for worker in range(PROCESSES)])
    total = PROCESSES * ROUNDS
    store = open_store(url, "shared")
    with store.read() as tx:
        assert tx.setting("count") == str(total)
        assert len({lease.address for lease in tx.leases()}) == total
        assert len({c.ports[0].host_port for c in tx.containers()}) == total
        assert [e.seq for e in tx.events()] == list(range(1, total + 1))
    store.close()
    assert len({token for tokens in given for token in tokens}) == total
    assert all(tokens == sorted(tokens) for tokens in given)


def test_eight_processes_that_want_the_same_names_get_each_once(url: str) -> None:
    had = in_processes(take_same_names, *[(url, ROUNDS)] * PROCESSES)
    assert sum(had) == ROUNDS


def test_eight_processes_may_open_a_new_store_at_once(url: str) -> None:
    assert in_processes(open_at_once, *[(url,)] * PROCESSES) == ["opened"] * PROCESSES
    store = open_store(url, "shared")
    with store.read() as tx:
        assert len(tx.events()) == PROCESSES
    store.close()


def test_eight_processes_take_turns_and_one_that_is_killed_is_taken_over(url: str) -> None:
    """What they do meanwhile takes more than one transaction, as a build does."""
    here, there = SPAWN.Pipe()
    holder = SPAWN.Process(target=hold_turn, args=(url, there))
    holder.start()
    assert here.poll(60)
    dead = here.recv()
    holder.kill()
    holder.join()
    given = in_processes(take_turns, *[(url, ROUNDS // 3)] * PROCESSES)
    tokens = [token for tokens in given for token in tokens]
    store = open_store(url, "shared")
    with store.transaction() as tx:
        assert tx.setting("count") == str(len(tokens)) == str(PROCESSES * (ROUNDS // 3))
        ledger.release_setting(tx, TURN, dead)  # a late word of the dead one changes nothing
        with pytest.raises(ledger.TakenOver):
            ledger.still_holds_setting(tx, TURN, dead)
    store.close()
    assert len({*tokens, dead.token}) == len(tokens) + 1 and min(tokens) > dead.token


def test_a_process_killed_midway_leaves_nothing_and_no_lock(url: str) -> None:
    store = open_store(url, "c", timeout_s=20)
    with store.transaction() as tx:
        tx.put_host(host("h1"))
        tx.put_container(container("web"))
        tx.put_lease(Lease("default", "10.210.0.2", "container/web"))
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=stop_midway, args=(url, there))
    process.start()
    assert here.poll(60) and here.recv() == "midway"
    process.kill()
    process.join()
    with store.transaction() as tx:
        assert [h.name for h in tx.hosts()] == ["h1"]
        assert [c.name for c in tx.containers()] == ["web"]
        assert len(tx.leases()) == 1
        assert not tx.events()
        change_everything(tx)
    store.close()


def test_state_outlives_the_process(url: str) -> None:
    store = open_store(url, "c")
    with store.transaction() as tx:
        tx.put_container(container("web"))
        first = tx.next_token()
    store.close()
    again = open_store(url, "c")
    with again.transaction() as tx:
        assert tx.container("web") == container("web")
        assert tx.next_token() > first
    again.close()


def test_clouds_share_a_database_and_nothing_else(url: str) -> None:
    one, two = open_store(url, "one"), open_store(url, "two")
    for store in (one, two):
        with store.transaction() as tx:
            tx.put_host(host("h1"))
            change_everything(tx)
    one.erase()
    with one.read() as tx:
        assert not (tx.hosts() or tx.containers() or tx.leases() or tx.events())
        assert tx.setting("key") is None
    with two.read() as tx:
        assert tx.hosts() and tx.containers() and tx.leases() and tx.events()
        assert tx.setting("key") == "changed"
    for store in (one, two):
        store.close()


@pytest.mark.postgresql
def test_writers_of_different_clouds_do_not_wait_for_each_other(postgresql_server: Any) -> None:
    url = postgresql_server.new_database()
    one, two = open_store(url, "one", timeout_s=5), open_store(url, "two", timeout_s=5)
    with one.transaction() as first, two.transaction() as second:
        first.append_event(event("a"))
        second.append_event(event("b"))
    one.close()
    two.close()


def backend_of(url: str) -> Backend:
    return (sqlite_backend if url.startswith("sqlite") else postgresql_backend)(url, 5)


@contextmanager
def sql(url: str) -> Iterator[Connection]:
    backend = backend_of(url)
    with backend.engine.connect().execution_options(**backend.write_options) as connection:
        yield connection
        connection.commit()
    backend.engine.dispose()


def test_the_tables_are_as_the_code_believes(url: str) -> None:
    open_store(url, "c").close()
    with sql(url) as connection:
        there = inspect(connection)
        for table in tables.metadata.sorted_tables:
            names = [column["name"] for column in there.get_columns(table.name)]
            assert names == [column.name for column in table.columns]
            key = there.get_pk_constraint(table.name)["constrained_columns"]
            assert key == [column.name for column in table.primary_key]


FORGERIES = [
    ("UPDATE clocker_events SET body = '{}'", {"sqlite", "postgresql"}),
    ("DELETE FROM clocker_events", {"sqlite", "postgresql"}),
    ("DELETE FROM clocker_events WHERE seq = 1", {"sqlite", "postgresql"}),
    ("INSERT OR REPLACE INTO clocker_events VALUES ('c', 1, '{}')", {"sqlite"}),
    ("TRUNCATE clocker_events", {"postgresql"}),
]


def test_the_event_log_is_append_only(url: str) -> None:
    store, another = open_store(url, "c"), open_store(url, "another")
    for round_of_life in range(2):
        for name in ("a", "b"):
            with store.transaction() as tx:
                tx.append_event(event(name))
        for forgery in [line for line, kinds in FORGERIES if url.partition(":")[0] in kinds]:
            with pytest.raises(DBAPIError, match="append-only"), sql(url) as connection:
                connection.execute(text(forgery))
        with store.read() as tx:
            assert [e.subject for e in tx.events()] == ["a", "b"], round_of_life
        another.erase()
        store.erase()  # opens the log for itself, and closes it again
    for each in (store, another):
        each.close()


def _add_a_column(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE clocker_hosts ADD COLUMN zone TEXT")
    connection.exec_driver_sql("UPDATE clocker_hosts SET zone = 'z1'")


def _fail_midway(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE clocker_hosts ADD COLUMN zone TEXT")
    connection.exec_driver_sql("UPDATE clocker_hosts SET nonsense = 1")


def test_an_older_store_is_brought_up_to_date_with_what_is_in_it(url: str) -> None:
    store = open_store(url, "c")
    with store.transaction() as tx:
        tx.put_host(host("h1"))
    store.close()
    newer = (*schema.MIGRATIONS, _add_a_column)
    for _ in range(2):  # the second time there is nothing to do
        upgraded = SqlStore(backend_of(url), "c", migrations=newer)
        with upgraded.read() as tx:
            assert [h.name for h in tx.hosts()] == ["h1"]
        upgraded.close()
    with sql(url) as connection:
        assert schema.version(connection) == len(newer)
        assert connection.execute(text("SELECT zone FROM clocker_hosts")).scalar_one() == "z1"


def test_a_store_of_the_first_version_keeps_its_leases(url: str) -> None:
    SqlStore(backend_of(url), "c", migrations=schema.MIGRATIONS[:1]).close()
    with sql(url) as connection:
        row = "('c', 'default', '10.210.0.2', 'container/web')"
        connection.execute(text(f"INSERT INTO clocker_leases VALUES {row}"))
    store = open_store(url, "c")
    held = Lease("default", "10.210.0.2", "container/web")
    with store.transaction() as tx:
        assert list(tx.leases()) == [held]
        tx.release_leases("container/web", 1_700_000_000.25)
    with store.read() as tx:
        assert list(tx.leases()) == []
        assert list(tx.released_leases()) == [replace(held, released_at=1_700_000_000.25)]
    store.close()


def test_a_migration_that_fails_leaves_the_old_version(url: str) -> None:
    open_store(url, "c").close()
    newer = (*schema.MIGRATIONS, _fail_midway)
    with pytest.raises(StoreError, match="nonsense"):
        SqlStore(backend_of(url), "c", migrations=newer)
    with sql(url) as connection:
        assert schema.version(connection) == len(schema.MIGRATIONS)
        columns = [column["name"] for column in inspect(connection).get_columns("clocker_hosts")]
        assert "zone" not in columns
    open_store(url, "c").close()


def test_a_store_of_a_newer_version_is_refused_also_by_who_has_it_open(url: str) -> None:
    running = open_store(url, "c")
    SqlStore(backend_of(url), "c", migrations=(*schema.MIGRATIONS, _add_a_column)).close()
    known, found = len(schema.MIGRATIONS), len(schema.MIGRATIONS) + 1

    def read() -> None:
        with running.read():
            pass

    def write() -> None:
        with running.transaction():
            pass

    for use in (lambda: open_store(url, "c"), read, write, running.erase):
        error = pytest.raises(StoreTooNew, use).value
        assert error.what == (
            f"the store has version {found}, this Clocker knows versions up to {known}"
        )
        assert error.where and "upgrade Clocker" in (error.remedy or "")
    running.close()
