"""Joins many hosts that are made side by side: all are told of each other at once, and nobody holds
a place among those that are worked on while he waits for that."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from threading import Condition, Semaphore
from typing import TypeVar

from clocker.cloud.membership import sync
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError, Interrupted
from clocker.interfaces import Parts
from clocker.model import Host

T = TypeVar("T")

# Who has waited so long is told without those that are still under way.
PATIENCE_S = 60.0


def all_together(
    parts: Parts, work: Sequence[tuple[Host, Callable[[Parts, Host, JoinTogether], T]]]
) -> tuple[list[tuple[Host, T]], list[ClockerError]]:
    """Each host's work, which may join it, side by side: what was returned where it did not fail,
    and the failures of the others."""
    done, failures = [], []
    join = JoinTogether(len(work), parts.spec.hosts.concurrency)
    with side_by_side(len(work)) as pool:
        jobs = [(host, pool.submit(join.work, parts, host, what)) for host, what in work]
        try:
            for host, job in jobs:
                try:
                    done.append((host, job.result()))
                except ClockerError as error:
                    error.where = error.where or f"host {host.name}"
                    failures.append(error)
        except KeyboardInterrupt:
            join.stop()
            raise
    if join.owes:
        sync(parts)
    return done, failures


class JoinTogether:
    """``join`` for ``parties`` hosts, of which ``most`` are worked on at once."""

    def __init__(
        self, parties: int, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._under_way = parties
        self._places = Semaphore(max(1, most))
        self._clock = clock
        self._changed = Condition()
        self._placed: set[str] = set()
        self._waiting: dict[str, Future[None]] = {}
        self._since = 0.0
        self._telling = False
        self._stopped = False
        self.owes = False
        """Whether members were told while others were under way, and not since."""

    def work(self, parts: Parts, host: Host, what: Callable[[Parts, Host, JoinTogether], T]) -> T:
        """One of the parties has a place until it joins or comes to nothing."""
        self._places.acquire()
        with self._changed:
            self._placed.add(host.id)
        try:
            if self._stopped:
                raise Interrupted("nothing more is begun")
            return what(parts, host, self)
        finally:
            self._leave(host.id)

    def stop(self) -> None:
        """Whoever has no place yet is not worked on any more."""
        self._stopped = True

    def __call__(self, parts: Parts, newcomer: Host) -> None:
        told: Future[None] = Future()
        with self._changed:
            if not self._waiting:
                self._since = self._clock()
            self._waiting[newcomer.id] = told
        self._leave(newcomer.id)
        try:
            while self._has_turn(told):
                self._tell(parts)
        finally:
            with self._changed:
                self._waiting.pop(newcomer.id, None)
        told.result()

    def _leave(self, host_id: str) -> None:
        with self._changed:
            if host_id not in self._placed:
                return
            self._placed.remove(host_id)
            self._under_way -= 1
            self._changed.notify_all()
        self._places.release()

    def _has_turn(self, told: Future[None]) -> bool:
        """Waits until this one is to tell everybody, which is True, or has been told."""
        with self._changed:
            while not told.done():
                left_s = self._since + PATIENCE_S - self._clock()
                if not self._telling and (self._under_way <= 0 or left_s <= 0):
                    self._telling = True
                    return True
                self._changed.wait(None if self._telling else left_s)
            return False

    def _tell(self, parts: Parts) -> None:
        with self._changed:
            newcomers, is_last = set(self._waiting), self._under_way <= 0
            self.owes = True
        outcome: Mapping[str, ClockerError | None] = {}
        try:
            outcome = sync(parts, newcomers, settle=is_last)
        finally:
            with self._changed:
                self._telling, self._since = False, self._clock()
                self.owes = not (is_last and outcome)
                self._settle(outcome)
                self._changed.notify_all()

    def _settle(self, outcome: Mapping[str, ClockerError | None]) -> None:
        for host_id, error in outcome.items():
            told = self._waiting.pop(host_id, None)
            if told is not None and error is not None:
                told.set_exception(error)
            elif told is not None:
                told.set_result(None)
