"""Machines from any infrastructure that libcloud has a compute driver for."""

from __future__ import annotations

import contextlib
import inspect
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from clocker.errors import ClockerError, ProviderError, TimedOut
from clocker.interfaces import Clock
from clocker.model import (
    Check,
    HostRequest,
    Node,
    Offer,
    ProviderEntry,
    Remnant,
    RemnantKind,
    SshAccess,
    Verdict,
)
from clocker.providers.choice import choose_image, choose_location, choose_size, resources_of
from clocker.providers.dialects import GENERIC, Dialect
from clocker.providers.translation import translated

CLOUD, HOST, NAME = "clocker-cloud", "clocker-host", "clocker-name"

# libcloud's own types differ from driver to driver, and are no more than names here.
Driver: TypeAlias = Any
Machine: TypeAlias = Any


@dataclass(frozen=True)
class ComputeProvider:
    """``connect`` makes a driver; each thread has its own, because none may be shared."""

    entry: ProviderEntry
    connect: Callable[[], Driver]
    dialect: Dialect = GENERIC
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _drivers: threading.local = field(default_factory=threading.local, repr=False)

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def lag_s(self) -> float:
        return self.dialect.lag_s

    def plan(self, request: HostRequest) -> Offer:
        with translated(self._where):
            size = choose_size(self._driver, self.entry.size, request.resources, self.dialect)
            image = choose_image(self._driver, self.entry.image, self.dialect)
        return Offer(
            provider=self.name,
            size=str(size.name),
            image=str(image.name),
            resources=resources_of(size, self.dialect),
            region=self._region(),
            zone=request.zone or next(iter(self.entry.locations), None),
            price_hour=self.dialect.price(size),
        )

    def examine(self, request: HostRequest) -> Iterator[Check]:
        try:
            offer = self.plan(request)
        except ClockerError as error:
            yield Check("offer", Verdict.WRONG, error.what, error.remedy)
        else:
            yield Check("offer", Verdict.FINE, f"{offer.size} with {offer.image}")

    def obtain(self, request: HostRequest) -> Node:
        deadline = self.clock() + request.timeout_s
        with translated(self._where):
            found = self._adopt(request)
            try:
                machine = found or self._create(request)
                return self._with_host_key(self._await_address(machine, request, deadline), request)
            except Exception as error:
                self._undo(request, error)
                raise

    def release(self, node_id: str) -> None:
        with translated(self._where):
            machine = next((m for m in self._machines({}) if m.id == node_id), None)
            if machine is None:
                return
            tags = self._tags(machine)
            if CLOUD not in tags or HOST not in tags:
                raise ProviderError(
                    f"machine {node_id} carries no tags of Clocker's and is left alone",
                    where=self._where,
                    remedy="remove it by the infrastructure's own means if it should go",
                )
            self._destroy(machine)

    def list(self, cloud: str) -> Sequence[Node]:
        with translated(self._where):
            return tuple(self._node(machine) for machine in self._machines({CLOUD: cloud}))

    def clean(self, cloud: str) -> None:
        with translated(self._where):
            self.dialect.clean(self._driver)

    def remnants(self, cloud: str) -> Sequence[Remnant]:
        with translated(self._where):
            return tuple(
                Remnant(
                    RemnantKind.MACHINE, str(machine.id), str(machine.name), self._tags(machine)
                )
                for machine in self._machines({CLOUD: cloud})
            )

    def remove(self, remnant: Remnant) -> None:
        self.release(remnant.id)

    @property
    def _where(self) -> str:
        return f"provider {self.entry.name}"

    @property
    def _driver(self) -> Driver:
        if not hasattr(self._drivers, "driver"):
            self._drivers.driver = self.connect()
        return self._drivers.driver

    def _adopt(self, request: HostRequest) -> Machine | None:
        """The machine that an earlier, interrupted obtain has made; a failed one makes way."""
        machines = self._of(request)
        usable = [m for m in machines if m.state != "error"]
        chosen = min(usable, key=lambda m: (m.state != "running", str(m.id)), default=None)
        for machine in machines:
            if machine is not chosen:
                self._destroy(machine)
        if chosen is not None and chosen.state == "stopped":
            self._driver.start_node(chosen)
        return chosen

    def _create(self, request: HostRequest) -> Machine:
        driver = self._driver
        wanted: dict[str, Any] = {
            **self.entry.create,
            "name": f"{request.cloud}-{request.name}",
            "size": choose_size(driver, self.entry.size, request.resources, self.dialect),
            "image": choose_image(driver, self.entry.image, self.dialect),
            **self._argument(self.dialect.tags_argument, _tags_of(request), required=True),
        }
        place = request.zone or next(iter(self.entry.locations), None)
        if place:
            wanted["location"] = choose_location(driver, place)
        if request.user_data is not None:
            wanted |= self._argument(self.dialect.user_data_argument, request.user_data)
        if self.dialect.token_argument:
            wanted[self.dialect.token_argument] = request.token or request.id
        return driver.create_node(**wanted)

    def _argument(self, name: str, value: object, *, required: bool = False) -> dict[str, object]:
        parameters = inspect.signature(self._driver.create_node).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if name in parameters or takes_any:
            return {name: value}
        if required:
            raise ProviderError(
                f"the driver {self.entry.driver} cannot tag machines when it makes them, "
                "and Clocker destroys only what carries its tags",
                where=self._where,
                remedy="use another provider",
            )
        return {}

    def _await_address(self, machine: Machine, request: HostRequest, deadline: float) -> Node:
        while True:
            node = self._node(machine)
            if node.access is not None and machine.state == "running":
                return node
            if machine.state == "error":
                raise ProviderError(f"machine {machine.id} failed", where=self._where)
            if self.clock() >= deadline:
                raise TimedOut(
                    f"machine {machine.id} for host {request.name} has no "
                    f"{self.entry.interface} address after {request.timeout_s:g} s",
                    where=self._where,
                    remedy="raise the timeout, or set `interface` to the kind of address it gets",
                )
            self.sleep(self.dialect.poll_s)
            machine = next((m for m in self._of(request) if m.id == machine.id), machine)

    def _with_host_key(self, node: Node, request: HostRequest) -> Node:
        """The one that its user data has put there, if the driver hands any over."""
        told = request.user_data and self._argument(self.dialect.user_data_argument, "")
        if node.access is None or not told or not request.host_key:
            return node
        return replace(node, access=replace(node.access, host_keys=(request.host_key,)))

    def _undo(self, request: HostRequest, error: Exception) -> None:
        """Nothing is left behind, not even by a creation whose answer was lost."""
        try:
            with translated(self._where):
                for machine in self._of(request):
                    self._destroy(machine)
        except ClockerError as left:
            error.add_note(f"and what was made could not be removed: {left}")

    def _destroy(self, machine: Machine) -> None:
        failure: Exception | None = None
        try:
            if self._driver.destroy_node(machine):
                return
        except Exception as error:  # noqa: BLE001 - looked at below
            failure = error
        # Another process may have been faster; only a machine that lives is a failure.
        if any(m.id == machine.id for m in self._machines({})):
            raise failure or ProviderError(
                f"machine {machine.id} was not destroyed", where=self._where
            )

    def _of(self, request: HostRequest) -> Sequence[Machine]:
        return self._machines({HOST: request.id, CLOUD: request.cloud})

    def _machines(self, tags: Mapping[str, str]) -> Sequence[Machine]:
        found = self._driver.list_nodes(**(self.dialect.filters(tags) if tags else {}))
        return [m for m in found if self._lives(m) and tags.items() <= self._tags(m).items()]

    def _lives(self, machine: Machine) -> bool:
        return (
            machine.state != "terminated" and machine.extra.get("status") not in self.dialect.dead
        )

    def _tags(self, machine: Machine) -> dict[str, str]:
        for key in self.dialect.tags_in:
            tags = machine.extra.get(key)
            if isinstance(tags, Mapping):
                return {str(k): str(v) for k, v in tags.items()}
        return {}

    def _node(self, machine: Machine) -> Node:
        public = self.entry.interface == "public"
        addresses = machine.public_ips if public else machine.private_ips
        address = next((a for a in addresses if a), None)
        private = next((a for a in machine.private_ips if a), None)
        zone = machine.extra.get("availability")
        return Node(
            id=str(machine.id),
            name=str(machine.name),
            tags=self._tags(machine),
            access=SshAccess(address=address, user=self.entry.ssh_user) if address else None,
            private_address=private or address,
            region=self._region(),
            zone=str(zone) if zone else None,
        )

    def _region(self) -> str | None:
        with contextlib.suppress(AttributeError):
            region = self._driver.region
            return str(region) if region else None
        return None


def _tags_of(request: HostRequest) -> dict[str, str]:
    return {**request.tags, CLOUD: request.cloud, HOST: request.id, NAME: request.name}
