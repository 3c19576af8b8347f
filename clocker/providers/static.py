"""Machines that somebody has, reached by SSH: claimed when a host is wanted, and given back as they
are. They are never powered off, and nothing is removed from them but what Clocker made."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from clocker.errors import ClockerError, NoCapacity, ProviderError, Unreachable
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
from clocker.providers.claims import Claims, ClaimsFile
from clocker.providers.inventory import StaticMachine, machines_of

BANNER_S = 5.0
Banner = Callable[[str, int], str]
Machines = tuple[StaticMachine, ...]


def ssh_banner(address: str, port: int) -> str:
    """What answers there; Unreachable when it is no SSH server, or nothing."""
    where = f"{address}:{port}"
    try:
        with socket.create_connection((address, port), timeout=BANNER_S) as connection:
            connection.settimeout(BANNER_S)
            banner = connection.recv(256).decode(errors="replace").strip()
    except OSError as error:
        raise Unreachable(str(error), where=where) from error
    if not banner.startswith("SSH-"):
        raise Unreachable("what answers there is no SSH server", where=where)
    return banner


@dataclass(frozen=True, slots=True)
class StaticProvider:
    """Options: ``machines``, ``inventory`` (a file of them) and ``claims`` (see claims.py)."""

    entry: ProviderEntry
    claims: ClaimsFile
    banner: Banner = ssh_banner

    @property
    def name(self) -> str:
        return self.entry.name

    @property
    def lag_s(self) -> float:
        return 0.0

    def plan(self, request: HostRequest) -> Offer:
        first, *others = self._free(request, self.claims.read())
        return Offer(
            provider=self.name,
            size=first.name,
            image="as it is",
            resources=first.resources,
            region=first.region,
            zone=first.zone,
            price_hour=0.0,
            alternatives=tuple(machine.name for machine in others[:5]),
        )

    def examine(self, request: HostRequest) -> Iterator[Check]:
        try:
            machines, claims = machines_of(self.entry), self.claims.read()
        except ClockerError as error:
            yield Check("machines", Verdict.WRONG, error.what, error.remedy)
            return
        with ThreadPoolExecutor() as pool:
            yield from pool.map(lambda machine: self._look_at(machine, claims), machines)

    def obtain(self, request: HostRequest) -> Node:
        """A free machine that does not answer is passed over; one that the host has already may
        only be starting again."""
        silent: tuple[str, ...] = ()
        while True:
            machine, is_new = self._claimed(request, silent)
            try:
                if is_new:
                    self.banner(machine.address, machine.port)
            except Unreachable:
                self._unclaim(machine.id, request.id)
                silent = (*silent, machine.id)
            else:
                return self._node(machine, _tags_of(request))

    def release(self, node_id: str) -> None:
        with self.claims.changing() as claims:
            held = claims.get(node_id)
            if held is None:
                return
            if not _is_clockers(held):
                raise ProviderError(
                    f"machine {node_id} is claimed by somebody else than Clocker",
                    where=self._where,
                    remedy=f"remove its claim from {self.claims.path} if that is wrong",
                )
            del claims[node_id]

    def list(self, cloud: str) -> Sequence[Node]:
        return tuple(
            self._node(StaticMachine(**held["machine"]), held["tags"])
            for held in self.claims.read().values()
            if _is_clockers(held) and held["tags"]["clocker-cloud"] == cloud
        )

    def clean(self, cloud: str) -> None:
        """Nothing is shared by the machines."""

    def remnants(self, cloud: str) -> Sequence[Remnant]:
        return tuple(
            Remnant(RemnantKind.MACHINE, node.id, node.name, node.tags) for node in self.list(cloud)
        )

    def remove(self, remnant: Remnant) -> None:
        self.release(remnant.id)

    @property
    def _where(self) -> str:
        return f"provider {self.entry.name}"

    def _claimed(self, request: HostRequest, silent: tuple[str, ...]) -> tuple[StaticMachine, bool]:
        """The one that is the request's already, else a free one from now on (True)."""
        with self.claims.changing() as claims:
            for held in claims.values():
                if _is_clockers(held) and held["tags"]["clocker-host"] == request.id:
                    return StaticMachine(**held["machine"]), False
            machine = self._free(request, claims, silent)[0]
            claims[machine.id] = {"tags": _tags_of(request), "machine": machine.as_document()}
            return machine, True

    def _unclaim(self, node_id: str, host_id: str) -> None:
        with self.claims.changing() as claims:
            if claims.get(node_id, {}).get("tags", {}).get("clocker-host") == host_id:
                del claims[node_id]

    def _free(self, request: HostRequest, claims: Claims, silent: tuple[str, ...] = ()) -> Machines:
        """NoCapacity where there is none."""
        zones = (request.zone,) if request.zone else self.entry.locations
        machines = machines_of(self.entry)
        free = tuple(
            machine
            for machine in machines
            if machine.id not in claims
            and machine.id not in silent
            and (not zones or machine.zone in zones)
            and _fits(request, machine)
        )
        if free:
            return free
        raise NoCapacity(
            f"none of its {len(machines)} machines is free and has what is asked"
            + (f", in {' or '.join(zones)}" if zones else "")
            + (f"; no SSH server answers at {', '.join(silent)}" if silent else ""),
            where=self._where,
            remedy=f"add machines to it; which are taken, says {self.claims.path}",
        )

    def _look_at(self, machine: StaticMachine, claims: Claims) -> Check:
        subject = f"machine {machine.name}"
        held = claims.get(machine.id)
        taken = f", taken by the cloud {held['tags'].get('clocker-cloud')}" if held else ", free"
        try:
            banner = self.banner(machine.address, machine.port)
        except Unreachable as error:
            return Check(subject, Verdict.WRONG, f"{error.what}{taken}", "see that it runs sshd")
        return Check(subject, Verdict.FINE, f"{banner}{taken}")

    def _node(self, machine: StaticMachine, tags: Mapping[str, str]) -> Node:
        private = machine.private_address
        chosen = private if self.entry.interface == "private" and private else machine.address
        return Node(
            id=machine.id,
            name=machine.name,
            tags=dict(tags),
            access=SshAccess(
                address=chosen,
                user=machine.user,
                port=machine.port,
                host_keys=(machine.host_key,) if machine.host_key else (),
                kept=True,
            ),
            private_address=private or machine.address,
            region=machine.region,
            zone=machine.zone,
        )


def _fits(request: HostRequest, machine: StaticMachine) -> bool:
    """What is not said of a machine is measured when it is bootstrapped."""
    asked, has = request.resources, machine.resources
    return not any(
        known and wanted > known
        for wanted, known in (
            (asked.cores, has.cores),
            (asked.ram_mb, has.ram_mb),
            (asked.disk_mb, has.disk_mb),
        )
    )


def _is_clockers(held: Mapping[str, Any]) -> bool:
    tags = held.get("tags", {})
    return "clocker-cloud" in tags and "clocker-host" in tags


def _tags_of(request: HostRequest) -> dict[str, str]:
    ours = {"clocker-cloud": request.cloud, "clocker-host": request.id}
    return {**request.tags, **ours, "clocker-name": request.name}
