"""Names, addresses and host ports have one owner, whatever the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from store_workers import container, everything, host

from clocker.errors import NameTaken
from clocker.interfaces import Store, Transaction
from clocker.model import Lease, Port

TAKEN: dict[str, tuple[Callable[[Transaction], None], str]] = {
    "host": (
        lambda tx: tx.put_host(replace(host("h1"), id="second")),
        "the name 'h1' is taken by another host",
    ),
    "container": (
        lambda tx: tx.put_container(replace(container("web"), id="second")),
        "the name 'web' is taken by another container",
    ),
    "port": (
        lambda tx: tx.put_container(container("db", Port(5432, 5432), Port(81, 8080))),
        "port 8080/tcp of host 'h1' is booked by container 'web'",
    ),
    "port twice": (
        lambda tx: tx.put_container(container("db", Port(1, 99), Port(2, 99))),
        "container 'db' has the same host port twice",
    ),
    "one of many": (
        lambda tx: tx.insert_containers(
            [container("db"), replace(container("web"), id="second"), container("job")]
        ),
        "the name 'web' is taken by another container",
    ),
    "one of many is not new": (
        lambda tx: tx.insert_containers([container("db"), container("web")]),
        "container 'web' is there already",
    ),
    "two of many": (
        lambda tx: tx.insert_containers([container("db"), replace(container("db"), id="second")]),
        "the name 'db' is taken by another container",
    ),
    "the port of one of many": (
        lambda tx: tx.insert_containers([container("db"), container("job", Port(81, 8080))]),
        "port 8080/tcp of host 'h1' is booked by container 'web'",
    ),
    "the port of two of many": (
        lambda tx: tx.insert_containers(
            [container("db", Port(1, 99)), container("job", Port(2, 99))]
        ),
        "port 99/tcp of host 'h1' is booked by container 'db'",
    ),
    "address": (
        lambda tx: tx.put_lease(Lease("default", "10.210.0.2", "container/db")),
        "the address 10.210.0.2 of network 'default' belongs to container/web, not to container/db",
    ),
    "the address of one of many": (
        lambda tx: tx.put_leases(
            [Lease("default", f"10.210.0.{n}", "container/db") for n in (1, 2, 3)]
        ),
        "the address 10.210.0.2 of network 'default' belongs to container/web, not to container/db",
    ),
    "the address of two of many": (
        lambda tx: tx.put_leases(
            [Lease("default", "10.210.0.9", f"container/{name}") for name in ("db", "job")]
        ),
        "the address 10.210.0.9 of network 'default' belongs to container/db, not to container/job",
    ),
}


@pytest.mark.parametrize("case", TAKEN)
def test_what_is_owned_cannot_be_owned_twice(filled: Store, case: str) -> None:
    before = everything(filled)
    put, sentence = TAKEN[case]

    def put_it() -> None:
        with filled.transaction() as tx:
            put(tx)

    assert pytest.raises(NameTaken, put_it).value.what == sentence
    assert everything(filled) == before


@pytest.mark.parametrize("case", TAKEN)
def test_a_refused_put_leaves_the_transaction_usable(filled: Store, case: str) -> None:
    before = everything(filled)
    with filled.transaction() as tx:
        with pytest.raises(NameTaken):
            TAKEN[case][0](tx)
        tx.set_setting("key", "went on")
    assert everything(filled) == [*before[:-1], "went on"]


def test_what_is_similar_is_not_the_same(filled: Store) -> None:
    with filled.transaction() as tx:
        tx.put_container(container("udp", Port(80, 8080, "udp")))
        tx.put_container(container("elsewhere", Port(80, 8080), host_id="id-h2"))
        tx.put_container(container("unchosen-1", Port(80, 0)))
        tx.put_container(container("unchosen-2", Port(80, 0)))
        tx.put_lease(Lease("other", "10.210.0.2", "container/db"))
        tx.put_lease(Lease("default", "10.210.0.2", "container/web"))
        assert len(tx.containers()) == 5
        assert len(tx.leases()) == 2


def test_what_is_let_go_of_may_be_had_by_another(filled: Store) -> None:
    with filled.transaction() as tx:
        tx.delete_container("id-web")
        tx.put_container(replace(container("web", Port(80, 8080)), id="second"))
        tx.put_container(replace(container("web", Port(80, 8081)), id="second"))
        tx.put_container(container("db", Port(80, 8080)))
        tx.release_leases("container/web", 100.0)
        tx.put_lease(Lease("default", "10.210.0.2", "container/db"))
        tx.delete_host("id-h1")
        tx.put_host(replace(host("h1"), id="second"))


def test_many_are_inserted_as_one_by_one(filled: Store) -> None:
    many = [container(f"c{n}", Port(80, 9000 + n)) for n in range(50)]
    with filled.transaction() as tx:
        tx.insert_containers(many)
        tx.insert_containers([])
    with filled.read() as tx:
        assert [c for c in tx.containers() if c.name != "web"] == sorted(many, key=lambda c: c.name)
    with pytest.raises(NameTaken), filled.transaction() as tx:
        tx.put_container(container("late", Port(80, 9010)))
