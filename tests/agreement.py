"""Whether everybody says the same of a cloud: its store, its provider, the engines of its hosts and
its name servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clocker.addressing import mac_of
from clocker.cloud.membership import members_of
from clocker.interfaces import Parts
from clocker.model import (
    DEFAULT_NETWORK,
    Container,
    ContainerState,
    ContainerStatus,
    Host,
    HostState,
    Lease,
)

Zone = Callable[[Parts, Host], Mapping[str, str]]
"""What a host that serves the names would answer."""


def assert_agree(parts: Parts, zone: Zone) -> None:
    """And that nothing is half-done."""
    with parts.store.read() as tx:
        hosts, containers, leases = tx.hosts(), tx.containers(), tx.leases()
        nets = tx.networks()
        servers = parts.names.servers(members_of(tx))
    assert {h.name: (h.state, h.work) for h in hosts} == {
        h.name: (HostState.READY, None) for h in hosts
    }
    assert all(c.state in (ContainerState.RUNNING, ContainerState.STOPPED) for c in containers)
    assert [c.name for c in containers if c.work] == []

    machines = {
        node.tags["clocker-host"]: node.id
        for provider in parts.providers.values()
        for node in provider.list(parts.spec.name)
    }
    assert machines == {h.id: h.node_id for h in hosts}, "machines and hosts"
    _leases_agree(hosts, containers, leases, [DEFAULT_NETWORK, *(net.name for net in nets)])
    for host in hosts:
        assert _on_engine(parts, host) == {
            c.id: _as_recorded(c) for c in containers if c.host_id == host.id
        }, f"engine and store, {host.name}"
    places = [(c.name, e) for c in containers for e in c.endpoints]
    by_name = {name: place.address for name, place in places if place.network == DEFAULT_NETWORK}
    for server in servers:
        assert dict(zone(parts, server)) == by_name, server.name


def assert_nothing_left(parts: Parts) -> None:
    """After `down`, in the store and at the provider."""
    with parts.store.read() as tx:
        assert (list(tx.hosts()), list(tx.containers()), list(tx.leases())) == ([], [], [])
    for provider in parts.providers.values():
        assert list(provider.list(parts.spec.name)) == []


def _leases_agree(
    hosts: Sequence[Host],
    containers: Sequence[Container],
    leases: Sequence[Lease],
    networks: Sequence[str],
) -> None:
    held = {(lease.network, lease.owner): lease.address for lease in leases}
    assert len(set(held.values())) == len(held) == len(leases), "an address twice"
    owners = [f"host/{host.name}" for host in hosts]
    owned = {(net, owner): held.get((net, owner)) for owner in owners for net in networks}
    owned |= {(DEFAULT_NETWORK, f"host/{h.name}"): h.gateway for h in hosts}
    owned |= {
        (e.network, f"container/{c.name}"): e.address for c in containers for e in c.endpoints
    }
    assert held == owned, "leases and owners"


def _on_engine(parts: Parts, host: Host) -> dict[str, tuple[str, str, bool]]:
    """Containers by Clocker's id, which no two may share: (address, MAC, running)."""
    found = parts.connections.engine(host).list({"clocker.cloud": parts.spec.name})
    ids = [status.labels["clocker.id"] for status in found]
    assert len(ids) == len(set(ids)), f"a container twice on {host.name}: {ids}"
    return {status.labels["clocker.id"]: _as_seen(status) for status in found}


def _as_seen(status: ContainerStatus) -> tuple[str, str, bool]:
    address = status.labels["clocker.address"]
    if status.state == "running":
        assert status.address == address, status
    return address, mac_of(address), status.state == "running"


def _as_recorded(container: Container) -> tuple[str, str, bool]:
    return container.address, container.mac, container.state is ContainerState.RUNNING
