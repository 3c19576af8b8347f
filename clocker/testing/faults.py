"""What every fake offers to a test: a log of its calls, latency, and failures on demand."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Failure:
    error: BaseException
    after: bool


class Scripted:
    """``latency_s``: seconds per method, ``*`` for all others."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.latency_s: dict[str, float] = {}
        self._failures: defaultdict[str, deque[_Failure]] = defaultdict(deque)
        self._script_lock = Lock()

    def fail_next(
        self, method: str, error: BaseException, *, after: bool = False, times: int = 1
    ) -> None:
        """The next ``times`` calls of ``method`` raise; with ``after``, once their work is done,
        as when an answer is lost."""
        with self._script_lock:
            self._failures[method].extend([_Failure(error, after)] * times)

    def count(self, method: str) -> int:
        """How often ``method`` was called."""
        with self._script_lock:
            return sum(call.method == method for call in self.calls)

    def check(self) -> None:
        """Called before the work of every method: raises when nothing is there to do it."""

    def _begin(self, call: Call) -> _Failure | None:
        with self._script_lock:
            self.calls.append(call)
            pending = self._failures[call.method]
            failure = pending.popleft() if pending else None
        if delay := self.latency_s.get(call.method, self.latency_s.get("*", 0.0)):
            time.sleep(delay)
        return failure


def scripted(method: F) -> F:
    """Makes a method obey its object's script."""

    @wraps(method)
    def obeying(self: Scripted, *args: Any, **kwargs: Any) -> Any:
        failure = self._begin(Call(method.__name__, args, kwargs))
        self.check()
        if failure and not failure.after:
            raise failure.error
        outcome = method(self, *args, **kwargs)
        if failure:
            raise failure.error
        return outcome

    return cast(F, obeying)
