"""The networks of a cloud: drivers and names by a network's name, and the hosts' places."""

from __future__ import annotations

from dataclasses import replace

from clocker.cloud.leases import lease
from clocker.errors import NotFound
from clocker.interfaces import Names, Network, Parts, Transaction
from clocker.model import (
    DEFAULT_NETWORK,
    Attachment,
    Container,
    Endpoint,
    Host,
    Lease,
    Net,
)


def all_nets(parts: Parts, tx: Transaction) -> tuple[Net, ...]:
    """The default one, then the others."""
    return (Net(DEFAULT_NETWORK, parts.spec.network.subnet), *tx.networks())


def net_named(parts: Parts, tx: Transaction, name: str) -> Net:
    """NotFound when the cloud has no such network."""
    for net in all_nets(parts, tx):
        if net.name == name:
            return net
    raise NotFound(
        f"no network is called {name!r}",
        where=f"cloud {parts.spec.name}",
        remedy=f"clocker network ls lists them; clocker network create {name} makes it",
    )


def network_on(parts: Parts, net: Net) -> Network:
    return parts.network if net.name == DEFAULT_NETWORK else parts.network.of(net)


def names_on(parts: Parts, net: Net) -> Names:
    return parts.names if net.name == DEFAULT_NETWORK else parts.names.of(net)


def network_named(parts: Parts, name: str) -> Network:
    if name == DEFAULT_NETWORK:
        return parts.network
    with parts.store.read() as tx:
        return parts.network.of(net_named(parts, tx, name))


def names_named(parts: Parts, name: str) -> Names:
    if name == DEFAULT_NETWORK:
        return parts.names
    with parts.store.read() as tx:
        return parts.names.of(net_named(parts, tx, name))


def on_endpoint(container: Container, endpoint: Endpoint) -> Container:
    """The container as a driver of that network sees it."""
    return replace(container, address=endpoint.address, mac=endpoint.mac)


def attachment(parts: Parts, container: Container, endpoint: Endpoint) -> Attachment:
    network = network_named(parts, endpoint.network)
    return network.attachment(on_endpoint(container, endpoint))


def gateways(tx: Transaction) -> list[Lease]:
    """The hosts' addresses on the networks besides the default one."""
    further = {net.name for net in tx.networks()}
    return [
        item for item in tx.leases() if item.network in further and item.owner.startswith("host/")
    ]


def hosts_on(tx: Transaction, host: Host) -> list[tuple[Net, Host]]:
    """The further networks, with the host as their drivers see it."""
    own = {item.network: item.address for item in gateways(tx) if item.owner == f"host/{host.name}"}
    return [(net, replace(host, gateway=own[net.name])) for net in tx.networks() if net.name in own]


def lease_gateways(parts: Parts, tx: Transaction, host_name: str) -> None:
    """An address for the host on every further network where it has none yet."""
    owner = f"host/{host_name}"
    held = {item.network for item in tx.leases() if item.owner == owner}
    for net in tx.networks():
        if net.name not in held:
            lease(parts, tx, owner, network=net.name, subnet=net.subnet)
