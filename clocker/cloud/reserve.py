"""Step 1 of a request: decide, and book in the transaction that decides."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from clocker.addressing import mac_of
from clocker.cloud import ledger
from clocker.cloud.decide import Offers, decide
from clocker.cloud.host_ports import book_ports
from clocker.cloud.host_views import views_with
from clocker.cloud.intend import intend
from clocker.cloud.leases import Addresses
from clocker.cloud.nets import net_named
from clocker.cloud.offers import with_offers
from clocker.cloud.request_check import check
from clocker.cloud.usage import refresh
from clocker.errors import MoreHostsNeeded, NameTaken
from clocker.images.install import without_contents
from clocker.interfaces import Parts, Transaction
from clocker.model import (
    DEFAULT_NETWORK,
    Container,
    ContainerRequest,
    ContainerState,
    Endpoint,
    Host,
    HostView,
    RuleSpec,
)
from clocker.placement import Fleet

_Place: TypeAlias = tuple[str, str]
"""A network and a name there."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """``existing``: the very same request had been granted before; nothing was booked now.
    ``used_before``: the address may still be known at another place."""

    container: Container
    host: Host
    existing: bool = False
    used_before: bool = False


def reserve(
    parts: Parts,
    requests: Sequence[ContainerRequest],
    new_hosts: int | None = None,
    on: Mapping[str, str] | None = None,
) -> list[Reservation]:
    """Book all of ``requests``, or none: a place, a name, an address and host ports each; on a
    host that is stored as requested when no other would do. NothingFits, NameTaken, BadInput;
    MoreHostsNeeded where that would be more than ``new_hosts``. ``on``: names of hosts, by the
    names of containers that may be on no other."""
    for request in requests:
        check(request)
    refresh(parts, requests)
    return with_offers(
        parts, lambda offers: _reserve_all(parts, requests, offers, new_hosts, on or {})
    )


def already(there: Container, host: Host, request: ContainerRequest) -> Reservation:
    if there.state is ContainerState.RUNNING and _plain(there.request) == _plain(request):
        return Reservation(there, host, existing=True)
    raise NameTaken(
        f"the name {there.name!r} is taken by a container that is {there.state}",
        where=f"host {host.name}",
        remedy=f"choose another name, or remove it: clocker rm {there.name}",
    )


def _plain(request: ContainerRequest) -> ContainerRequest:
    """Of what is to be installed the contents may not be on record, only what they are."""
    return replace(request, install=without_contents(request.install))


def _reserve_all(
    parts: Parts,
    requests: Sequence[ContainerRequest],
    offers: Offers | None,
    new_hosts: int | None,
    on: Mapping[str, str],
) -> list[Reservation]:
    with parts.store.transaction() as tx:
        bookings = _Bookings(parts, tx, offers, new_hosts)
        booked = [bookings.reserve(request, on.get(request.name or "")) for request in requests]
        bookings.store()
        return booked


class _Bookings:
    """Those of one transaction. What is on record is read once, and kept in step with what is
    decided; containers and leases are stored together at the end."""

    def __init__(
        self, parts: Parts, tx: Transaction, offers: Offers | None, new_hosts: int | None
    ) -> None:
        there = tx.containers()
        self._new_hosts_left = new_hosts
        self._parts, self._tx, self._offers = parts, tx, offers
        self._fleet = Fleet(views_with(tx, there, parts.clock()))
        self._addresses = Addresses(parts, tx)
        self._named = {container.name: container for container in there}
        self._names, self._aliases = set[_Place](), set[_Place]()
        for container in there:
            self._note_names(container.name, container.request)
        self._work = ledger.new_work(parts, tx)
        self._made: list[Container] = []

    def reserve(self, request: ContainerRequest, on: str | None = None) -> Reservation:
        if found := self._named.get(request.name or ""):
            return already(found, self._fleet.view(found.host_id).host, request)
        decision = decide(self._parts.spec, self._fleet, _bound(request, on), self._offers)
        host = self._intend(decision.host) if decision.new else decision.host
        booked = self._book(self._fleet.view(host.id), request)
        self._made.append(booked.container)
        self._fleet.book(booked.container)
        self._named[booked.container.name] = booked.container
        self._note_names(booked.container.name, request)
        return booked

    def store(self) -> None:
        self._addresses.store()
        self._tx.insert_containers(self._made)
        details = (
            (made.name, f"{made.request.image} on {self._fleet.view(made.host_id).host.name}")
            for made in self._made
        )
        ledger.log_all(self._parts, self._tx, "obtain", "booked", details)

    def _intend(self, imagined: Host) -> Host:
        if self._new_hosts_left == 0:
            raise MoreHostsNeeded(
                "none of the hosts has room, and another one may not be made for this",
                remedy="allow more new hosts",
            )
        if self._new_hosts_left is not None:
            self._new_hosts_left -= 1
        self._addresses.store()
        host = intend(self._parts, self._tx, imagined)
        self._fleet.update(HostView(host))
        self._addresses = Addresses(self._parts, self._tx)  # the host has leased some too
        return host

    def _book(self, view: HostView, request: ContainerRequest) -> Reservation:
        container_id = self._parts.new_id()
        name = request.name or _made_up_name(request.image, container_id, self._named)
        self._refuse_shared_name(name, request)
        used_before, endpoints = self._lease_all(name, request)
        container = Container(
            id=container_id,
            name=name,
            host_id=view.host.id,
            state=ContainerState.CREATING,
            request=request if request.name else replace(request, name=name),
            address=endpoints[0].address,
            mac=endpoints[0].mac,
            attachments=endpoints[1:],
            ports=book_ports(view, request.ports),
            created_at=self._parts.clock(),
            work=self._work,
        )
        return Reservation(container, view.host, used_before=used_before)

    def _lease_all(self, name: str, request: ContainerRequest) -> tuple[bool, tuple[Endpoint, ...]]:
        """A place on every network that the request names; whether an address was used before."""
        endpoints, used_before = [], False
        wanted = request.address
        for network in request.networks or (DEFAULT_NETWORK,):
            leased = self._addresses.lease(
                f"container/{name}", wanted=wanted, network=network, subnet=self._subnet(network)
            )
            endpoints.append(Endpoint(network, leased.address, mac_of(leased.address)))
            used_before, wanted = used_before or leased.used_before, None
        return used_before, tuple(endpoints)

    def _subnet(self, network: str) -> str:
        if network == DEFAULT_NETWORK:
            return self._parts.spec.network.subnet
        return net_named(self._parts, self._tx, network).subnet

    def _note_names(self, name: str, request: ContainerRequest) -> None:
        for network in request.networks or (DEFAULT_NETWORK,):
            self._names.add((network, name))
            self._aliases.update((network, alias) for alias in request.aliases)

    def _refuse_shared_name(self, name: str, request: ContainerRequest) -> None:
        """An alias may be shared with other aliases, but not be somebody's name on the same
        network."""
        clashes = [
            clash
            for network in request.networks or (DEFAULT_NETWORK,)
            for clash in (
                *(alias for alias in request.aliases if (network, alias) in self._names),
                *([name] if (network, name) in self._aliases else []),
            )
        ]
        if clashes:
            raise NameTaken(
                f"{clashes[0]!r} would be the name of one container and an alias of another",
                where="alias",
                remedy="choose another alias or name",
            )


def _bound(request: ContainerRequest, host: str | None) -> ContainerRequest:
    """For this decision only: later it may move."""
    if host is None:
        return request
    return replace(request, rules=(*request.rules, RuleSpec("hostname", {"pattern": host})))


def _made_up_name(image: str, container_id: str, taken: Collection[str]) -> str:
    """Six digits of the id, and as many more as it takes: of thousands some begin alike."""
    base = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].split(":", maxsplit=1)[0].lower()
    stem = re.sub(r"[^a-z0-9]+", "-", base).strip("-")[:40] or "container"
    names = (f"{stem}-{container_id[:digits]}" for digits in range(6, len(container_id) + 1))
    return next(name for name in names if name not in taken)
