"""Where a host may get an image from, besides a registry."""

from __future__ import annotations

from collections.abc import Callable

from clocker.errors import ClockerError
from clocker.interfaces import Engine, Parts
from clocker.model import Host, HostState


def other_engines(
    parts: Parts, host: Host, first: Host | None = None
) -> Callable[[], list[tuple[str, Engine]]]:
    """Engines that may have an image: that of ``first``, this machine's, then those of the other
    hosts. Opened late."""

    def engines() -> list[tuple[str, Engine]]:
        found = [(first.name, parts.connections.engine(first))] if first else []
        if home := parts.connections.home_engine():
            found.append(("this machine", home))
        with parts.store.read() as tx:
            others = [other for other in tx.hosts() if _has_images(other) and other.id != host.id]
        for other in others:
            if first is not None and other.id == first.id:
                continue
            try:
                found.append((other.name, parts.connections.engine(other)))
            except ClockerError:
                continue  # a host that is away is no source; the outcome names the others
        return found

    return engines


def _has_images(host: Host) -> bool:
    return host.stamp is not None and host.state is not HostState.LOST
