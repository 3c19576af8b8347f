"""Questions to the engines of all hosts that are ready."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clocker.cloud import views
from clocker.cloud.steps import side_by_side
from clocker.errors import Unreachable
from clocker.interfaces import Engine, Parts
from clocker.model import Host, HostState, HostView

T = TypeVar("T")

_ENGINES_AT_ONCE = 32


def ask(parts: Parts, question: Callable[[Engine], T]) -> list[tuple[HostView, T]]:
    """Every ready host, by name; one that does not answer is an error, never left out."""
    ready = [view for view in views.hosts(parts) if view.host.state is HostState.READY]
    ready.sort(key=lambda view: view.host.name)
    with side_by_side(min(len(ready), _ENGINES_AT_ONCE)) as pool:
        answers = pool.map(lambda view: question(parts.connections.engine(view.host)), ready)
    return list(zip(ready, answers, strict=True))


def engine_of(parts: Parts, host: Host) -> Engine:
    if host.state is not HostState.READY:
        raise Unreachable(f"the host is {host.state}", where=f"host {host.name}")
    return parts.connections.engine(host)
