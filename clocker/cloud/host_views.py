"""The hosts with what is booked on them, as placement sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from clocker.cloud.usage import usage_of
from clocker.interfaces import Transaction
from clocker.model import Container, HostView


def views_of(tx: Transaction, now: float | None = None) -> list[HostView]:
    """Every host; with how busy it is, where that was measured, if somebody wants to know it
    ``now``."""
    return views_with(tx, tx.containers(), now)


def views_with(
    tx: Transaction, containers: Iterable[Container], now: float | None = None
) -> list[HostView]:
    """The same for whoever has read all containers already."""
    held: dict[str, list[Container]] = {}
    for container in containers:
        held.setdefault(container.host_id, []).append(container)
        if move := container.move:  # booked as well where it is going
            there = replace(container, host_id=move.host_id, ports=move.ports)
            held.setdefault(move.host_id, []).append(there)
    usage = {} if now is None else usage_of(tx, now)
    return [HostView(host, tuple(held.get(host.id, ())), usage.get(host.id)) for host in tx.hosts()]
