"""Listens to the engines of all ready hosts, and rings when something has happened to a container
of the cloud, or an engine cannot be heard any more. What it was, a look at the cloud finds out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore, Thread
from threading import Event as Flag
from typing import TypeAlias

from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.errors import ClockerError
from clocker.interfaces import Parts
from clocker.model import EngineEvent, Host, HostState


@dataclass(frozen=True, slots=True)
class Alarm:
    """``host``: the name of the one where something is to be looked for."""

    host: str
    why: str


Ring: TypeAlias = Callable[[Alarm], None]
"""Thread-safe."""

_WAIT_S = 1.0
_PARTING_S = 15.0
_FIRST_RETRY_S, _LAST_RETRY_S = 0.5, 30.0


@contextmanager
def listening(parts: Parts, ring: Ring) -> Iterator[Listeners]:
    """Nobody listens any more once the block is left."""
    listeners = Listeners(parts, ring)
    try:
        yield listeners
    finally:
        listeners.stop()


class Listeners:
    """One per ready host, each in a thread of its own."""

    def __init__(self, parts: Parts, ring: Ring) -> None:
        self._parts, self._ring = parts, ring
        self._of: dict[str, Listener] = {}
        self._connecting = BoundedSemaphore(max(1, parts.spec.hosts.concurrency))

    def follow_hosts(self) -> None:
        """Listen to hosts that have come or are reached otherwise now, and not to those that have
        gone."""
        with self._parts.store.read() as tx:
            ready = {host.id: host for host in tx.hosts() if host.state is HostState.READY}
        for host_id, listener in list(self._of.items()):
            listener.check()
            if host_id not in ready or not listener.hears(ready[host_id]):
                self._of.pop(host_id).stopped.set()
        for host_id in ready.keys() - self._of.keys():
            listener = Listener(self._parts, ready[host_id], self._ring, self._connecting)
            self._of[host_id] = listener
            listener.start()

    def stop(self) -> None:
        for listener in self._of.values():
            listener.stopped.set()
        until = time.monotonic() + _PARTING_S
        for listener in self._of.values():
            listener.join(max(0.0, until - time.monotonic()))
        self._of.clear()


class Listener(Thread):
    def __init__(self, parts: Parts, host: Host, ring: Ring, connecting: BoundedSemaphore) -> None:
        super().__init__(name=f"events of {host.name}", daemon=True)
        self.stopped = Flag()
        self._parts, self._host, self._ring, self._connecting = parts, host, ring, connecting
        self._bug: BaseException | None = None

    def hears(self, host: Host) -> bool:
        """Whether it listens where this host is reached."""
        mine = self._host
        return (mine.access, mine.engine_port) == (host.access, host.engine_port)

    def check(self) -> None:
        """Raises what only a mistake in this program raises."""
        if self._bug:
            raise self._bug

    def run(self) -> None:
        try:
            self._listen()
            self._let_go()
        except BaseException as bug:  # noqa: BLE001 - raised again by check
            self._bug = bug
            self._alarm("nobody listens")

    def _listen(self) -> None:
        retry_s = 0.0
        while not self.stopped.wait(retry_s):
            try:
                for event in self._events():
                    if retry_s:
                        self._parts.progress.done(self._host.name, "its engine is heard again")
                        retry_s = 0.0
                    if event and _matters(event):
                        self._alarm(f"{event.action} of {event.name}")
                    if self.stopped.is_set():
                        return
            except ClockerError as error:
                if not retry_s:
                    self._parts.progress.failed(self._host.name, f"not heard: {error.what}")
                    self._alarm("not heard")
                retry_s = min(max(2 * retry_s, _FIRST_RETRY_S), _LAST_RETRY_S)

    def _events(self) -> Iterator[EngineEvent | None]:
        """What has happened before is to be looked for: the first of them says that it may be."""
        with self._connecting:
            engine = self._parts.connections.engine(self._host)
            events = engine.events({CLOUD_LABEL: self._parts.spec.name}, wait_s=_WAIT_S)
        with closing(events):
            self._alarm("heard")
            yield None
            yield from events

    def _let_go(self) -> None:
        """Once a host is on no record any more, nobody else looks after what leads to it."""
        try:
            with self._parts.store.read() as tx:
                host = tx.host(self._host.id)
            if host is None or host.access is None:
                self._parts.connections.forget(self._host)
        except ClockerError as error:
            self._parts.progress.failed(self._host.name, f"not forgotten: {error.what}")

    def _alarm(self, why: str) -> None:
        self._ring(Alarm(self._host.name, why))


def _matters(event: EngineEvent) -> bool:
    """Starts and recoveries ask for nothing; what was done on purpose ends in die, too."""
    return event.action in ("die", "oom", "destroy") or event.health == "unhealthy"
