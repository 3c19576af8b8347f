"""The built-in rules: one small frozen class each. Filters say why not, Preferences how dear."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.model import ContainerRequest, HostState, HostView, Resources


@dataclass(frozen=True, slots=True)
class Accepting:
    """The host is there, or on its way."""

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        if view.host.state in (HostState.DELETING, HostState.FAILED):
            return f"the host is {view.host.state}"
        return None


@dataclass(frozen=True, slots=True)
class PortsFree:
    """No fixed host port of the request is booked on the host."""

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        wanted = {(p.host_port, p.protocol) for p in request.ports if p.host_port}
        if not wanted:
            return None
        for container in view.containers:
            for port in container.ports:
                if (port.host_port, port.protocol) in wanted:
                    return f"port {port.host_port}/{port.protocol} is taken by {container.name}"
        return None


@dataclass(frozen=True, slots=True)
class Fits:
    """Cores, RAM and disk still free suffice; ``overcommit`` multiplies what the host has."""

    overcommit: float = 1.0

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        have = view.host.capacity
        room = Resources(
            have.cores * self.overcommit,
            int(have.ram_mb * self.overcommit),
            int(have.disk_mb * self.overcommit),
        )
        return "; ".join(request.resources.lacking(room - view.booked)) or None


@dataclass(frozen=True, slots=True)
class MaxContainers:
    """At most ``limit`` containers on a host."""

    limit: int

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        held = len(view.containers)
        return f"holds {held} of at most {self.limit} containers" if held >= self.limit else None


@dataclass(frozen=True, slots=True)
class BreadthFirst:
    """Rather the host with the fewest containers."""

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return len(view.containers)


@dataclass(frozen=True, slots=True)
class DepthFirst:
    """Rather the host with the most containers."""

    def cost(self, view: HostView, request: ContainerRequest) -> float:
        return -len(view.containers)
