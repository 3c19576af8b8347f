"""Machines from any infrastructure that libcloud has a compute driver for."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from clocker.interfaces import Clock
from clocker.model import Check, HostRequest, Node, Offer, ProviderEntry, Remnant
from clocker.providers.choice import choices, resources_of
from clocker.providers.dialects import GENERIC, Dialect
from clocker.providers.examine import examine
from clocker.providers.machines import Machines
from clocker.providers.making import Making, Say
from clocker.providers.remnants import Remnants
from clocker.providers.retry import Patience, PatientDriver
from clocker.providers.tagging import CLOUD, Driver
from clocker.providers.translation import translated

# How long a call is made again that was made too often, where no request sets a deadline.
PATIENCE_S = 60.0
MOST_ALTERNATIVES = 5


@dataclass(frozen=True)
class ComputeProvider:
    """``connect`` makes a driver; each thread has its own, because none may be shared."""

    entry: ProviderEntry
    connect: Callable[[], Driver]
    dialect: Dialect = GENERIC
    clock: Clock = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random.random
    say: Say = lambda host, text: None
    _drivers: threading.local = field(default_factory=threading.local, repr=False)

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def lag_s(self) -> float:
        return self.dialect.lag_s

    def plan(self, request: HostRequest) -> Offer:
        with translated(self._where):
            machines = self._machines(self._soon())
            found = choices(machines.driver, self.dialect, self.entry, request, planning=True)
            first, *others = itertools.islice(found, 1 + MOST_ALTERNATIVES)
            is_region = self.dialect.place_is_region
            return Offer(
                provider=self.name,
                size=str(first.size.name),
                image=str(first.image.name),
                resources=resources_of(first.size, self.dialect),
                region=first.zone if is_region else machines.region(),
                zone=None if is_region else first.zone,
                price_hour=self.dialect.price(first.size),
                currency=self.dialect.currency,
                spot=self.entry.spot,
                alternatives=tuple(str(other) for other in others),
            )

    def examine(self, request: HostRequest) -> Iterator[Check]:
        return examine(self.entry, self.dialect, request, lambda: self._machines(self._soon()))

    def obtain(self, request: HostRequest) -> Node:
        with translated(self._where):
            until = self.clock() + request.timeout_s
            making = Making(self._machines(until), request, self.patience, until, self.say)
            return making.node()

    def release(self, node_id: str) -> None:
        with translated(self._where):
            self._remnants().release(node_id)

    def list(self, cloud: str) -> Sequence[Node]:
        with translated(self._where):
            machines = self._machines(self._soon())
            return tuple(machines.node(machine) for machine in machines.tagged({CLOUD: cloud}))

    def clean(self, cloud: str) -> None:
        """What carries the cloud's name is removed one by one, as remnants: other clouds of that
        name in the same account have theirs."""
        with translated(self._where):
            self.dialect.clean(self._machines(self._soon()).driver)

    def remnants(self, cloud: str) -> Sequence[Remnant]:
        with translated(self._where):
            return tuple(self._remnants().all(cloud))

    def remove(self, remnant: Remnant) -> None:
        with translated(self._where):
            self._remnants().remove(remnant)

    @property
    def patience(self) -> Patience:
        return Patience(self.clock, self.sleep, self.random)

    @property
    def _where(self) -> str:
        return f"provider {self.entry.name}"

    def _soon(self) -> float:
        return self.clock() + PATIENCE_S

    def _remnants(self) -> Remnants:
        return Remnants(self._machines(self._soon()), self.patience)

    def _machines(self, until: float) -> Machines:
        if not hasattr(self._drivers, "driver"):
            driver: Driver = self.connect()
            self.dialect.prepare(driver)
            self._drivers.driver = driver
        driver = PatientDriver(self._drivers.driver, self._where, self.patience, until)
        return Machines(driver, self.dialect, self.entry)
