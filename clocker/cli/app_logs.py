"""What several containers print, line by line, each with its container's name."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clocker.cloud import Cloud


def show(cloud: Cloud, names: Sequence[str], *, follow: bool, tail: int | None) -> None:
    """One after the other; side by side when they are followed, until the last has ended."""
    width, lock = max(map(len, names), default=0), Lock()

    def one(name: str) -> None:
        for line in lines(cloud.logs(name, follow=follow, tail=tail)):
            with lock:
                sys.stdout.write(f"{name:<{width}} | {line}\n")
                sys.stdout.flush()

    if not follow:
        for name in names:
            one(name)
        return
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        for job in [pool.submit(one, name) for name in names]:
            job.result()


def lines(chunks: Iterable[bytes]) -> Iterable[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")
