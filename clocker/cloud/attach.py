"""Puts containers on further networks of the cloud, and takes them off."""

from __future__ import annotations

from dataclasses import replace

from clocker.addressing import mac_of
from clocker.cloud import ledger
from clocker.cloud.announce import announce
from clocker.cloud.container_spec import engine_name
from clocker.cloud.hosts import ensure_current
from clocker.cloud.leases import lease
from clocker.cloud.names import publish, withdraw
from clocker.cloud.nets import attachment, net_named, network_named, on_endpoint
from clocker.cloud.release import not_found
from clocker.errors import BadInput, ClockerError, NameTaken, NotFound
from clocker.interfaces import Engine, Parts, Transaction
from clocker.model import DEFAULT_NETWORK, Container, ContainerState, Endpoint, Host


def attach(parts: Parts, name: str, network: str, *, address: str | None = None) -> Endpoint:
    """Put the container on the network, with a leased address and its names there. Asking again
    completes what is missing. NotFound, NameTaken, NothingFits."""
    container, endpoint, used_before = _book(parts, name, network, address)
    host = ensure_current(parts, container.host_id)
    engine = parts.connections.engine(host)
    try:
        connect(parts, engine, container, endpoint)
        publish(parts, [container], endpoint.network)
        if used_before:
            announce(parts, engine, host, container, container.engine_id or _engine(parts, name))
    except ClockerError:
        _undo(parts, engine, container, endpoint)
        raise
    _confirm(parts, container, endpoint)
    parts.progress.done(name, f"on network {network} at {endpoint.address}")
    return endpoint


def detach(parts: Parts, name: str, network: str) -> None:
    """Take the container off; its address there is free. NotFound when it is not on it;
    BadInput for its first network, which is its own as long as it lives."""
    with parts.store.read() as tx:
        container = _settled(parts, tx, name)
        host = tx.host(container.host_id)
    endpoint = next((e for e in container.endpoints if e.network == network), None)
    if endpoint is None or host is None:
        raise NotFound(f"{name} is not on network {network!r}", where=f"container {name}")
    if network == container.network:
        raise BadInput(
            f"{network} is the first network of {name}, which gives it its address",
            where=f"container {name}",
            remedy=f"remove the container instead: clocker rm {name}",
        )
    _take_off(parts, parts.connections.engine(host), container, endpoint)
    _forget(parts, container, endpoint)
    parts.progress.done(name, f"off network {network}")


def connect_all(parts: Parts, engine: Engine, container: Container, engine_id: str) -> None:
    """Every network besides the first, which creation saw to."""
    for endpoint in container.attachments:
        engine.connect(engine_id, attachment(parts, container, endpoint))


def ensure_networks(parts: Parts, host: Host, container: Container) -> None:
    """The host may have been made while one of the container's networks was."""
    if any(endpoint.network != DEFAULT_NETWORK for endpoint in container.endpoints):
        ensure_current(parts, host.id)


def connect(parts: Parts, engine: Engine, container: Container, endpoint: Endpoint) -> None:
    engine.connect(_engine(parts, container.name), attachment(parts, container, endpoint))


def _book(
    parts: Parts, name: str, network: str, address: str | None
) -> tuple[Container, Endpoint, bool]:
    with parts.store.transaction() as tx:
        net = net_named(parts, tx, network)
        container = _settled(parts, tx, name)
        for endpoint in container.endpoints:
            if endpoint.network == network:
                if address not in (None, endpoint.address):
                    raise NameTaken(
                        f"{name} is on network {network} with the address {endpoint.address}",
                        remedy=f"detach it first: clocker network detach {network} {name}",
                    )
                return container, endpoint, False
        leased = lease(
            parts, tx, f"container/{name}", wanted=address, network=network, subnet=net.subnet
        )
        endpoint = Endpoint(network, leased.address, mac_of(leased.address))
        container = replace(container, attachments=(*container.attachments, endpoint))
        tx.put_container(container)
        ledger.log(parts, tx, "attach", name, "booked", f"{network} {endpoint.address}")
        return container, endpoint, leased.used_before


def _settled(parts: Parts, tx: Transaction, name: str) -> Container:
    container = tx.container(name)
    if container is None:
        raise not_found(parts, name)
    if container.state not in (ContainerState.RUNNING, ContainerState.STOPPED):
        raise NameTaken(
            f"it is {container.state}", where=f"container {name}", remedy="try again later"
        )
    return container


def _undo(parts: Parts, engine: Engine, container: Container, endpoint: Endpoint) -> None:
    """The error that is on its way is more telling than one from here. What is left is on
    record: the same command completes it, and detach removes it."""
    try:
        _take_off(parts, engine, container, endpoint)
        _forget(parts, container, endpoint)
    except ClockerError as error:
        parts.progress.failed(container.name, f"not detached yet: {error.what}")


def _take_off(parts: Parts, engine: Engine, container: Container, endpoint: Endpoint) -> None:
    withdraw(parts, container, [endpoint])
    there = network_named(parts, endpoint.network).attachment(on_endpoint(container, endpoint))
    engine.disconnect(_engine(parts, container.name), there.network)


def _forget(parts: Parts, container: Container, endpoint: Endpoint) -> None:
    with parts.store.transaction() as tx:
        now = tx.container(container.name)
        if now is None or now.id != container.id:
            return
        rest = tuple(item for item in now.attachments if item != endpoint)
        tx.put_container(replace(now, attachments=rest))
        owner = f"container/{now.name}"
        tx.release_leases(owner, parts.clock(), network=endpoint.network)
        ledger.log(parts, tx, "detach", now.name, "removed", endpoint.network)


def _confirm(parts: Parts, container: Container, endpoint: Endpoint) -> None:
    """Who removed the container or the attachment meanwhile could not know of the names."""
    with parts.store.read() as tx:
        now = tx.container(container.name)
        gone = now is None or (now.id == container.id and endpoint not in now.attachments)
    if gone and endpoint in container.attachments:
        withdraw(parts, container, [endpoint])
        raise NotFound(f"{container.name} has been removed meanwhile", where="attach")


def _engine(parts: Parts, name: str) -> str:
    return engine_name(parts.spec.name, name)
