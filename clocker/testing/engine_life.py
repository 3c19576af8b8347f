"""The lives of a fake engine's containers, and what it tells of them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from threading import Condition

from clocker.errors import Unreachable
from clocker.model import EngineEvent
from clocker.testing.container import FakeContainer
from clocker.testing.engine_files import EngineFiles
from clocker.testing.faults import scripted

_pids = itertools.count(1000)


class EngineLife(EngineFiles):
    """A part of ``FakeEngine``."""

    def __init__(self) -> None:
        super().__init__()
        self.powered = True
        self._changed = Condition(self._lock)
        self._told: list[tuple[Mapping[str, str], EngineEvent]] = []
        self._outages = 0

    def end(self, container: str, exit_code: int = 137) -> None:
        """The container's program ends by itself; its restart policy is obeyed."""
        with self._changed:
            found = self._need(container)
            self._end(found, exit_code)
            if self.powered and found.restarts_after(exit_code):
                self._run(found)

    def power_off(self) -> None:
        """The host dies, and with it what runs, and those who listen."""
        with self._changed:
            self.powered = False
            self._outages += 1
            for container in self._containers.values():
                if container.running:
                    container.end(137)
            self._changed.notify_all()

    def power_on(self) -> None:
        with self._changed:
            self.powered = True
            for container in self._containers.values():
                if container.state == "exited" and container.restarts_with_engine:
                    self._run(container)

    @scripted
    def events(
        self, labels: Mapping[str, str], *, wait_s: float = 1.0
    ) -> Generator[EngineEvent | None, None, None]:
        with self._lock:
            return self._following(dict(labels), wait_s, len(self._told), self._outages)

    def _following(
        self, labels: Mapping[str, str], wait_s: float, seen: int, outages: int
    ) -> Generator[EngineEvent | None, None, None]:
        while True:
            new = self._news(seen, outages, wait_s)
            self.check()
            yield from (event for own, event in new if labels.items() <= own.items())
            if not new:
                yield None
            seen += len(new)

    def _news(
        self, seen: int, outages: int, wait_s: float
    ) -> list[tuple[Mapping[str, str], EngineEvent]]:
        with self._changed:
            self._changed.wait_for(
                lambda: len(self._told) > seen or self._outages > outages, wait_s
            )
            if self._outages > outages:
                raise Unreachable("the engine closed the connection", where=self.name)
            return self._told[seen:]

    def _run(self, container: FakeContainer) -> None:
        container.start(next(_pids), datetime.now(UTC).isoformat())
        self._tell(container, "start")
        status = container.status()
        if not container.running:
            self._tell(container, "die", exit_code=container.exit_code)
        elif status.health:
            self._tell(container, "health_status", health=status.health)

    def _end(self, container: FakeContainer, exit_code: int) -> None:
        if container.running:
            container.end(exit_code)
            self._tell(container, "die", exit_code=exit_code)

    def _tell(
        self,
        container: FakeContainer,
        action: str,
        *,
        exit_code: int | None = None,
        health: str | None = None,
    ) -> None:
        event = EngineEvent(
            time.time(), action, container.id, container.spec.name, exit_code, health
        )
        self._told.append((dict(container.spec.labels), event))
        self._changed.notify_all()
