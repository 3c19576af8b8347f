"""Steps of a longer work: side by side, with their names in errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from clocker.errors import ClockerError
from clocker.model import Host

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def side_by_side(most: int) -> Iterator[ThreadPoolExecutor]:
    """A pool whose jobs have all ended when the block is left. An interrupt does not wait for
    them: what they have begun is on record, and the next command goes on from there."""
    pool = ThreadPoolExecutor(max(1, most))
    waiting = True
    try:
        yield pool
        pool.shutdown()
    except KeyboardInterrupt:
        waiting = False
        raise
    finally:
        pool.shutdown(wait=waiting, cancel_futures=not waiting)


def each_host(
    hosts: Sequence[Host], action: Callable[[Host], T], most: int
) -> tuple[list[T], list[ClockerError]]:
    """What ``action`` returned for the hosts where it did not fail, and the failures of the
    others; ``most`` at once."""
    results, failures = [], []
    with side_by_side(min(most, len(hosts))) as pool:
        for host, job in [(host, pool.submit(action, host)) for host in hosts]:
            try:
                results.append(job.result())
            except ClockerError as error:
                error.where = error.where or f"host {host.name}"
                failures.append(error)
    return results, failures


@contextmanager
def step_named(subject: str, step: str) -> Iterator[None]:
    """An error from within says at which step of which thing it came."""
    try:
        yield
    except ClockerError as error:
        error.where = error.where or f"{subject}, step {step}"
        raise


def immediate(action: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """The outcome of ``action``, carried out now, as a future."""
    future: Future[T] = Future()
    try:
        future.set_result(action(*args, **kwargs))
    except ClockerError as error:
        future.set_exception(error)
    return future
