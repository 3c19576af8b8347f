"""What is told of applications."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.applications import Plan
from clocker.cloud import PlannedHost
from clocker.model import Deployment, Need

__all__ = ["ApplicationView", "ContainerView", "Preview", "ServiceView", "needs_of"]


@dataclass(frozen=True, slots=True)
class Preview:
    """``hosts``: that would be made for it. ``doubt``: why it may not fit, as far as can be told
    before what is in the way is gone."""

    plan: Plan
    hosts: tuple[PlannedHost, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ContainerView:
    """``state``: what its engine says, ``unknown`` when its host does not answer, ``missing`` when
    there is none. ``health``: None without a check."""

    name: str
    host: str | None
    address: str
    state: str
    health: str | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """``wanted``: how many there are to be; ``is_well``: they all are, and run or have ended
    well."""

    name: str
    image: str
    wanted: int
    containers: tuple[ContainerView, ...]
    needs: tuple[str, ...] = ()
    is_well: bool = True

    @property
    def running(self) -> int:
        return sum(view.state == "running" for view in self.containers)


@dataclass(frozen=True, slots=True)
class ApplicationView:
    deployment: Deployment
    services: tuple[ServiceView, ...]

    @property
    def is_well(self) -> bool:
        return all(service.is_well for service in self.services)


def needs_of(needs: tuple[Need, ...]) -> tuple[str, ...]:
    return tuple(f"{need.service} ({need.condition})" for need in needs)
