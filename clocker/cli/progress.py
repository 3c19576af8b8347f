"""What a person who waits sees: a live table, plain lines, or nothing."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from clocker.interfaces import Progress

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


@contextmanager
def progress_for(*, silent: bool, plain: bool, verbose: bool = False) -> Iterator[Progress]:
    """``plain``: lines, for logs and pipes; else a table that is redrawn."""
    if silent:
        yield SilentProgress()
    elif plain:
        yield LineProgress(sys.stderr, time.monotonic, verbose=verbose)
    else:
        live = LiveProgress(time.monotonic)
        try:
            yield live
        finally:
            live.close()


class SilentProgress:
    def step(self, subject: str, text: str) -> None: ...

    def done(self, subject: str, text: str) -> None: ...

    def failed(self, subject: str, text: str) -> None: ...


class LineProgress:
    """``demo-1  engine``; with ``verbose`` the seconds since the beginning come first."""

    def __init__(self, stream: TextIO, clock: Callable[[], float], *, verbose: bool) -> None:
        self._stream = stream
        self._clock = clock
        self._verbose = verbose
        self._begun = clock()
        self._lock = threading.Lock()

    def step(self, subject: str, text: str) -> None:
        self._write(subject, text)

    def done(self, subject: str, text: str) -> None:
        self._write(subject, text)

    def failed(self, subject: str, text: str) -> None:
        self._write(subject, f"failed: {text}")

    def _write(self, subject: str, text: str) -> None:
        since = f"{self._clock() - self._begun:7.1f} s  " if self._verbose else ""
        try:
            with self._lock:
                print(f"{since}{subject}  {text}", file=self._stream, flush=True)
        except (OSError, ValueError):
            pass  # whoever read it is gone; the work goes on


class LiveProgress:
    """A table of subject, step and elapsed time on stderr. Nothing is drawn before the first
    step, so that a question can be asked before it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._rows: dict[str, tuple[str, str, float, float | None]] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def step(self, subject: str, text: str) -> None:
        self._set(subject, "", text, ended=False)

    def done(self, subject: str, text: str) -> None:
        self._set(subject, "green", text, ended=True)

    def failed(self, subject: str, text: str) -> None:
        self._set(subject, "red", text, ended=True)

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()

    def _set(self, subject: str, style: str, text: str, *, ended: bool) -> None:
        now = self._clock()
        with self._lock:
            row = self._rows.get(subject)
            # A subject that begins again after its end is timed anew.
            begun = row[2] if row is not None and row[3] is None else now
            self._rows[subject] = (style, text, begun, now if ended else None)
            if self._live is None:
                self._live = self._begin()

    def _begin(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        live = Live(
            console=Console(stderr=True),
            get_renderable=self.table,
            refresh_per_second=4,
            # Lines for a terminal go above the table; a pipe must get them untouched.
            redirect_stdout=sys.stdout.isatty(),
        )
        live.start()
        return live

    def table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        now = self._clock()
        for subject, (style, text, begun, ended) in list(self._rows.items()):
            seconds = (now if ended is None else ended) - begun
            table.add_row(Text(subject), Text(text, style), Text(f"{seconds:.0f} s", "dim"))
        return table
