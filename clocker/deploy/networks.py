"""The networks of an application: made before its containers, and removed after them."""

from __future__ import annotations

from clocker.applications import Resolved
from clocker.cloud import networks as nets
from clocker.errors import NotFound
from clocker.interfaces import Parts

_USUAL, _LARGEST = 24, 18


def make(parts: Parts, resolved: Resolved, names: tuple[str, ...]) -> None:
    """Also those that are there already: what an earlier call could not complete is completed."""
    with parts.store.read() as tx:
        there = {net.name for net in tx.networks()}
    for name in names:
        parts.progress.step(name, "network")
        size = None if name in there else prefix(parts, resolved)
        nets.create(parts, name, prefix=size)


def remove(parts: Parts, names: tuple[str, ...]) -> None:
    for name in names:
        parts.progress.step(name, "remove network")
        try:
            nets.remove(parts, name)
        except NotFound:  # by an earlier call, which may not have told every host
            nets.refresh(parts)


def prefix(parts: Parts, resolved: Resolved) -> int:
    """With room for four times what is wanted, and for a gateway on every host."""
    wanted = sum(map(len, resolved.wanted.values())) * 4 + parts.spec.hosts.maximum + 2
    bits = max(32 - _USUAL, wanted.bit_length())
    return max(_LARGEST, 32 - bits)
