"""The contract of Store and Transaction, held by every implementation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from store_workers import change_everything, container, event, everything, host

from clocker.errors import StoreError
from clocker.interfaces import Store, Transaction
from clocker.model import (
    Lease,
    Net,
    Port,
)
from clocker.store import open_store


def test_a_new_store_is_empty(store: Store) -> None:
    assert everything(store) == [[], [], [], [], []]
    with store.read() as tx:
        assert tx.host("h") is None
        assert tx.container("c") is None


def test_what_is_put_is_there_after_the_transaction(filled: Store) -> None:
    with filled.read() as tx:
        assert tx.host("id-h1") == host("h1")
        assert tx.container("web") == container("web", Port(80, 8080))
        assert list(tx.leases()) == [Lease("default", "10.210.0.2", "container/web")]
        assert tx.setting("key") == "value"


def test_a_transaction_sees_what_it_has_written(store: Store) -> None:
    with store.transaction() as tx:
        tx.put_host(host("h1"))
        assert tx.host("id-h1") == host("h1")
        tx.delete_host("id-h1")
        assert not tx.hosts()


def test_put_replaces_by_id(filled: Store) -> None:
    with filled.transaction() as tx:
        tx.put_host(replace(host("h1"), name="renamed"))
        tx.put_container(replace(container("web"), name="renamed"))
        tx.set_setting("key", "new")
    with filled.read() as tx:
        assert [h.name for h in tx.hosts()] == ["renamed"]
        assert [c.name for c in tx.containers()] == ["renamed"]
        assert tx.container("web") is None
        assert tx.setting("key") == "new"


def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    with store.transaction() as tx:
        tx.delete_host("none")
        tx.delete_container("none")
        tx.release_leases("none", 100.0)
        tx.forget_leases(100.0)


class Stop(Exception):
    pass


@pytest.mark.parametrize("reason", [Stop, KeyboardInterrupt, SystemExit])
def test_any_exception_rolls_everything_back(filled: Store, reason: type[BaseException]) -> None:
    before = everything(filled)

    def fail() -> None:
        with filled.transaction() as tx:
            change_everything(tx)
            raise reason

    pytest.raises(reason, fail)
    assert everything(filled) == before
    with filled.transaction() as tx:
        change_everything(tx)
    assert everything(filled) != before


NAMES = ["a-1", "a1", "B", "a-10", "a-2", "b", "_", "é"]


def test_hosts_and_containers_come_by_name_as_python_sorts(store: Store) -> None:
    with store.transaction() as tx:
        for name in NAMES:
            tx.put_host(host(name))
            tx.put_container(container(name))
        assert [h.name for h in tx.hosts()] == sorted(NAMES)
        assert [c.name for c in tx.containers()] == sorted(NAMES)


def test_leases_come_by_network_and_address(store: Store) -> None:
    leases = [Lease(n, a, "container/x") for n in ("b", "a") for a in ("10.0.0.9", "10.0.0.2")]
    with store.transaction() as tx:
        for lease in leases:
            tx.put_lease(lease)
        assert list(tx.leases()) == leases[::-1]


def test_an_owner_loses_all_its_leases_and_no_other(store: Store) -> None:
    kept = Lease("default", "10.0.0.3", "container/db")
    with store.transaction() as tx:
        tx.put_lease(Lease("default", "10.0.0.2", "container/web"))
        tx.put_lease(Lease("other", "10.1.0.2", "container/web"))
        tx.put_lease(kept)
        tx.release_leases("container/web", 100.0)
        assert list(tx.leases()) == [kept]


def test_what_was_released_is_known_until_it_is_held_anew_or_forgotten(store: Store) -> None:
    first, second = (Lease("default", f"10.0.0.{n}", "container/web") for n in (2, 3))
    with store.transaction() as tx:
        tx.put_lease(first)
        tx.release_leases("container/web", 100.0)
        tx.put_lease(second)
        tx.release_leases("container/web", 200.5)
    with store.read() as tx:
        released = [replace(first, released_at=100.0), replace(second, released_at=200.5)]
        assert list(tx.released_leases()) == released
    with store.transaction() as tx:
        tx.forget_leases(150.0)
        tx.put_lease(Lease("default", "10.0.0.3", "container/db"))
        tx.put_lease(first)
    with store.read() as tx:
        assert list(tx.released_leases()) == []
        assert list(tx.leases()) == [first, Lease("default", "10.0.0.3", "container/db")]


def test_many_leases_are_put_as_one_by_one(store: Store) -> None:
    web, db, new = (Lease("default", f"10.0.0.{n}", f"container/{n}") for n in (2, 3, 4))
    with store.transaction() as tx:
        tx.put_leases([web, db])
        tx.release_leases(db.owner, 100.0)
        taken_over = replace(db, owner="container/other")
        tx.put_leases([taken_over, new, web])
        tx.put_leases([])
    with store.read() as tx:
        assert list(tx.leases()) == [web, taken_over, new]
        assert list(tx.released_leases()) == []


def test_an_owner_lets_go_of_one_networks_addresses(store: Store) -> None:
    with store.transaction() as tx:
        tx.put_lease(Lease("default", "10.0.0.2", "container/web"))
        tx.put_lease(Lease("blue", "10.1.0.2", "container/web"))
        tx.put_lease(Lease("blue", "10.1.0.3", "container/db"))
        tx.release_leases("container/web", 5.0, network="blue")
        assert {lease.address for lease in tx.leases()} == {"10.0.0.2", "10.1.0.3"}
        assert [lease.address for lease in tx.released_leases()] == ["10.1.0.2"]


def test_networks_come_by_name_and_take_their_leases_with_them(store: Store) -> None:
    blue, amber = Net("blue", "10.1.0.0/24", 7.5), Net("amber", "10.1.1.0/24")
    kept = Lease("amber", "10.1.1.2", "host/h1")
    with store.transaction() as tx:
        for net in (blue, amber):
            tx.put_network(net)
        tx.put_lease(kept)
        tx.put_lease(Lease("blue", "10.1.0.2", "host/h1"))
        tx.put_lease(Lease("blue", "10.1.0.3", "container/web"))
        tx.release_leases("container/web", 5.0)
    with store.read() as tx:
        assert list(tx.networks()) == [amber, blue]
        assert (tx.network("blue"), tx.network("red")) == (blue, None)
    with store.transaction() as tx:
        tx.put_network(replace(blue, subnet="10.1.9.0/24"))
        tx.delete_network("amber")
        tx.delete_network("amber")
        assert list(tx.networks()) == [replace(blue, subnet="10.1.9.0/24")]
        tx.delete_network("blue")
        assert not tx.networks() and not tx.leases() and not tx.released_leases()


def test_another_cloud_has_networks_of_its_own(store: Store, store_url: str) -> None:
    with store.transaction() as tx:
        tx.put_network(Net("blue", "10.1.0.0/24"))
    with_another_name = open_store(store_url, "d")
    with with_another_name.read() as tx:
        assert not tx.networks()
    with_another_name.close()
    store.erase()
    with store.read() as tx:
        assert not tx.networks()


def test_tokens_grow(store: Store) -> None:
    tokens = []
    for _ in range(3):
        with store.transaction() as tx:
            tokens += [tx.next_token(), tx.next_token()]
    assert tokens == sorted(set(tokens))


def test_settings_that_are_not_set_are_none(store: Store) -> None:
    with store.transaction() as tx:
        assert tx.setting("key") is None
        tx.set_setting("key", "")
        assert tx.setting("key") == ""


def test_events_are_numbered_in_their_order(store: Store) -> None:
    for name in ("a", "b"):
        with store.transaction() as tx:
            tx.append_event(event(f"{name}1"))
            tx.append_event(replace(event(f"{name}2"), seq=77))
    with store.read() as tx:
        events = tx.events()
        assert [e.subject for e in events] == ["a1", "a2", "b1", "b2"]
        numbers = [e.seq for e in events]
        assert numbers == sorted(set(numbers)) and numbers[0] > 0
        assert events[0] == replace(event("a1"), seq=numbers[0])


def test_many_events_are_numbered_in_their_order(store: Store) -> None:
    for names in (["a", "b"], [], ["c", "d"]):
        with store.transaction() as tx:
            tx.append_events([replace(event(name), seq=77) for name in names])
            tx.append_event(event("one"))
    with store.read() as tx:
        events = tx.events()
    assert [e.subject for e in events] == ["a", "b", "one", "one", "c", "d", "one"]
    assert [e.seq for e in events] == list(range(events[0].seq, events[0].seq + 7))


def test_events_give_the_newest_after_a_number(store: Store) -> None:
    with store.transaction() as tx:
        for number in range(6):
            tx.append_event(event(str(number)))
        all_of_them = list(tx.events())
        assert list(tx.events(limit=2)) == all_of_them[-2:]
        assert list(tx.events(after=all_of_them[1].seq)) == all_of_them[2:]
        assert list(tx.events(after=all_of_them[1].seq, limit=1)) == all_of_them[-1:]
        assert list(tx.events(after=all_of_them[-1].seq)) == []
        assert list(tx.events(limit=0)) == []


CHANGES: dict[str, Callable[[Transaction], object]] = {
    "put_host": lambda tx: tx.put_host(host("x")),
    "delete_host": lambda tx: tx.delete_host("id-h1"),
    "put_container": lambda tx: tx.put_container(container("x")),
    "delete_container": lambda tx: tx.delete_container("id-web"),
    "put_lease": lambda tx: tx.put_lease(Lease("default", "10.0.0.9", "container/x")),
    "put_leases": lambda tx: tx.put_leases([Lease("default", "10.0.0.9", "container/x")]),
    "release_leases": lambda tx: tx.release_leases("container/web", 100.0),
    "forget_leases": lambda tx: tx.forget_leases(100.0),
    "put_network": lambda tx: tx.put_network(Net("x", "10.1.0.0/24")),
    "delete_network": lambda tx: tx.delete_network("x"),
    "next_token": lambda tx: tx.next_token(),
    "append_event": lambda tx: tx.append_event(event("x")),
    "append_events": lambda tx: tx.append_events([event("x")]),
    "set_setting": lambda tx: tx.set_setting("key", "x"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_read_cannot_change_anything(filled: Store, change: str) -> None:
    before = everything(filled)
    with filled.read() as tx, pytest.raises(StoreError, match="a read of the store cannot"):
        CHANGES[change](tx)
    assert everything(filled) == before


def test_a_read_stays_what_it_was_and_keeps_no_writer_waiting(filled: Store) -> None:
    with filled.read() as reader:
        before = [list(reader.hosts()), list(reader.containers()), list(reader.leases())]
        with filled.transaction() as tx:
            change_everything(tx)
        assert before == [list(reader.hosts()), list(reader.containers()), list(reader.leases())]
        assert reader.setting("key") == "value"
    with filled.read() as reader:
        assert reader.setting("key") == "changed"


def test_a_second_writer_waits_and_then_gives_up(filled: Store) -> None:
    def second() -> None:
        with filled.transaction():
            pass

    with filled.transaction() as tx:
        assert pytest.raises(StoreError, second).value.remedy
        tx.set_setting("key", "first")
    assert everything(filled)[-1] == "first"


def test_threads_lose_no_update(store_url: str) -> None:
    store = open_store(store_url, "c")

    def count() -> None:
        for _ in range(10):
            with store.transaction() as tx:
                tx.set_setting("key", str(int(tx.setting("key") or 0) + 1))
            with store.read() as tx:
                tx.hosts()

    with ThreadPoolExecutor(20) as pool:
        for future in [pool.submit(count) for _ in range(20)]:
            future.result(60)
    assert everything(store)[-1] == "200"
    store.close()


def test_erase_leaves_nothing_and_begins_anew(filled: Store) -> None:
    filled.erase()
    assert everything(filled) == [[], [], [], [], []]
    filled.erase()
    with filled.transaction() as tx:
        change_everything(tx)
    assert len(everything(filled)[3]) == 1
