"""A store that is gone with its process: for tests, and for trying things out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from threading import Lock

from clocker.errors import NameTaken, StoreError
from clocker.model import Container, Deployment, Event, Host, Lease, Net
from clocker.store.conflicts import (
    conflict_among,
    container_conflict,
    host_conflict,
    lease_conflict,
)


@dataclass(slots=True)
class _State:
    """Never changed once committed: a transaction works on a copy, a reader keeps its own."""

    hosts: dict[str, Host] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    leases: dict[tuple[str, str], Lease] = field(default_factory=dict)
    networks: dict[str, Net] = field(default_factory=dict)
    applications: dict[str, Deployment] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)
    token: int = 0

    def copy(self) -> _State:
        return _State(
            dict(self.hosts),
            dict(self.containers),
            dict(self.leases),
            dict(self.networks),
            dict(self.applications),
            list(self.events),
            dict(self.settings),
            self.token,
        )


class MemoryStore:
    """See ``clocker.interfaces.Store``. Threads of one process may share it."""

    def __init__(self, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._state = _State()
        self._writers = Lock()

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        if not self._writers.acquire(timeout=self._timeout_s):
            raise StoreError(
                f"the store was locked for more than {self._timeout_s:g} s",
                where="memory:",
                remedy="try again",
            )
        try:
            state = self._state.copy()
            yield MemoryTransaction(state)
            self._state = state
        finally:
            self._writers.release()

    @contextmanager
    def read(self) -> Iterator[MemoryTransaction]:
        yield MemoryTransaction(self._state, read_only=True)

    def erase(self) -> None:
        with self._writers:
            self._state = _State()

    def close(self) -> None:
        """Nothing to let go of."""


class MemoryTransaction:
    """See ``clocker.interfaces.Transaction``."""

    def __init__(self, state: _State, *, read_only: bool = False) -> None:
        self._state = state
        self._read_only = read_only

    def hosts(self) -> Sequence[Host]:
        return sorted(self._state.hosts.values(), key=attrgetter("name"))

    def host(self, host_id: str) -> Host | None:
        return self._state.hosts.get(host_id)

    def put_host(self, host: Host) -> None:
        state = self._to_change()
        if conflict := host_conflict(self, host):
            raise conflict
        state.hosts[host.id] = host

    def delete_host(self, host_id: str) -> None:
        self._to_change().hosts.pop(host_id, None)

    def containers(self) -> Sequence[Container]:
        return sorted(self._state.containers.values(), key=attrgetter("name"))

    def container(self, name: str) -> Container | None:
        return next((c for c in self._state.containers.values() if c.name == name), None)

    def put_container(self, container: Container) -> None:
        state = self._to_change()
        if conflict := container_conflict(self, container):
            raise conflict
        state.containers[container.id] = container

    def insert_containers(self, containers: Sequence[Container]) -> None:
        state = self._to_change()
        if conflict := conflict_among(self, containers):
            raise conflict
        state.containers.update((container.id, container) for container in containers)

    def delete_container(self, container_id: str) -> None:
        self._to_change().containers.pop(container_id, None)

    def leases(self) -> Sequence[Lease]:
        return [lease for lease in self._leases() if lease.released_at is None]

    def released_leases(self) -> Sequence[Lease]:
        return [lease for lease in self._leases() if lease.released_at is not None]

    def put_lease(self, lease: Lease) -> None:
        state, key = self._to_change(), (lease.network, lease.address)
        held = state.leases.get(key)
        if held and held.released_at is None and held.owner != lease.owner:
            raise lease_conflict(lease, held.owner)
        state.leases[key] = replace(lease, released_at=None)

    def put_leases(self, leases: Sequence[Lease]) -> None:
        state = self._to_change()
        before = dict(state.leases)
        try:
            for lease in leases:
                self.put_lease(lease)
        except NameTaken:
            state.leases = before
            raise

    def release_leases(self, owner: str, at: float, *, network: str | None = None) -> None:
        leases = self._to_change().leases
        for key, lease in list(leases.items()):
            meant = lease.owner == owner and network in (None, lease.network)
            if meant and lease.released_at is None:
                leases[key] = replace(lease, released_at=at)

    def forget_leases(self, before: float) -> None:
        leases = self._to_change().leases
        for key, lease in list(leases.items()):
            if lease.released_at is not None and lease.released_at < before:
                del leases[key]

    def _leases(self) -> list[Lease]:
        return sorted(self._state.leases.values(), key=attrgetter("network", "address"))

    def networks(self) -> Sequence[Net]:
        return sorted(self._state.networks.values(), key=attrgetter("name"))

    def network(self, name: str) -> Net | None:
        return self._state.networks.get(name)

    def put_network(self, net: Net) -> None:
        self._to_change().networks[net.name] = net

    def delete_network(self, name: str) -> None:
        state = self._to_change()
        state.networks.pop(name, None)
        state.leases = {key: item for key, item in state.leases.items() if key[0] != name}

    def applications(self) -> Sequence[Deployment]:
        return sorted(self._state.applications.values(), key=attrgetter("name"))

    def application(self, name: str) -> Deployment | None:
        return self._state.applications.get(name)

    def put_application(self, deployment: Deployment) -> None:
        self._to_change().applications[deployment.name] = deployment

    def delete_application(self, name: str) -> None:
        self._to_change().applications.pop(name, None)

    def next_token(self) -> int:
        state = self._to_change()
        state.token += 1
        return state.token

    def append_event(self, event: Event) -> None:
        events = self._to_change().events
        events.append(replace(event, seq=len(events) + 1))

    def append_events(self, events: Sequence[Event]) -> None:
        for event in events:
            self.append_event(event)

    def events(self, *, after: int = 0, limit: int = 1000) -> Sequence[Event]:
        newer = self._state.events[max(after, 0) :]
        return newer[max(len(newer) - limit, 0) :]

    def setting(self, key: str) -> str | None:
        return self._state.settings.get(key)

    def set_setting(self, key: str, value: str) -> None:
        self._to_change().settings[key] = value

    def _to_change(self) -> _State:
        if self._read_only:
            raise StoreError("a read of the store cannot change it", where="memory:")
        return self._state
