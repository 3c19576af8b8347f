from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from clocker.model.container import Container
from clocker.model.host import Host
from clocker.model.quick import quick
from clocker.model.resources import Resources


@dataclass(frozen=True, slots=True)
class Usage:
    """How busy a host was when it was last measured. Shares from 0 to 1; ``at``: epoch seconds;
    ``age_s``: how long ago that is, for whoever looks."""

    cpu_share: float
    ram_share: float
    at: float
    age_s: float = 0.0


@quick
@dataclass(frozen=True)  # no slots: what was once added up is kept beside the fields
class HostView:
    """A host and what is booked on it, as the placement rules see it. ``usage``: None where
    nobody has measured."""

    host: Host
    containers: tuple[Container, ...] = ()
    usage: Usage | None = None

    @cached_property
    def booked(self) -> Resources:
        """What the containers ask for together."""
        cores, ram_mb, disk_mb = 0.0, 0, 0
        for container in self.containers:
            need = container.request.resources
            cores += need.cores
            ram_mb += need.ram_mb
            disk_mb += need.disk_mb
        return Resources(cores, ram_mb, disk_mb)

    @cached_property
    def ruled(self) -> tuple[Container, ...]:
        """The containers that have rules of their own."""
        return tuple(container for container in self.containers if container.request.rules)

    @property
    def free(self) -> Resources:
        return self.host.capacity - self.booked

    def with_container(self, container: Container) -> HostView:
        """The same host with one more container booked on it."""
        view = HostView(self.host, self.containers + (container,), self.usage)
        known = view.__dict__  # nothing is added up anew for one more
        known["booked"] = self.booked + container.request.resources
        known["ruled"] = (*self.ruled, container) if container.request.rules else self.ruled
        return view

    def without(self, container_id: str) -> HostView:
        rest = tuple(other for other in self.containers if other.id != container_id)
        return HostView(self.host, rest, self.usage)


@dataclass(frozen=True, slots=True)
class Refusal:
    rule: str
    reason: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Placement:
    """The outcome of placing one request: a host, or why each host refused (by host name)."""

    host: Host | None
    refusals: dict[str, tuple[Refusal, ...]]


@dataclass(frozen=True, slots=True)
class Reason:
    """What a preference says of a host: the lower the ``cost``, the rather that host."""

    rule: str
    reason: str
    cost: float

    def __str__(self) -> str:
        return f"{self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that the rules say of one host. ``rank``: 1 for the host that takes the request; None
    for one that refuses it, which then has ``refusals`` and no ``reasons``."""

    host: Host
    rank: int | None
    refusals: tuple[Refusal, ...] = ()
    reasons: tuple[Reason, ...] = ()
