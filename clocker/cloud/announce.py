"""Tells the network where a container that has been started is now."""

from __future__ import annotations

from clocker.cloud.nets import network_named, on_endpoint
from clocker.errors import CommandFailed
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host


def announce(
    parts: Parts, engine: Engine, host: Host, container: Container, engine_id: str
) -> None:
    """For an address that may be known at another place: one that moved, or that somebody else
    had before. A container that has ended meanwhile needs it no more."""
    pid = engine.inspect(engine_id).pid
    if not pid:
        return
    try:
        for endpoint in container.endpoints:
            there = network_named(parts, endpoint.network)
            shell = parts.connections.shell(host)
            there.announce(shell, on_endpoint(container, endpoint), pid)
    except CommandFailed:
        if engine.inspect(engine_id).pid == pid:
            raise
