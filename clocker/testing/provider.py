"""A provider of machines in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import RLock

from clocker.errors import NotFound, ProviderError, TimedOut
from clocker.model import Check, HostRequest, Node, Offer, Remnant, RemnantKind, Resources, Verdict
from clocker.testing.faults import Scripted, scripted
from clocker.testing.machines import FakeMachines

_MADE_BY = "made-by"  # several providers may have their machines in one FakeMachines
DEFAULT_SHAPE = Resources(4.0, 8192, 100_000)


class FakeProvider(Scripted):
    """See ``clocker.interfaces.Provider``. ``fail_next("obtain", error)``: creation fails, nothing
    is left; with ``after=True`` the machine is there, but the answer is lost.
    ``addresses_missing``: that many machines to come never get an address. ``planted``: what else
    was left of a cloud."""

    lag_s = 0.0

    def __init__(self, machines: FakeMachines, name: str = "fake") -> None:
        super().__init__()
        self.name = name
        self.machines = machines
        self.addresses_missing = 0
        self.planted: list[Remnant] = []
        self._lock = RLock()

    @scripted
    def plan(self, request: HostRequest) -> Offer:
        return Offer(self.name, "fake", "fake", _or_default(request.resources), price_hour=0.01)

    def examine(self, request: HostRequest) -> Iterator[Check]:
        yield Check("credentials", Verdict.FINE, "none are needed")

    @scripted
    def obtain(self, request: HostRequest) -> Node:
        with self._lock:
            for node in self.list(request.cloud):
                if node.tags.get("clocker-host") == request.id:
                    return _with_host_key(node, request)
            if self.addresses_missing:
                self.addresses_missing -= 1
                raise TimedOut("the machine got no address", where=f"host {request.name}")
            self.machines.shared.add(request.cloud)
            tags = {
                **request.tags,
                "clocker-cloud": request.cloud,
                "clocker-host": request.id,
                _MADE_BY: self.name,
            }
            shape = _or_default(request.resources)
            made = self.machines.make(request.name, tags, shape, host_key_of(request.user_data))
            return _with_host_key(made.node, request)

    @scripted
    def release(self, node_id: str) -> None:
        with self._lock:
            try:
                machine = self.machines.machine(node_id)
            except NotFound:
                return
            if "clocker-cloud" not in machine.node.tags:
                raise ProviderError(f"{machine.name} is not Clocker's", where=self.name)
            self.machines.destroy(node_id)

    @scripted
    def list(self, cloud: str) -> Sequence[Node]:
        return [
            machine.node
            for machine in self.machines.all()
            if machine.node.tags.get("clocker-cloud") == cloud
            and machine.node.tags.get(_MADE_BY, self.name) == self.name
        ]

    @scripted
    def clean(self, cloud: str) -> None:
        self.machines.shared.discard(cloud)

    @scripted
    def remnants(self, cloud: str) -> Sequence[Remnant]:
        """``shared`` stands for what is made once for all machines of a cloud."""
        machines = [
            Remnant(RemnantKind.MACHINE, node.id, node.name, node.tags) for node in self.list(cloud)
        ]
        shared = [Remnant(RemnantKind.NETWORK, c, c) for c in self.machines.shared if c == cloud]
        return [*machines, *shared, *self.planted]

    @scripted
    def remove(self, remnant: Remnant) -> None:
        if remnant.kind is RemnantKind.MACHINE:
            self.release(remnant.id)
        elif remnant in self.planted:
            self.planted.remove(remnant)
        else:
            self.clean(remnant.id)


def _or_default(asked: Resources) -> Resources:
    return Resources(
        asked.cores or DEFAULT_SHAPE.cores,
        asked.ram_mb or DEFAULT_SHAPE.ram_mb,
        asked.disk_mb or DEFAULT_SHAPE.disk_mb,
    )


def _with_host_key(node: Node, request: HostRequest) -> Node:
    if node.access is None or not (request.host_key and request.user_data):
        return node
    return replace(node, access=replace(node.access, host_keys=(request.host_key,)))


def host_key_of(user_data: str | None) -> str | None:
    """The key that the user data gives the machine, as cloud-init would install it."""
    data = user_data or ""
    found = re.search(r"ed25519_public[\"']?\s*:\s*[\"']?(ssh-ed25519 [A-Za-z0-9+/=]+)", data)
    return found[1] if found else None
