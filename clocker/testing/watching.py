"""A progress that remembers, and a clock that a test turns."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock


@dataclass(frozen=True, slots=True)
class Told:
    """``kind``: step, done or failed."""

    kind: str
    subject: str
    text: str


class RecordingProgress:
    """See ``clocker.interfaces.Progress``."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def step(self, subject: str, text: str) -> None:
        self.told.append(Told("step", subject, text))

    def done(self, subject: str, text: str) -> None:
        self.told.append(Told("done", subject, text))

    def failed(self, subject: str, text: str) -> None:
        self.told.append(Told("failed", subject, text))

    def texts(self, kind: str) -> tuple[str, ...]:
        return tuple(f"{told.subject}: {told.text}" for told in self.told if told.kind == kind)


class FakeClock:
    """Epoch seconds that pass only when told to."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._lock = Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds
