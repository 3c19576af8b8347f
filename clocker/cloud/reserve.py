"""Step 1 of a request: decide, and book in the transaction that decides."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from clocker.addressing import mac_of
from clocker.cloud import ledger
from clocker.cloud.key_pairs import public_key
from clocker.cloud.labels import check_aliases, check_hostname, check_labels, check_name
from clocker.cloud.leases import lease
from clocker.cloud.nets import lease_gateways, net_named
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
    Port,
    Resources,
)
from clocker.placement import place, rules_for

CHOSEN_PORTS = range(20000, 30000)
NEW_HOST = "new host"


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
    with parts.store.transaction() as tx:
        views = {view.host.id: view for view in views_of(tx)}
        return [_reserve_one(parts, tx, views, request) for request in requests]


def views_of(tx: Transaction) -> list[HostView]:
    """Every host with what is booked on it, also by what is moving there."""
    held: dict[str, list[Container]] = {}
    for container in tx.containers():
        held.setdefault(container.host_id, []).append(container)
        if move := container.move:
            there = replace(container, host_id=move.host_id, ports=move.ports)
            held.setdefault(move.host_id, []).append(there)
    return [HostView(host, tuple(held.get(host.id, ()))) for host in tx.hosts()]


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


def intend_host(parts: Parts, tx: Transaction, provider: str = "") -> Host:
    """Store the intent to make one more host, before any provider hears of it."""
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
        created_at=parts.clock(),
        work=ledger.new_work(parts, tx),
    )
    tx.put_host(host)
    lease_gateways(parts, tx, name)
    ledger.log(parts, tx, "host", name, "requested")
    return host


def _reserve_one(
    parts: Parts, tx: Transaction, views: dict[str, HostView], request: ContainerRequest
) -> Reservation:
    if request.name and (there := tx.container(request.name)):
        return _already(there, views[there.host_id].host, request)
    rules = rules_for(parts.spec.rules, request)
    placement = place(tuple(views.values()), request, rules)
    host = placement.host
    if host is None:
        reasons = {n: tuple(map(str, why)) for n, why in placement.refusals.items()}
        host = _grow(parts, tx, tuple(views.values()), request, reasons)
    view = views.get(host.id, HostView(host))
    booked = _book(parts, tx, view, request)
    views[host.id] = replace(view, containers=(*view.containers, booked.container))
    return booked


def _already(there: Container, host: Host, request: ContainerRequest) -> Reservation:
    if there.state is ContainerState.RUNNING and there.request == request:
        return Reservation(there, host, existing=True)
    raise NameTaken(
        f"the name {there.name!r} is taken by a container that is {there.state}",
        where=f"host {host.name}",
        remedy=f"choose another name, or remove it: clocker rm {there.name}",
    )


def _grow(
    parts: Parts,
    tx: Transaction,
    views: Sequence[HostView],
    request: ContainerRequest,
    reasons: dict[str, tuple[str, ...]],
) -> Host:
    """A new host for the request, if it would do there and the cloud may have one more."""
    pool = parts.spec.hosts
    shape = pool.shape
    imagined = Host(
        "", NEW_HOST, pool.providers[0], HostState.REQUESTED, _unknown_as_endless(shape), ""
    )
    rules = rules_for(parts.spec.rules, request)
    trial = place((HostView(imagined),), request, rules)
    if trial.host is None:
        reasons[NEW_HOST] = tuple(map(str, trial.refusals[NEW_HOST]))
        remedy = "ask for less, or give the cloud's hosts a larger shape in clocker.yaml"
    elif len(views) >= pool.maximum:
        reasons[NEW_HOST] = (f"the cloud has {len(views)} of at most {pool.maximum} hosts",)
        remedy = "raise hosts.maximum in clocker.yaml, or remove containers"
    else:
        return intend_host(parts, tx)
    raise NothingFits(
        f"no host can take a container of {request.image}", reasons=reasons, remedy=remedy
    )


def _unknown_as_endless(shape: Resources) -> Resources:
    """A shape that leaves an amount to the provider is not held against the request."""
    return Resources(shape.cores or 1e9, shape.ram_mb or 10**9, shape.disk_mb or 10**12)


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
