"""Where the time of one request goes: the steps of ``Cloud.obtain``, timed at its seams."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from clocker import Cloud, ContainerRequest
from obtaining.two_hosts import IMAGE, TwoHosts

Span = tuple[float, float]


@dataclass
class Stopwatch:
    spans: dict[str, list[Span]] = field(default_factory=dict)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spans.setdefault(step, []).append((begun, time.perf_counter()))


def breakdown(there: TwoHosts, rounds: int) -> None:
    """Print the median of each step. Steps that overlap are said to."""
    watch = Stopwatch()
    parts = there.cloud._parts
    timed = Cloud(
        replace(
            parts,
            store=_Store(parts.store, watch),
            names=_Timed(parts.names, watch, {"publish": "publish its name"}),
            connections=_Connections(parts.connections, watch),
        )
    )
    seen: dict[str, list[float]] = {}
    for _ in range(rounds):
        watch.spans.clear()
        with watch.timing("all"):
            made = timed.obtain(ContainerRequest(IMAGE))
        for step, seconds in _steps(dict(watch.spans)).items():
            seen.setdefault(step, []).append(seconds)
        timed.release(made.name)
    print("\nWhere the time of one container goes (medians):")
    for step, each in seen.items():
        print(f"  {step:<48} {statistics.median(each) * 1000:7.1f} ms")


def process_breakdown(there: TwoHosts, rounds: int) -> None:
    """Print what each part adds to ``clocker run``: commands that do more and more of it."""
    commands = {
        "python and the command line": ("--help",),
        "reading the document, opening the store": ("ps",),
        "the Docker SDK, the host's socket, the request": ("run", IMAGE),
    }
    seen: dict[str, list[float]] = {part: [] for part in commands}
    for _ in range(rounds):
        for part, args in commands.items():
            begun = time.perf_counter()
            there.clocker(*args)
            seen[part].append(time.perf_counter() - begun)
    for found in there.cloud.list():
        there.cloud.release(found.name)
    before = 0.0
    print("\nWhere the time of `clocker run` goes (differences of medians):")
    for part, each in seen.items():
        print(f"  {part:<48} {(statistics.median(each) - before) * 1000:7.1f} ms")
        before = statistics.median(each)
    print(f"  {'all':<48} {before * 1000:7.1f} ms\n")


def _steps(spans: dict[str, list[Span]]) -> dict[str, float]:
    def lasted(step: str) -> float:
        return sum(end - begun for begun, end in spans.get(step, ()))

    begun, end = spans["all"][0]
    transactions, publishing = spans["transaction"], spans["publish its name"]
    image, create, start = (spans[step][0] for step in ("image", "create", "start"))
    named = max(end for _, end in publishing)
    steps = {
        "reserve: transaction": transactions[0][1] - transactions[0][0],
        "image check": lasted("image"),
        "create": lasted("create"),
        "publish its name (beside image and create)": named - min(at for at, _ in publishing),
        "  of this, start had to wait for": max(0.0, named - create[1]),
        "start": lasted("start"),
        "inspect: does it run": lasted("inspect"),
        "final transaction": transactions[-1][1] - transactions[-1][0],
    }
    line = transactions[0], image, create, start, *spans["inspect"], transactions[-1]
    between = end - begun - sum(until - since for since, until in line)
    steps["between the steps"] = between - steps["  of this, start had to wait for"]
    return {**steps, "all": end - begun}


class _Timed:
    """``part``, with the calls of ``steps`` timed under those names."""

    def __init__(self, part: Any, watch: Stopwatch, steps: dict[str, str]) -> None:
        self._part, self._watch, self._steps = part, watch, steps

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        return self._timed(found, self._steps[name]) if name in self._steps else found

    def _timed(self, call: Callable[..., Any], step: str) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            with self._watch.timing(step):
                return call(*args, **options)

        return timed


class _Connections(_Timed):
    def __init__(self, part: Any, watch: Stopwatch) -> None:
        super().__init__(part, watch, {})

    def engine(self, host: Any) -> Any:
        calls = ("image", "create", "start", "inspect")
        return _Timed(self._part.engine(host), self._watch, dict(zip(calls, calls, strict=True)))


class _Store(_Timed):
    def __init__(self, part: Any, watch: Stopwatch) -> None:
        super().__init__(part, watch, {})

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._watch.timing("transaction"), self._part.transaction() as tx:
            yield tx
