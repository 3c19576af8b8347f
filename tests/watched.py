"""What the processes of this machine say in their command lines while something is done."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """All that are seen until the block is left, as `ps` run again and again would see them."""
    seen: set[bytes] = set()
    end = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, end))
    watcher.start()
    try:
        yield seen
    finally:
        end.set()
        watcher.join()


def _watch(seen: set[bytes], end: threading.Event) -> None:
    while not end.wait(0.01):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.add(path.read_bytes())
            except OSError:
                continue  # it has ended meanwhile
