"""A container of a fake engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from signal import Signals
from threading import Condition

from clocker.errors import TimedOut
from clocker.model import Attachment, ContainerSpec, ContainerStatus, ImageInfo, Result
from clocker.testing.commands import Endless, Execution, run
from clocker.testing.files import FileTree


@dataclass(slots=True)
class FakeContainer:
    """Not locked: its engine is."""

    id: str
    spec: ContainerSpec
    image: ImageInfo
    files: FileTree = field(default_factory=FileTree)
    state: str = "created"
    pid: int = 0
    exit_code: int | None = None
    log: bytes = b""
    started_at: str | None = None
    stopped: bool = False
    attached: dict[str, Attachment] = field(default_factory=dict)

    @property
    def networks(self) -> dict[str, str]:
        """Its addresses, by the engine's names of its networks."""
        first = [self.spec.attachment] if self.spec.attachment else []
        return {item.network: item.address for item in (*first, *self.attached.values())}

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def holds(self) -> bool:
        """Whether its address and ports are its own: not any more once it has stopped."""
        return self.state in ("created", "running")

    @property
    def program(self) -> tuple[str, ...]:
        spec, image = self.spec, self.image
        if spec.entrypoint is not None:
            return (*spec.entrypoint, *(spec.command or ()))
        return (*image.entrypoint, *(image.command if spec.command is None else spec.command))

    @property
    def told_to_end(self) -> int:
        """The status with which its program ends by the signal for that."""
        name = (self.spec.stop_signal or "SIGTERM").removeprefix("SIG")
        return 128 + (int(name) if name.isdecimal() else Signals[f"SIG{name}"])

    @property
    def restarts_with_engine(self) -> bool:
        return not self.stopped and self.spec.restart.condition in ("always", "unless-stopped")

    def restarts_after(self, exit_code: int) -> bool:
        condition = self.spec.restart.condition
        return self.restarts_with_engine or (condition == "on-failure" and exit_code != 0)

    def start(self, pid: int, at: str) -> None:
        """Running; or ended already, when its program is one that ends at once."""
        self.state, self.pid, self.exit_code, self.started_at = "running", pid, None, at
        self.stopped = False
        result = self._ended()
        if result is not None:
            self.log += result.stdout + result.stderr
            self.end(result.status)

    def end(self, exit_code: int) -> None:
        self.state, self.pid, self.exit_code = "exited", 0, exit_code

    def _health(self) -> str | None:
        """By its check's command, asked now."""
        if self.spec.health is None or not self.running:
            return None
        try:
            return "healthy" if run(self.execution(self.spec.health.command)).ok else "unhealthy"
        except Endless:
            return "unhealthy"

    def _ended(self) -> Result | None:
        if self.spec.interactive:
            return None
        try:
            result = run(self.execution(self.program))
        except Endless as endless:
            self.log += endless.said
            return None
        return None if result.status == 127 else result

    def execution(
        self,
        argv: tuple[str, ...],
        *,
        stdin: bytes | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        workdir: str | None = None,
    ) -> Execution:
        spec = self.spec
        own = {"PATH": "/usr/bin:/bin", "HOSTNAME": spec.hostname, **spec.env}
        return Execution(
            argv,
            self.id,
            self.files,
            stdin or b"",
            {**own, **(env or {})},
            user or spec.user or self.image.user or "root",
            workdir or spec.workdir or "/",
            spec.hostname,
        )

    def status(self) -> ContainerStatus:
        spec = self.spec
        return ContainerStatus(
            engine_id=self.id,
            name=spec.name,
            state=self.state,
            labels=dict(spec.labels),
            image=spec.image,
            image_id=self.image.id,
            pid=self.pid,
            exit_code=self.exit_code,
            health=self._health(),
            address=spec.attachment.address if spec.attachment else None,
            networks=self.networks,
            privileged=spec.privileged,
            ports=spec.ports,
            started_at=self.started_at,
        )


def with_ports(spec: ContainerSpec, free: Iterator[int]) -> ContainerSpec:
    """The engine's choice filled in for ports that were left open."""
    ports = (p if p.host_port else replace(p, host_port=next(free)) for p in spec.ports)
    return replace(spec, ports=tuple(ports))


def conflict(spec: ContainerSpec, others: Iterable[FakeContainer]) -> str | None:
    """Which port or address of ``spec`` another container holds, if any."""
    ports = {(p.host_port, p.protocol) for p in spec.ports if p.host_port}
    mine = spec.attachment
    for other in others:
        if clash := ports & {(p.host_port, p.protocol) for p in other.spec.ports}:
            return f"port {min(clash)[0]} is taken"
        theirs = other.spec.attachment
        if mine and theirs and (mine.network, mine.address) == (theirs.network, theirs.address):
            return f"the address is taken: {mine.address}"
    return None


def following(
    container: FakeContainer, shown: bytes, seen: int, changed: Condition
) -> Iterator[bytes]:
    """``shown``, then what the log gets after its first ``seen`` bytes, until the program ends;
    ``changed`` tells of both."""
    fresh, going = shown, True
    seen -= len(shown)
    while going or fresh:
        if fresh:
            yield fresh
        seen += len(fresh)
        with changed:
            while container.running and len(container.log) == seen:
                changed.wait()
            fresh, going = container.log[seen:], container.running


def tell(on_line: Callable[[str], None] | None, *outputs: bytes) -> None:
    if on_line is None:
        return
    for output in outputs:
        for line in output.decode(errors="replace").splitlines():
            on_line(line)


def outlast(
    container: FakeContainer, seconds: float | None, timeout_s: float | None, changed: Condition
) -> Result:
    """Wait for a command of that many seconds, unless its container ends first; TimedOut."""
    in_time = seconds is not None and (timeout_s is None or seconds <= timeout_s)
    allowed = seconds if in_time else timeout_s
    ended = changed.wait_for(lambda: not container.running, allowed)
    if not ended and not in_time:
        raise TimedOut(f"the command took more than {timeout_s:g} s", where=container.spec.name)
    return Result(137 if ended else 0)
