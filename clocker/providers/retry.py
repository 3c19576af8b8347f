"""Asking again where a provider was asked too often, and errors of Clocker's for all the others."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from clocker.errors import Throttled
from clocker.interfaces import Clock
from clocker.providers.translation import translated

T = TypeVar("T")

FIRST_S, LONGEST_S = 1.0, 30.0


@dataclass(frozen=True)
class Patience:
    """Exponential backoff with full jitter: many that were refused at once do not come back at
    once. ``random`` is in [0, 1)."""

    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random

    def __call__(self, call: Callable[[], T], until: float) -> T:
        """The call's outcome; Throttled when it still is when ``until`` (of ``clock``) comes."""
        for longest_s in _waits():
            try:
                return call()
            except Throttled:
                wait_s = longest_s * self.random()
                if self.clock() + wait_s >= until:
                    raise
            self.sleep(wait_s)
        raise AssertionError("the waits have no end")


def _waits() -> Iterator[float]:
    longest_s = FIRST_S
    while True:
        yield longest_s
        longest_s = min(2 * longest_s, LONGEST_S)


class PatientDriver:
    """A libcloud driver whose methods raise Clocker's errors alone, and are called again, up to
    ``until``, where the provider says that it was asked too often."""

    def __init__(self, driver: Any, where: str, patience: Patience, until: float) -> None:
        self.raw = driver
        self._where = where
        self._patience = patience
        self._until = until

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.raw, name)
        if not callable(found):
            return found

        @functools.wraps(found)
        def method(*args: Any, **kwargs: Any) -> Any:
            def call() -> Any:
                with translated(self._where):
                    return found(*args, **kwargs)

            return self._patience(call, self._until)

        return method
