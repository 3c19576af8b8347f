"""The machines of an account, as far as they are Clocker's: found by their tags, and destroyed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.errors import ClockerError, ProviderError
from clocker.model import HostRequest, Node, ProviderEntry, SshAccess
from clocker.providers.choice import place_of
from clocker.providers.dialect import Dialect
from clocker.providers.refusals import Gone
from clocker.providers.tagging import CLOUD, HOST, Driver, Machine
from clocker.providers.translation import translated


@dataclass(frozen=True, slots=True)
class Machines:
    driver: Driver
    dialect: Dialect
    entry: ProviderEntry

    def of(self, request: HostRequest) -> Sequence[Machine]:
        return self.tagged({HOST: request.id, CLOUD: request.cloud})

    def tagged(self, tags: Mapping[str, str]) -> Sequence[Machine]:
        """All live ones that carry these tags; all of the account, if there are none."""
        found = self._listed(self.dialect.filters(tags) if tags else {})
        return [m for m in found if self._lives(m) and tags.items() <= self.tags(m).items()]

    def tags(self, machine: Machine) -> dict[str, str]:
        return self.dialect.tags.read(machine)

    def destroy(self, machine: Machine) -> None:
        """One that is gone is a success, whoever was faster; ProviderError when it lives on."""
        failure: ClockerError | None = None
        try:
            with translated(f"provider {self.entry.name}"):
                if self.dialect.destroy(self.driver, machine):
                    return
        except Gone:
            return
        except ClockerError as error:
            failure = error
        if any(m.id == machine.id for m in self.tagged({})):
            raise failure or ProviderError(f"machine {machine.id} was not destroyed")

    def address(self, machine: Machine) -> str | None:
        public = self.entry.interface == "public"
        found = machine.public_ips if public else machine.private_ips
        return _ipv4(found)

    def node(self, machine: Machine, host_keys: tuple[str, ...] = ()) -> Node:
        address = self.address(machine)
        access = SshAccess(address, self.entry.ssh_user, host_keys=host_keys) if address else None
        place, is_region = _place(machine), self.dialect.place_is_region
        return Node(
            id=str(machine.id),
            name=str(machine.name),
            tags=self.tags(machine),
            access=access,
            private_address=_ipv4(machine.private_ips) or address,
            region=place if is_region else self.region(),
            zone=None if is_region else place,
        )

    def region(self) -> str | None:
        with contextlib.suppress(AttributeError):
            region = self.driver.region
            return str(getattr(region, "name", region)) if region else None
        return None

    def _listed(self, filters: Mapping[str, object]) -> Sequence[Machine]:
        places: list[Any] = [None]
        if self.dialect.lists_by_place and self.entry.locations:
            places = [place_of(self.driver, self.dialect, zone) for zone in self.entry.locations]
        nodes = self.dialect.nodes
        return [m for place in places for m in nodes(self.driver, place, **filters)]

    def _lives(self, machine: Machine) -> bool:
        status = (machine.extra or {}).get("status")
        return machine.state != "terminated" and status not in self.dialect.dead


def _place(machine: Machine) -> str | None:
    extra = machine.extra or {}
    for key in ("availability", "availability_zone", "zone", "zone_name", "location", "region"):
        place = extra.get(key)
        if place:
            return str(getattr(place, "name", place))
    return None


def _ipv4(addresses: Sequence[str] | None) -> str | None:
    """Hosts reach each other by IPv4, which some drivers list after IPv6."""
    known = [address for address in addresses or () if address and address != "0.0.0.0"]  # noqa: S104
    return next((each for each in known if ":" not in each), known[0] if known else None)
