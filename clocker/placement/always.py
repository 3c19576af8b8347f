"""The rules that nobody has to name: they apply to every request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from clocker import plugins
from clocker.model import ContainerRequest, Host, HostState, HostView, RuleSpec

_GOING = (HostState.DELETING, HostState.FAILED, HostState.LOST)  # no set: a state is slow to hash


@dataclass(frozen=True, slots=True)
class Accepting:
    """The host is there, or on its way, and takes what is new."""

    reads: ClassVar[tuple[str, ...]] = ()

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        host = view.host
        if host.state in _GOING:
            return f"the host is {host.state}"
        return "the host is cordoned" if host.cordoned else None


@dataclass(frozen=True, slots=True)
class PortsFree:
    """No fixed host port of the request is booked on the host."""

    reads: ClassVar[tuple[str, ...]] = ("ports",)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        if not request.ports:
            return None
        wanted = {(p.host_port, p.protocol) for p in request.ports if p.host_port}
        for container in view.containers:
            for port in container.ports:
                if (port.host_port, port.protocol) in wanted:
                    return f"port {port.host_port}/{port.protocol} is taken by {container.name}"
        return None


@dataclass(frozen=True, slots=True)
class Welcome:
    """No container on the host has a rule of its own that keeps the request away: what asked
    for no neighbour of a kind is not given one afterwards."""

    reads: ClassVar[tuple[str, ...]] = ("image", "labels", "name")

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        for container in view.ruled:
            for spec in container.request.rules:
                objection = getattr(_rule(spec), "objection", None)
                if objection and (why := objection(container, request)):
                    return f"{container.name} {why}"
        return None


def stays(host: Host) -> bool:
    """Whether what is on the host counts, though it may take nothing new."""
    return host.state not in _GOING


@lru_cache(maxsize=1024)
def _rule(spec: RuleSpec) -> Any:
    return plugins.rule(spec)
