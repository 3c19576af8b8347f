"""What other processes do to a store while the tests look on."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from clocker.cloud import ledger
from clocker.errors import NameTaken
from clocker.interfaces import Parts, Store, Transaction
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Event,
    Host,
    HostState,
    Lease,
    Port,
    Resources,
)
from clocker.remote.process import is_dead, this_process
from clocker.store import open_store
from clocker.testing import fake_parts

TURN = "build/clocker/build:1"


def host(name: str) -> Host:
    return Host(f"id-{name}", name, "local", HostState.READY, Resources(4, 8192), "10.210.0.1")


def container(name: str, *ports: Port, host_id: str = "id-h1") -> Container:
    return Container(
        id=f"id-{name}",
        name=name,
        host_id=host_id,
        state=ContainerState.RUNNING,
        request=ContainerRequest("tomcat:9", name=name, ports=ports),
        address="10.210.0.2",
        mac="02:42:0a:d2:00:02",
        ports=ports,
    )


def event(subject: str) -> Event:
    return Event(1.0, "tester", "obtain", subject, "booked")


def book(url: str, worker: int, rounds: int) -> list[int]:
    """Count up, and take the next free address and port, as a reservation does; returns the
    tokens that were given."""
    store = open_store(url, "shared")
    given = []
    for number in range(rounds):
        with store.transaction() as tx:
            count = int(tx.setting("count") or 0)
            given.append(tx.next_token())
            _book_one(tx, f"c{worker}-{number}")
            tx.set_setting("count", str(count + 1))
    store.close()
    return given


def take_same_names(url: str, rounds: int) -> int:
    """Returns how many names were had by this process."""
    store = open_store(url, "shared")
    had = 0
    for number in range(rounds):
        try:
            with store.transaction() as tx:
                mine = replace(container(f"c{number}"), id=f"{tx.next_token()}")
                tx.put_container(mine)
            had += 1
        except NameTaken:
            continue
    store.close()
    return had


def open_at_once(url: str) -> str:
    store = open_store(url, "shared")
    with store.transaction() as tx:
        tx.append_event(event("opened"))
    store.close()
    return "opened"


def stop_midway(url: str, ready: Connection) -> None:
    """Changes everything, says so, and never comes to the end."""
    store = open_store(url, "c")
    with store.transaction() as tx:
        change_everything(tx)
        ready.send("midway")
        time.sleep(600)


def take_turns(url: str, rounds: int) -> list[int]:
    """Count up in two transactions, as long as the lease is held; returns the tokens."""
    parts, tokens = _parts(url), list[int]()
    while len(tokens) < rounds:
        with parts.store.transaction() as tx:
            work = ledger.claim_setting(parts, tx, TURN)
        if work is None:
            time.sleep(0.005)
            continue
        with parts.store.read() as tx:
            count = int(tx.setting("count") or 0)
        with parts.store.transaction() as tx:
            ledger.still_holds_setting(tx, TURN, work)
            tx.set_setting("count", str(count + 1))
            ledger.release_setting(tx, TURN, work)
        tokens.append(work.token)
    parts.store.close()
    return tokens


def hold_turn(url: str, ready: Connection) -> None:
    """Has the lease, says its token, and never lets go."""
    parts = _parts(url)
    with parts.store.transaction() as tx:
        work = ledger.claim_setting(parts, tx, TURN)
    ready.send(work)
    time.sleep(600)


def _parts(url: str) -> Parts:
    return fake_parts(
        store=open_store(url, "shared"),
        owner=this_process(),
        owner_is_dead=is_dead,
        clock=time.time,
        sleep=time.sleep,
    )


def change_everything(tx: Transaction) -> None:
    tx.put_host(host("other"))
    tx.delete_host("id-h1")
    tx.put_container(container("other", Port(80, 8081)))
    tx.delete_container("id-web")
    tx.put_lease(Lease("default", "10.210.0.99", "container/other"))
    tx.release_leases("container/web", 100.0)
    tx.next_token()
    tx.append_event(event("other"))
    tx.set_setting("key", "changed")


def fill(url: str) -> None:
    """Write events until it fails; what had been saved before must all be there then."""
    store = open_store(url, "c")
    saved = 0
    try:
        while True:
            with store.transaction() as tx:
                tx.append_event(event("x" * 20_000))
            saved += 1
    except Exception as error:  # noqa: BLE001 - the test judges what it is
        print(type(error).__name__, error)
    with store.read() as tx:
        print("saved", saved, "found", len(tx.events()))
    store.close()


def write_once(url: str) -> None:
    try:
        with open_store(url, "c").transaction() as tx:
            tx.next_token()
    except Exception as error:  # noqa: BLE001 - the test judges what it is
        print(type(error).__name__, error)


def everything(store: Store) -> list[Any]:
    with store.read() as tx:
        parts = [tx.hosts(), tx.containers(), tx.leases(), tx.events(), tx.setting("key")]
    return [part if isinstance(part, str) else list(part or []) for part in parts]


def _book_one(tx: Transaction, name: str) -> None:
    address = f"10.0.0.{len(tx.leases())}"
    port = 20000 + len(tx.containers())
    tx.put_lease(Lease("default", address, f"container/{name}"))
    tx.put_container(container(name, Port(80, port)))
    tx.append_event(event(name))


if __name__ == "__main__":
    {"fill": fill, "write_once": write_once}[sys.argv[1]](sys.argv[2])
