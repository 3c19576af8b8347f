"""Looks after the cloud until it is told to stop: at once when an engine tells of something or is
not heard any more, when the last look said that another is due, and regularly."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from clocker.cloud.listen import Alarm, Listeners, listening
from clocker.errors import ClockerError, NotFound
from clocker.interfaces import Parts

QUIET_S = 0.3
SOONEST_S = 1.0
_LONGEST_QUIET_S = 5.0
_RETRY_S = 10.0


class Outcome(Protocol):
    @property
    def wake_at(self) -> float | None:
        """When to look again at the latest, in the time of the cloud's clock."""
        ...


T = TypeVar("T", bound=Outcome)

LookAt = Callable[[Collection[str] | None], T]
"""Told the names of the hosts where something has happened; None: all are to be looked at."""


@dataclass(frozen=True, slots=True)
class Look(Generic[T]):
    """``alarms``: what rang for it; none for a regular one. ``is_full``: all hosts were looked at.
    Either ``outcome`` or ``error``."""

    alarms: tuple[Alarm, ...]
    is_full: bool
    outcome: T | None = None
    error: ClockerError | None = None


class Watch(Generic[T]):
    """Every round of the iteration is a look. One that fails is told, and tried again. Any number
    of them may go on at once, in as many processes, if ``look`` bears it. NotFound once the cloud
    has been taken down."""

    def __init__(
        self, parts: Parts, look: LookAt[T], *, interval_s: float, quiet_s: float = QUIET_S
    ) -> None:
        self._parts, self._look = parts, look
        self._interval_s, self._quiet_s = interval_s, quiet_s
        self._bell: SimpleQueue[Alarm | None] = SimpleQueue()
        self._stopped = False

    def stop(self) -> None:
        """Once a look that is under way is done. May be called by a signal's handler."""
        self._stopped = True
        self._bell.put(None)

    def __iter__(self) -> Iterator[Look[T]]:
        alarms: tuple[Alarm, ...] = ()
        full_at = wake_at = 0.0  # by the monotonic clock, as all here
        with (
            _held(self._parts.folder) as folder,
            listening(self._parts, self._bell.put) as listeners,
        ):
            while not self._stopped:
                self._check_same(folder)
                begun = time.monotonic()
                is_full = not alarms or begun >= min(full_at, wake_at)
                look = self._looked(listeners, alarms, is_full=is_full)
                ended = time.monotonic()
                if is_full:
                    full_at, wake_at = begun + self._interval_s, float("inf")
                wake_at = min(wake_at, ended + self._due_s(look))
                yield look
                quiet_s = max(self._quiet_s, min(ended - begun, _LONGEST_QUIET_S))
                alarms = self._rung(min(full_at, wake_at), quiet_s)

    def _check_same(self, folder: int) -> None:
        """A store may be kept open although it was removed, and another one is at its place."""
        try:
            is_same = os.path.samestat(os.fstat(folder), self._parts.folder.stat())
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise NotFound(
                "the cloud was taken down",
                where=f"cloud {self._parts.spec.name}",
                remedy="watch it again once it is up",
            )

    def _looked(self, listeners: Listeners, alarms: tuple[Alarm, ...], *, is_full: bool) -> Look[T]:
        try:
            listeners.follow_hosts()
            hosts = None if is_full else {alarm.host for alarm in alarms}
            return Look(alarms, is_full, outcome=self._look(hosts))
        except ClockerError as error:
            return Look(alarms, is_full, error=error)

    def _due_s(self, look: Look[T]) -> float:
        """In how many seconds what it left open is due: never at once, so that looks that bring
        nothing do not follow each other."""
        if look.outcome is None:
            return _RETRY_S
        if look.outcome.wake_at is None:
            return float("inf")
        return max(SOONEST_S, look.outcome.wake_at - self._parts.clock())

    def _rung(self, until: float, quiet_s: float) -> tuple[Alarm, ...]:
        """What rings until then. What happens together is seen by one look, and where a look takes
        long, it is not done over and over."""
        alarms: list[Alarm] = []
        while not self._stopped:
            try:
                alarm = self._bell.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                break
            if alarm is not None and not alarms:
                until = min(until, time.monotonic() + quiet_s)
            alarms += [alarm] if alarm else []
        return tuple(dict.fromkeys(alarms))


@contextmanager
def _held(folder: Path) -> Iterator[int]:
    """A descriptor of it: while there is one, no other folder is taken for it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
