"""Rebuilds a lost store from what the machines themselves carry: tags on hosts, labels on
containers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from clocker.addressing import mac_of
from clocker.bootstrap import check
from clocker.bootstrap.own_registries import add_own, is_registry
from clocker.cloud import ledger, removals
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.membership import sync
from clocker.cloud.names import publish
from clocker.cloud.nets import all_nets, lease_gateways
from clocker.cloud.ownership import Whose, mark_of, whose
from clocker.cloud.remnants import Thing
from clocker.cloud.reports import AdoptReport
from clocker.errors import ClockerError, InfrastructureError
from clocker.interfaces import Engine, Parts, Transaction
from clocker.model import (
    DEFAULT_NETWORK,
    Container,
    ContainerRequest,
    ContainerState,
    ContainerStatus,
    Endpoint,
    Host,
    HostState,
    Lease,
    Net,
    Node,
    Remnant,
    RemnantKind,
)
from clocker.network.layout import Layout


def adopt(parts: Parts) -> AdoptReport:
    """Take every host that carries this cloud's tags, and every container on it with this
    cloud's labels, into the store, unless they are there. Hosts that are away are reported
    and can be adopted later. Idempotent."""
    with parts.store.read() as tx:
        known = {host.id for host in tx.hosts()}
    nodes = [
        (name, node)
        for name, provider in parts.providers.items()
        for node in provider.list(parts.spec.name)
        if node.tags.get("clocker-host") not in known
    ]
    hosts = [host for host in (_adopt_host(parts, *found) for found in nodes) if host]
    with parts.store.read() as tx:
        all_hosts = [host for host in tx.hosts() if host.state is HostState.READY]
    containers = [name for host in all_hosts for name in _adopt_containers(parts, host)]
    _adopt_registries(parts, containers)
    if hosts or containers:
        sync(parts)
    return AdoptReport(tuple(host.name for host in hosts), tuple(containers))


def _adopt_registries(parts: Parts, names: Sequence[str]) -> None:
    with parts.store.read() as tx:
        found = [container for name in names if (container := tx.container(name))]
    for container in found:
        if is_registry(container):
            add_own(parts, container.name)


def adopt_container(parts: Parts, host: Host, container_id: str) -> Container | None:
    """Take one container that is on no record into the store; None when it is gone, or on record
    meanwhile. NameTaken when somebody has its name or address."""
    engine = parts.connections.engine(host)
    labels = {CLOUD_LABEL: parts.spec.name, "clocker.id": container_id}
    whole = [status for status in engine.list(labels) if "clocker.request" in status.labels]
    if not whole:
        return None
    found = _container_of(parts, host, engine, whole[0])
    with parts.store.transaction() as tx:
        if any(container.id == container_id for container in tx.containers()):
            return None
        _take_in(parts, tx, host, found)
    publish(parts, [found])
    return found


def _adopt_host(parts: Parts, provider: str, node: Node) -> Host | None:
    try:
        host = _host_of(parts, provider, node)
        found = check(parts.connections.shell(host), parts.spec.name)
        capacity = parts.connections.engine(host).info().resources
    except ClockerError as error:
        parts.progress.failed(node.name, f"not adopted: {error.what}")
        return None
    host = replace(host, stamp=found.bootstrap, capacity=capacity, tunnel_key=found.tunnel_key)
    thing = Thing(provider, Remnant(RemnantKind.MACHINE, node.id, node.name))
    with parts.store.transaction() as tx:
        if removals.is_begun(parts, tx, thing):
            parts.progress.failed(node.name, "not adopted: clocker gc is removing it")
            return None
        tx.put_host(host)
        tx.put_lease(Lease(DEFAULT_NETWORK, host.gateway, f"host/{host.name}"))
        for name, subnet, gateway in found.networks:
            tx.put_network(tx.network(name) or Net(name, subnet, parts.clock()))
            tx.put_lease(Lease(name, gateway, f"host/{host.name}"))
        ledger.log(parts, tx, "adopt", host.name, "host")
    parts.progress.done(host.name, "adopted")
    return host


def _host_of(parts: Parts, provider: str, node: Node) -> Host:
    if whose(mark_of(parts.keys), parts.spec.name, node.tags) is Whose.OTHERS:
        raise InfrastructureError(
            "it was made by another cloud of this name, with another key",
            where=f"machine {node.name}",
        )
    try:
        host_id, gateway = node.tags["clocker-host"], node.tags["clocker-gateway"]
    except KeyError as missing:
        raise InfrastructureError(
            f"it lacks the tag {missing}", where=f"machine {node.name}"
        ) from missing
    if node.access is None:
        raise InfrastructureError("it has no address", where=f"machine {node.name}")
    derived = parts.keys.derive("host", host_id).public
    access = node.access
    if not access.local:
        expected = replace(access, host_keys=access.host_keys or (derived,))
        access = parts.connections.await_ssh(expected, timeout_s=30)
    return Host(
        id=host_id,
        name=node.tags.get("clocker-name", node.name),
        provider=provider,
        state=HostState.READY,
        capacity=parts.spec.hosts.shape,
        gateway=gateway,
        node_id=node.id,
        access=access,
        address=node.private_address or access.address,
        region=node.region,
        zone=node.zone,
        created_at=parts.clock(),
    )


def _adopt_containers(parts: Parts, host: Host) -> list[str]:
    engine = parts.connections.engine(host)
    with parts.store.read() as tx:
        known = {container.id for container in tx.containers()}
    found = [
        _container_of(parts, host, engine, status)
        for status in engine.list({CLOUD_LABEL: parts.spec.name})
        if status.labels.get("clocker.id") not in known and "clocker.request" in status.labels
    ]
    with parts.store.transaction() as tx:
        lease_gateways(parts, tx, host.name)
        for container in found:
            _take_in(parts, tx, host, container)
    return [container.name for container in found]


def _take_in(parts: Parts, tx: Transaction, host: Host, container: Container) -> None:
    tx.put_container(container)
    for endpoint in container.endpoints:
        tx.put_lease(Lease(endpoint.network, endpoint.address, f"container/{container.name}"))
    ledger.log(parts, tx, "adopt", container.name, "container", host.name)


def _container_of(parts: Parts, host: Host, engine: Engine, status: ContainerStatus) -> Container:
    labels = status.labels
    request = msgspec.json.decode(labels["clocker.request"], type=ContainerRequest)
    first = labels["clocker.address"]
    environment = engine.environment(status.engine_id)
    request = replace(request, env={name: environment.get(name) for name in request.env})
    key = parts.keys.derive("container", labels["clocker.id"]).public
    attachments = tuple(
        endpoint for endpoint in _endpoints(parts, status) if endpoint.address != first
    )
    running = status.state in ("running", "restarting", "paused")
    return Container(
        id=labels["clocker.id"],
        name=labels["clocker.name"],
        host_id=host.id,
        state=ContainerState.RUNNING if running else ContainerState.STOPPED,
        request=request,
        address=first,
        mac=mac_of(first),
        attachments=attachments,
        ports=status.ports or request.ports,
        engine_id=status.engine_id,
        image_id=status.image_id,
        ssh_host_key=key if request.ssh else None,
        created_at=parts.clock(),
    )


def _endpoints(parts: Parts, status: ContainerStatus) -> list[Endpoint]:
    """Its places on the cloud's networks, by what the engine calls these."""
    with parts.store.read() as tx:
        known = {Layout(parts.spec.name, net.name).network: net.name for net in all_nets(parts, tx)}
    return [
        Endpoint(known[network], address, mac_of(address))
        for network, address in status.networks.items()
        if network in known
    ]
