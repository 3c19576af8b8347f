"""The networks of an application: made before its containers, and removed after them."""

from __future__ import annotations

from dataclasses import replace
from threading import Event

from clocker.applications import Resolved
from clocker.cloud import networks as nets
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError, NotFound
from clocker.interfaces import Parts, Progress
from clocker.model import Host, HostState

_USUAL, _LARGEST = 24, 18


def make(parts: Parts, resolved: Resolved, names: tuple[str, ...]) -> None:
    """Also those that are there already: what an earlier call could not complete is completed.
    The engines, which come next, are called on while the hosts are at it."""
    with parts.store.read() as tx:
        there = {net.name for net in tx.networks()}
        hosts = [host for host in tx.hosts() if host.state is HostState.READY] if names else []
    onset = _Onset(parts.progress)
    with side_by_side(min(parts.spec.hosts.concurrency, len(hosts))) as pool:
        for host in hosts:
            pool.submit(_call_on, parts, host, onset.heard)
        try:
            for name in names:
                parts.progress.step(name, "network")
                size = None if name in there else prefix(parts, resolved)
                nets.create(replace(parts, progress=onset), name, prefix=size)
        finally:
            onset.heard.set()


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


class _Onset:
    """A Progress that others can wait for: what takes this machine's time is not to keep the
    hosts from beginning."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.heard = Event()

    def step(self, subject: str, text: str) -> None:
        self.heard.set()
        self._progress.step(subject, text)

    def done(self, subject: str, text: str) -> None:
        self._progress.done(subject, text)

    def failed(self, subject: str, text: str) -> None:
        self._progress.failed(subject, text)


def _call_on(parts: Parts, host: Host, onset: Event) -> None:
    """Whoever needs it and cannot have it says so then."""
    onset.wait()
    try:
        parts.connections.engine(host)
    except ClockerError as error:
        parts.progress.failed(host.name, f"its engine cannot be reached yet: {error.what}")
