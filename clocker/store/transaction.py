"""One transaction of a database: the model's values in, rows out, and the other way round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Table
from sqlalchemy.sql import Executable

from clocker.errors import NameTaken, StoreError
from clocker.model import Container, Deployment, Event, Host, Lease, Net
from clocker.store import statements, tables
from clocker.store.codec import decode, encode, encode_containers
from clocker.store.conflicts import (
    booked_ports,
    conflict_among,
    container_conflict,
    host_conflict,
    lease_conflict,
)
from clocker.store.failures import Duplicate, translated
from clocker.store.tables import applications, containers, hosts, networks, ports, settings

T = TypeVar("T")


class SqlTransaction:
    """See ``clocker.interfaces.Transaction``. ``failure``: the first that the database had."""

    def __init__(
        self, connection: Connection, cloud: str, place: str, *, read_only: bool = False
    ) -> None:
        self.failure: StoreError | None = None
        self._connection = connection
        self._dialect = connection.dialect.name
        self._cloud = cloud
        self._place = place
        self._read_only = read_only

    def hosts(self) -> Sequence[Host]:
        return self._decoded(Host, statements.ALL_HOSTS)

    def host(self, host_id: str) -> Host | None:
        return _one(self._decoded(Host, statements.HOST, id=host_id))

    def put_host(self, host: Host) -> None:
        values = {"id": host.id, "name": host.name, "body": encode(host)}
        with self._unless_taken(lambda: host_conflict(self, host)):
            self._change(tables.upsert(self._dialect, hosts), **values)

    def delete_host(self, host_id: str) -> None:
        self._change(statements.DROP_HOST, id=host_id)

    def containers(self) -> Sequence[Container]:
        return self._decoded(Container, statements.ALL_CONTAINERS)

    def container(self, name: str) -> Container | None:
        return _one(self._decoded(Container, statements.CONTAINER, name=name))

    def put_container(self, container: Container) -> None:
        values = {"id": container.id, "name": container.name, "body": encode(container)}
        with self._unless_taken(lambda: container_conflict(self, container)):
            self._change(tables.upsert(self._dialect, containers), **values)
            self._change(statements.DROP_PORTS, id=container.id)
            self._insert_all(
                ports, [(self._cloud, *place, container.id) for place in booked_ports(container)]
            )

    def insert_containers(self, containers: Sequence[Container]) -> None:
        bodies = encode_containers(containers)
        rows = [
            (self._cloud, made.id, made.name, body)
            for made, body in zip(containers, bodies, strict=True)
        ]
        places = [
            (self._cloud, *place, made.id)
            for made in containers
            if made.ports or made.move
            for place in booked_ports(made)
        ]
        with self._unless_taken(lambda: conflict_among(self, containers)):
            self._insert_all(tables.containers, rows)
            self._insert_all(ports, places)

    def delete_container(self, container_id: str) -> None:
        self._change(statements.DROP_PORTS, id=container_id)
        self._change(statements.DROP_CONTAINER, id=container_id)

    def leases(self) -> Sequence[Lease]:
        return self._leases(statements.HELD_LEASES)

    def released_leases(self) -> Sequence[Lease]:
        return self._leases(statements.RELEASED_LEASES)

    def put_lease(self, lease: Lease) -> None:
        place = {"network": lease.network, "address": lease.address}
        hold = tables.hold_if_free(self._dialect)
        self._change(hold, owner=lease.owner, released_at=None, **place)
        owner = self._run(statements.LEASE_OWNER, **place).scalar_one()
        if owner != lease.owner:
            raise lease_conflict(lease, owner)

    def put_leases(self, leases: Sequence[Lease]) -> None:
        rows = [(self._cloud, item.network, item.address, item.owner, None) for item in leases]
        self._change_sql("SAVEPOINT put")
        held = self._run(statements.COUNT_HELD).scalar_one()
        self._run_many(tables.hold_many(self._dialect), rows)
        try:
            if self._run(statements.COUNT_HELD).scalar_one() - held < len(rows):
                for lease in leases:  # some were held already: whoever has them says so
                    self.put_lease(lease)
        except NameTaken:
            self._change_sql("ROLLBACK TO SAVEPOINT put")
            raise
        self._change_sql("RELEASE SAVEPOINT put")

    def release_leases(self, owner: str, at: float, *, network: str | None = None) -> None:
        if network is None:
            self._change(statements.RELEASE_LEASES, owner=owner, at=at)
        else:
            self._change(statements.RELEASE_LEASE, owner=owner, at=at, network=network)

    def forget_leases(self, before: float) -> None:
        self._change(statements.FORGET_LEASES, before=before)

    def networks(self) -> Sequence[Net]:
        return self._decoded(Net, statements.ALL_NETWORKS)

    def network(self, name: str) -> Net | None:
        return _one(self._decoded(Net, statements.NETWORK, name=name))

    def put_network(self, net: Net) -> None:
        values = {"name": net.name, "body": encode(net)}
        self._change(tables.upsert(self._dialect, networks), **values)

    def delete_network(self, name: str) -> None:
        self._change(statements.DROP_LEASES_OF_NETWORK, name=name)
        self._change(statements.DROP_NETWORK, name=name)

    def applications(self) -> Sequence[Deployment]:
        return self._decoded(Deployment, statements.ALL_APPLICATIONS)

    def application(self, name: str) -> Deployment | None:
        return _one(self._decoded(Deployment, statements.APPLICATION, name=name))

    def put_application(self, deployment: Deployment) -> None:
        values = {"name": deployment.name, "body": encode(deployment)}
        self._change(tables.upsert(self._dialect, applications), **values)

    def delete_application(self, name: str) -> None:
        self._change(statements.DROP_APPLICATION, name=name)

    def next_token(self) -> int:
        self._change(tables.next_number(self._dialect), last=1)
        token: int = self._run(statements.TOKEN).scalar_one()
        return token

    def append_event(self, event: Event) -> None:
        self._change(statements.APPEND_EVENT, body=encode(event))

    def append_events(self, events: Sequence[Event]) -> None:
        last: int = self._run(statements.LAST_EVENT).scalar_one()
        rows = [(self._cloud, seq, encode(event)) for seq, event in enumerate(events, last + 1)]
        self._insert_all(tables.events, rows)

    def events(self, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        rows = self._run(statements.NEWEST_EVENTS, after=after, limit=limit).all()
        return [replace(decode(Event, body), seq=seq) for seq, body in reversed(rows)]

    def setting(self, key: str) -> str | None:
        value: str | None = self._run(statements.SETTING, name=key).scalar_one_or_none()
        return value

    def set_setting(self, key: str, value: str) -> None:
        self._change(tables.upsert(self._dialect, settings), name=key, value=value)

    def _leases(self, statement: Executable) -> list[Lease]:
        found = self._run(statement)
        rows = [Lease(row.network, row.address, row.owner, row.released_at) for row in found]
        return sorted(rows, key=attrgetter("network", "address"))

    def _decoded(self, kind: type[T], statement: Executable, **values: Any) -> list[T]:
        """By name: in Python, because databases sort text each in its own way."""
        found = [decode(kind, body) for body in self._run(statement, **values).scalars()]
        return sorted(found, key=attrgetter("name"))

    @contextmanager
    def _unless_taken(self, explain: Callable[[], NameTaken | None]) -> Iterator[None]:
        """A refused put leaves nothing of itself, and the transaction usable."""
        self._change_sql("SAVEPOINT put")
        try:
            yield
        except Duplicate as duplicate:
            self._change_sql("ROLLBACK TO SAVEPOINT put")
            if self.failure is duplicate:
                self.failure = None
            raise explain() or duplicate from None
        self._change_sql("RELEASE SAVEPOINT put")

    def _change(self, statement: Executable, **values: Any) -> None:
        self._refuse_if_read_only()
        self._run(statement, **values)

    def _insert_all(self, table: Table, rows: list[tuple[Any, ...]]) -> None:
        self._run_many(tables.insert_many(self._dialect, table), rows)

    def _run_many(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        self._refuse_if_read_only()
        if rows:
            with self._noted():
                self._connection.exec_driver_sql(statement, rows)

    def _change_sql(self, statement: str) -> None:
        self._refuse_if_read_only()
        with self._noted():
            self._connection.exec_driver_sql(statement)

    def _refuse_if_read_only(self) -> None:
        if self._read_only:
            raise StoreError("a read of the store cannot change it", where=self._place)

    def _run(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        with self._noted():
            return self._connection.execute(statement, {"cloud": self._cloud, **values})

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            with translated(self._place):
                yield
        except StoreError as error:
            self.failure = self.failure or error
            raise


def _one(found: Sequence[T]) -> T | None:
    return found[0] if found else None
