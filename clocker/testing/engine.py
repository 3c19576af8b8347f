"""A Docker Engine in memory."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from clocker.errors import EngineError, ImageNotFound, NotFound
from clocker.model import (
    Attachment,
    ContainerSpec,
    ContainerStatus,
    EngineInfo,
    Resources,
    Restart,
    Result,
)
from clocker.testing.commands import Endless, Execution, run
from clocker.testing.container import FakeContainer, conflict, following, outlast, tell, with_ports
from clocker.testing.engine_images import EngineImages
from clocker.testing.faults import scripted
from clocker.testing.registry import FakeRegistry

Handler = Callable[[Execution], Result | None]

_ports = itertools.count(49152)
_ids = itertools.count(1)


class FakeEngine(EngineImages):
    """See ``clocker.interfaces.Engine``. Thread-safe. ``handler`` answers an exec, or leaves it
    (None) to the few commands that every fake container knows; ``gate`` raises when the engine
    cannot be reached; ``registry``: one that other engines reach as well."""

    def __init__(
        self,
        name: str = "engine",
        *,
        resources: Resources = Resources(4.0, 8192, 100_000),
        handler: Handler | None = None,
        gate: Callable[[], None] = lambda: None,
        registry: FakeRegistry | None = None,
    ) -> None:
        super().__init__()
        self._gate = gate
        self.name = name
        self.handler = handler
        if registry is not None:
            self.registry = registry
        self._resources = resources

    def check(self) -> None:
        self._gate()

    def container(self, name: str) -> FakeContainer:
        """The container as it is inside, by name or id."""
        with self._lock:
            return self._need(name)

    def containers(self) -> tuple[FakeContainer, ...]:
        with self._lock:
            return tuple(self._containers.values())

    @scripted
    def info(self) -> EngineInfo:
        return EngineInfo("20.10.24", "1.41", "amd64", self._resources)

    @scripted
    def create(self, spec: ContainerSpec) -> str:
        with self._lock:
            image = self._images.find(spec.image)
            if image is None:
                raise ImageNotFound(f"no such image: {spec.image}", where=self.name)
            self._check_free(spec, holders=lambda other: other.holds)
            if any(other.spec.name == spec.name for other in self._containers.values()):
                raise EngineError(f"the container name {spec.name!r} is taken", where=self.name)
            files = self._images.tree(image)
            container = FakeContainer(f"{next(_ids):064x}", with_ports(spec, _ports), image, files)
            container.files.mount(self._volumes.mounts(spec))
            self._containers[container.id] = container
            return container.id

    @scripted
    def start(self, container: str) -> None:
        with self._changed:
            found = self._need(container)
            if not found.running:
                self._check_free(found.spec, holders=lambda o: o.running and o is not found)
                self._run(found)

    @scripted
    def stop(self, container: str, *, grace_s: float = 10.0) -> None:
        with self._changed:
            found = self._need(container)
            found.stopped = True
            if found.running:
                self._end(found, found.told_to_end)
                self._tell(found, "stop")

    @scripted
    def restart(self, container: str, *, grace_s: float = 10.0) -> None:
        with self._changed:
            found = self._need(container)
            self._end(found, found.told_to_end)
            self._run(found)

    @scripted
    def set_restart(self, container: str, restart: Restart) -> None:
        with self._lock:
            found = self._need(container)
            found.spec = replace(found.spec, restart=restart)

    @scripted
    def remove(self, container: str) -> None:
        with self._changed:
            try:
                found = self._need(container)
            except NotFound:
                return
            self._end(found, 137)
            del self._containers[found.id]
            self._tell(found, "destroy")

    @scripted
    def connect(self, container: str, attachment: Attachment) -> None:
        with self._lock:
            found = self._need(container)
            for other in self._containers.values():
                held = other.networks.get(attachment.network) if other.holds else None
                if other is not found and held == attachment.address:
                    raise EngineError(f"the address is taken: {held}", where=self.name)
            found.attached[attachment.network] = attachment

    @scripted
    def disconnect(self, container: str, network: str) -> None:
        with self._lock, suppress(NotFound):
            self._need(container).attached.pop(network, None)

    @scripted
    def inspect(self, container: str) -> ContainerStatus:
        with self._lock:
            return self._need(container).status()

    @scripted
    def list(self, labels: Mapping[str, str]) -> Sequence[ContainerStatus]:
        with self._lock:
            return [
                found.status()
                for found in self._containers.values()
                if labels.items() <= dict(found.spec.labels).items()
            ]

    @scripted
    def environment(self, container: str) -> Mapping[str, str]:
        with self._lock:
            return dict(self._need(container).spec.env)

    @scripted
    def exec(
        self,
        container: str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        with self._lock:
            found = self._need(container)
            if not found.running:
                raise EngineError(f"container {container} is not running", where=self.name)
            execution = found.execution(
                tuple(command), stdin=stdin, env=dict(env or {}), user=user, workdir=workdir
            )
        answer = self.handler(execution) if self.handler else None  # which may take its time
        with self._changed:
            try:
                answer = answer or run(execution)
            except Endless as endless:
                tell(on_line, endless.said)
                return outlast(found, endless.seconds, timeout_s, self._changed)
        tell(on_line, answer.stdout, answer.stderr)
        return answer

    @scripted
    def logs(
        self, container: str, *, follow: bool = False, tail: int | None = None
    ) -> Iterator[bytes]:
        with self._lock:
            found = self._need(container)
            lines = found.log.splitlines(keepends=True)
        shown = b"".join(lines if tail is None else lines[max(len(lines) - tail, 0) :])
        seen = sum(map(len, lines))
        return iter([shown]) if not follow else following(found, shown, seen, self._changed)

    def close(self) -> None:
        """Nothing to let go of."""

    def _need(self, container: str) -> FakeContainer:
        if found := self._containers.get(container):
            return found
        for found in self._containers.values():
            if found.spec.name == container:
                return found
        raise NotFound(f"no such container: {container}", where=self.name)

    def _check_free(self, spec: ContainerSpec, holders: Callable[[FakeContainer], bool]) -> None:
        if taken := conflict(spec, filter(holders, self._containers.values())):
            raise EngineError(taken, where=self.name)
