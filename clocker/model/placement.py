from __future__ import annotations

from dataclasses import dataclass

from clocker.model.container import Container
from clocker.model.host import Host
from clocker.model.resources import Resources


@dataclass(frozen=True, slots=True)
class HostView:
    """A host and what is booked on it, as the placement rules see it."""

    host: Host
    containers: tuple[Container, ...] = ()

    @property
    def booked(self) -> Resources:
        return sum((c.request.resources for c in self.containers), Resources())

    @property
    def free(self) -> Resources:
        return self.host.capacity - self.booked


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
