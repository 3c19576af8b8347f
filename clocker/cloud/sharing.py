"""Pushes what was made of images to where such are shared, beside all else: nobody who asks for a
container waits for it. What is interrupted is on record, and the next command goes on with it."""

from __future__ import annotations

from enum import Enum, auto
from threading import Lock, Thread, current_thread

from clocker.cloud import ledger, unshared
from clocker.cloud.heartbeat import holding_setting
from clocker.cloud.shared_registry import shared_registry
from clocker.cloud.unshared import Unshared
from clocker.errors import ClockerError
from clocker.images import Images
from clocker.interfaces import Engine, Parts
from clocker.model import Host, HostState, Registry, Work


class _Outcome(Enum):
    """``NEEDLESS``: there is no such image any more, or nowhere to push it to."""

    SHARED = auto()
    FAILED = auto()
    NEEDLESS = auto()


class Sharing:
    """Of one Cloud. Thread-safe."""

    def __init__(self, parts: Parts, images: Images) -> None:
        self._parts, self._shared = parts, images.shared
        self._lock = Lock()
        self._thread: Thread | None = None
        self._given_up = False

    def begin(self) -> None:
        """With all that is due; returns at once."""
        with self._lock:
            if self._thread is None and unshared.due(self._parts):
                self._thread = Thread(target=self._run, name="sharing", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """Returns once what has begun is done, or given up."""
        if (thread := self._thread) and not self._given_up:
            thread.join()

    def give_up(self) -> None:
        """What has begun is left to the next command."""
        self._given_up = True
        if self._thread:
            text = "not shared yet: the next command goes on with it"
            self._parts.progress.failed(self._parts.spec.name, text)

    def _run(self) -> None:
        try:
            while item := self._next():
                self._share(item)
        except ClockerError as error:
            self._tell(f"not shared: {error.what}")
        except Exception:
            if not self._given_up:  # else its connections were closed under it
                raise
        finally:
            with self._lock:
                if self._thread is current_thread():
                    self._thread = None

    def _next(self) -> Unshared | None:
        """With the lock: who begins something either sees this run, or begins another."""
        with self._lock:
            due = [] if self._given_up else unshared.due(self._parts)
            if not due:
                self._thread = None
            return due[0] if due else None

    def _share(self, item: Unshared) -> None:
        if work := unshared.claim(self._parts, item):
            outcome = _Outcome.FAILED
            try:
                with holding_setting(self._parts, unshared.lease_of(item.tag), work):
                    outcome = self._pushed(item)
            finally:
                self._end(item, work, outcome)

    def _end(self, item: Unshared, work: Work, outcome: _Outcome) -> None:
        if not self._given_up:  # else the lease ends with this process
            unshared.end(self._parts, item, work, done=outcome is not _Outcome.FAILED)

    def _pushed(self, item: Unshared) -> _Outcome:
        registry = shared_registry(self._parts)
        if registry is None:
            return _Outcome.NEEDLESS
        engine, is_certain = self._holder(item)
        if engine is None:
            return _Outcome.NEEDLESS if is_certain else _Outcome.FAILED
        self._parts.progress.step(item.tag, f"pushing to {registry.name}")
        done = self._shared.push(engine, registry, item.tag, self._tell)
        self._note(item, registry, done=done)
        return _Outcome.SHARED if done else _Outcome.FAILED

    def _note(self, item: Unshared, registry: Registry, *, done: bool) -> None:
        if not self._given_up:
            outcome = "shared" if done else "not shared"
            ledger.log_now(self._parts, "share", item.tag, outcome, registry.name)
        if done:
            self._parts.progress.done(item.tag, f"shared by {registry.name}")

    def _holder(self, item: Unshared) -> tuple[Engine | None, bool]:
        """A host's engine that has the very image, where it was made if possible; whether all could
        be asked."""
        is_certain = True
        for host in self._hosts(item):
            try:
                engine = self._parts.connections.engine(host)
                found = engine.image(item.tag)
            except ClockerError as error:
                self._tell(f"{host.name} cannot say whether it has {item.tag}: {error.what}")
                is_certain = False
                continue
            if found is not None and found.id == item.image_id:
                return engine, True
        return None, is_certain

    def _hosts(self, item: Unshared) -> list[Host]:
        with self._parts.store.read() as tx:
            ready = [host for host in tx.hosts() if host.state is HostState.READY]
        return sorted(ready, key=lambda host: (host.id != item.host_id, host.name))

    def _tell(self, what: str) -> None:
        if not self._given_up:
            self._parts.progress.failed(self._parts.spec.name, what)
