"""All that a decision of healing looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from clocker.model import (
    Container,
    ContainerState,
    ContainerStatus,
    HealingSpec,
    Host,
    HostState,
    HostView,
)
from clocker.policies.heal_history import History

NEVER_READY = (HostState.REQUESTED, HostState.BOOTSTRAPPING, HostState.FAILED)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host said when it was asked: whether it is ``reachable`` by SSH, whether its engine
    ``answers``, and which containers with the cloud's labels it has. ``why``: what went wrong."""

    reachable: bool
    answers: bool
    containers: tuple[ContainerStatus, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """``seen``: by the hosts' ids; of hosts that are missing there nothing is concluded. Looked at
    the store after the hosts were asked: what these have was on record before it was made. Work
    that its process has left undone is not told; ``left``: ids of the hosts where some was."""

    views: tuple[HostView, ...]
    seen: Mapping[str, Seen]
    spec: HealingSpec = HealingSpec()
    history: History = field(default_factory=History)
    now: float = 0.0
    left: frozenset[str] = frozenset()

    @property
    def containers(self) -> Iterator[tuple[Host, Container]]:
        """Each once, with the host on which it is on record."""
        for view in self.views:
            for container in own(view):
                yield view.host, container


def own(view: HostView) -> Iterator[Container]:
    """Without those that are on their way here."""
    for container in view.containers:
        if container.move is None or container.move.host_id != view.host.id:
            yield container


def may_be_asked(host: Host) -> bool:
    """Those that have once been ready, and whose machine is not known to be gone."""
    if host.work is not None or host.access is None:
        return False
    if host.state in NEVER_READY:
        return host.stamp is not None
    return host.state in (HostState.READY, HostState.LOST)


def lasts(container: Container, spec: HealingSpec) -> bool:
    """Whether it can be made anew elsewhere: it is wanted, and it leaves nothing behind."""
    return container.request.healing.replace and not keeps_data(container, spec)


def keeps_data(container: Container, spec: HealingSpec) -> bool:
    return bool(container.request.volumes) and not spec.replace_volumes


def in_order(container: Container) -> tuple[int, str]:
    """A sort key: the highest priority first."""
    return -container.request.healing.priority, container.name


def is_settled(container: Container) -> bool:
    """Nobody is at it."""
    states = (ContainerState.RUNNING, ContainerState.STOPPED, ContainerState.FAILED)
    return container.work is None and container.state in states
