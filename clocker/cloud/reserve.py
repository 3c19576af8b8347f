"""Step 1 of a request: decide, and book in the transaction that decides."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clocker.addressing import mac_of
from clocker.cloud import ledger
from clocker.cloud.decide import Offers, decide
from clocker.cloud.key_pairs import public_key
from clocker.cloud.labels import check_aliases, check_hostname, check_labels, check_name
from clocker.cloud.leases import lease
from clocker.cloud.nets import lease_gateways, net_named
from clocker.cloud.offers import with_offers
from clocker.cloud.usage import refresh, usage_of
from clocker.errors import BadInput, NameTaken, NothingFits
from clocker.interfaces import Parts, Transaction
from clocker.model import (
    DEFAULT_NETWORK,
    Container,
    ContainerRequest,
    ContainerState,
    Endpoint,
    Host,
    HostState,
    HostView,
    Offer,
    Port,
)
from clocker.placement import Fleet

CHOSEN_PORTS = range(20000, 30000)


@dataclass(frozen=True, slots=True)
class Reservation:
    """``existing``: the very same request had been granted before; nothing was booked now.
    ``used_before``: the address may still be known at another place."""

    container: Container
    host: Host
    existing: bool = False
    used_before: bool = False


def reserve(parts: Parts, requests: Sequence[ContainerRequest]) -> list[Reservation]:
    """Book all of ``requests``, or none: a place, a name, an address and host ports each; on a
    host that is stored as requested when no other would do. NothingFits, NameTaken, BadInput."""
    for request in requests:
        check(request)
    refresh(parts, requests)
    return with_offers(parts, lambda offers: _reserve_all(parts, requests, offers))


def views_of(tx: Transaction, now: float | None = None) -> list[HostView]:
    """Every host with what is booked on it, also by what is moving there; with how busy it is,
    where that was measured, if somebody wants to know it ``now``."""
    held: dict[str, list[Container]] = {}
    for container in tx.containers():
        held.setdefault(container.host_id, []).append(container)
        if move := container.move:
            there = replace(container, host_id=move.host_id, ports=move.ports)
            held.setdefault(move.host_id, []).append(there)
    usage = {} if now is None else usage_of(tx, now)
    return [HostView(host, tuple(held.get(host.id, ())), usage.get(host.id)) for host in tx.hosts()]


def check(request: ContainerRequest) -> None:
    """BadInput for what no host could ever run."""
    if request.name is not None:
        check_name(request.name)
    check_aliases(request.aliases, request.name)
    check_labels(request.labels)
    check_hostname(request.hostname)
    if len(request.networks) != len(set(request.networks)):
        raise BadInput("the same network is named twice", where="networks")
    if request.ssh_keys and not request.ssh:
        raise BadInput("keys are of no use without an sshd", where="ssh_keys", remedy="ask for ssh")
    for key in request.ssh_keys:
        public_key(key)
    need = request.resources
    if min(need.cores, need.ram_mb, need.disk_mb) < 0:
        raise BadInput("resources cannot be negative", where="resources")
    if 0 < need.ram_mb < 6:
        raise BadInput("an engine gives a container at least 6 MiB of RAM", where="resources.ram")
    for port in request.ports:
        if not (0 < port.container < 65536 and 0 <= port.host_port < 65536):
            raise BadInput(f"no such port: {port.host_port}:{port.container}", where="ports")
    fixed = [(port.host_port, port.protocol) for port in request.ports if port.host_port]
    if len(fixed) != len(set(fixed)):
        raise BadInput("the same host port is asked for twice", where="ports")


def intend_host(
    parts: Parts, tx: Transaction, provider: str = "", offer: Offer | None = None
) -> Host:
    """Store the intent to make one more host, before any provider hears of it. ``offer``: what
    it is expected to be; it is known for certain when it is made."""
    spec = parts.spec
    host_id = parts.new_id()
    name = f"{spec.name}-{host_id[:6]}"
    address = lease(parts, tx, f"host/{name}").address
    host = Host(
        id=host_id,
        name=name,
        provider=provider or spec.hosts.providers[0],
        state=HostState.REQUESTED,
        capacity=spec.hosts.shape,
        gateway=address,
        region=offer.region if offer else None,
        zone=offer.zone if offer else None,
        price_hour=offer.price_hour if offer else None,
        created_at=parts.clock(),
        work=ledger.new_work(parts, tx),
    )
    tx.put_host(host)
    lease_gateways(parts, tx, name)
    ledger.log(parts, tx, "host", name, "requested")
    return host


def _reserve_all(
    parts: Parts, requests: Sequence[ContainerRequest], offers: Offers | None
) -> list[Reservation]:
    with parts.store.transaction() as tx:
        fleet = Fleet(views_of(tx, parts.clock()))
        return [_reserve_one(parts, tx, fleet, request, offers) for request in requests]


def _reserve_one(
    parts: Parts, tx: Transaction, fleet: Fleet, request: ContainerRequest, offers: Offers | None
) -> Reservation:
    if request.name and (there := tx.container(request.name)):
        return already(there, fleet.view(there.host_id).host, request)
    decision = decide(parts.spec, fleet, request, offers)
    host = decision.host
    if decision.new:
        host = intend_host(parts, tx, host.provider, (offers or {}).get(host.provider))
        fleet.update(HostView(host))
    booked = _book(parts, tx, fleet.view(host.id), request)
    fleet.book(booked.container)
    return booked


def already(there: Container, host: Host, request: ContainerRequest) -> Reservation:
    if there.state is ContainerState.RUNNING and there.request == request:
        return Reservation(there, host, existing=True)
    raise NameTaken(
        f"the name {there.name!r} is taken by a container that is {there.state}",
        where=f"host {host.name}",
        remedy=f"choose another name, or remove it: clocker rm {there.name}",
    )


def _book(parts: Parts, tx: Transaction, view: HostView, request: ContainerRequest) -> Reservation:
    container_id = parts.new_id()
    name = request.name or _made_up_name(request.image, container_id)
    _refuse_shared_name(tx, name, request.aliases)
    used_before, endpoints = _lease_all(parts, tx, name, request)
    container = Container(
        id=container_id,
        name=name,
        host_id=view.host.id,
        state=ContainerState.CREATING,
        request=replace(request, name=name),
        address=endpoints[0].address,
        mac=endpoints[0].mac,
        attachments=endpoints[1:],
        ports=book_ports(view, request.ports),
        created_at=parts.clock(),
        work=ledger.new_work(parts, tx),
    )
    tx.put_container(container)
    ledger.log(parts, tx, "obtain", name, "booked", f"{request.image} on {view.host.name}")
    return Reservation(container, view.host, used_before=used_before)


def _lease_all(
    parts: Parts, tx: Transaction, name: str, request: ContainerRequest
) -> tuple[bool, tuple[Endpoint, ...]]:
    """A place on every network that the request names; whether an address was used before."""
    endpoints, used_before = [], False
    wanted = request.address
    for network in request.networks or (DEFAULT_NETWORK,):
        subnet = net_named(parts, tx, network).subnet
        owner = f"container/{name}"
        leased = lease(parts, tx, owner, wanted=wanted, network=network, subnet=subnet)
        endpoints.append(Endpoint(network, leased.address, mac_of(leased.address)))
        used_before, wanted = used_before or leased.used_before, None
    return used_before, tuple(endpoints)


def _refuse_shared_name(tx: Transaction, name: str, aliases: Sequence[str]) -> None:
    """An alias may be shared with other aliases, but not be somebody's name."""
    for other in tx.containers():
        if other.name in aliases or name in other.request.aliases:
            clash = other.name if other.name in aliases else name
            raise NameTaken(
                f"{clash!r} would be the name of one container and an alias of another",
                where="alias",
                remedy="choose another alias or name",
            )


def _made_up_name(image: str, container_id: str) -> str:
    base = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].split(":", maxsplit=1)[0].lower()
    stem = re.sub(r"[^a-z0-9]+", "-", base).strip("-")[:40] or "container"
    return f"{stem}-{container_id[:6]}"


def book_ports(view: HostView, wanted: tuple[Port, ...]) -> tuple[Port, ...]:
    """``wanted`` with a port of the host for each that leaves it open."""
    taken = {(p.host_port, p.protocol) for c in view.containers for p in c.ports}
    taken |= {(p.host_port, p.protocol) for p in wanted if p.host_port}
    booked = []
    for port in wanted:
        number = port.host_port or _choose_port(taken, port.protocol)
        taken.add((number, port.protocol))
        booked.append(replace(port, host_port=number))
    return tuple(booked)


def _choose_port(taken: set[tuple[int, str]], protocol: str) -> int:
    start = random.randrange(len(CHOSEN_PORTS))  # noqa: S311 - spreads ports, guards nothing
    for step in range(len(CHOSEN_PORTS)):
        number = CHOSEN_PORTS[(start + step) % len(CHOSEN_PORTS)]
        if (number, protocol) not in taken:
            return number
    raise NothingFits("every port that Clocker may choose is booked on the host")
