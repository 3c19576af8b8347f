"""The networks of a cloud: made on every host, removed from every host."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from clocker.addressing import carve, check_subnet, size
from clocker.bootstrap import Networks
from clocker.cloud import ledger
from clocker.cloud.hosts import ensure_current
from clocker.cloud.labels import check_network_name
from clocker.cloud.membership import sync
from clocker.cloud.nets import all_nets, lease_gateways, net_named
from clocker.cloud.steps import side_by_side
from clocker.errors import BadInput, BootstrapFailed, ClockerError, NameTaken
from clocker.interfaces import Parts, Transaction
from clocker.model import DEFAULT_NETWORK, Container, HostState, Net
from clocker.network.layout import Layout

_PREFIX = 24


@dataclass(frozen=True, slots=True)
class NetView:
    """A network and who is on it. ``addresses``: owners (``host/NAME``, ``container/NAME``) by
    address. ``total``: how many addresses may be given."""

    net: Net
    zone: str
    addresses: dict[str, str]
    total: int


def create(parts: Parts, name: str, *, prefix: int | None = None, subnet: str | None = None) -> Net:
    """A network of its own subnet on every host, and on those made later. Asking again for the
    same one completes what is missing. BadInput, NameTaken, NothingFits."""
    check_network_name(name)
    with parts.store.transaction() as tx:
        former = Networks.on_record(tx) if tx.network(name) is None else None
        net = tx.network(name) or _carved(parts, tx, name, prefix, subnet)
        if not _is_as_asked(net, prefix, subnet):
            raise NameTaken(
                f"the network {name!r} is there, with the subnet {net.subnet}", where="network"
            )
        tx.put_network(net)
        for host in tx.hosts():
            if host.state is not HostState.DELETING:
                lease_gateways(parts, tx, host.name)
        ledger.log(parts, tx, "network", name, "created", net.subnet)
    refresh(parts, former)
    parts.progress.done(name, f"{net.subnet} on every host")
    return net


def remove(parts: Parts, name: str) -> None:
    """Forget the network and take it off every host. Refused while containers are on it."""
    if name == DEFAULT_NETWORK:
        raise BadInput("the default network stays as long as the cloud", where="network")
    with parts.store.transaction() as tx:
        net = net_named(parts, tx, name)
        held = [item.name for item in tx.containers() if is_on(item, name)]
        if held:
            raise NameTaken(
                f"containers are on it: {', '.join(held)}",
                where=f"network {name}",
                remedy=f"clocker network detach {name} {held[0]}, or clocker rm {held[0]}",
            )
        former = Networks.on_record(tx)
        tx.delete_network(net.name)
        ledger.log(parts, tx, "network", name, "removed", net.subnet)
    refresh(parts, former)
    parts.progress.done(name, "removed from every host")


def is_on(container: Container, network: str) -> bool:
    return any(item.network == network for item in container.endpoints)


def views(parts: Parts) -> tuple[NetView, ...]:
    with parts.store.read() as tx:
        return tuple(_view(parts, tx, net) for net in all_nets(parts, tx))


def view(parts: Parts, name: str) -> NetView:
    with parts.store.read() as tx:
        return _view(parts, tx, net_named(parts, tx, name))


def refresh(parts: Parts, former: Networks | None = None) -> None:
    """Bring every ready host up to what the networks are now; ``former``: what they were until
    now, where that is known. A host that is away is reported: it is on record, and the next
    ``up`` completes it."""
    with parts.store.read() as tx:
        hosts = [host for host in tx.hosts() if host.state is HostState.READY]
    failures: list[ClockerError] = []
    with side_by_side(min(parts.spec.hosts.concurrency, len(hosts))) as pool:
        jobs = {
            pool.submit(ensure_current, parts, host.id, ask=True, former=former): host
            for host in hosts
        }
        for job, host in jobs.items():
            try:
                job.result()
            except ClockerError as error:
                error.where = error.where or f"host {host.name}"
                failures.append(error)
    sync(parts)
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(hosts)} hosts were not told; it is on record, and "
            "clocker up completes it",
            failures=failures,
        )


def _is_as_asked(net: Net, prefix: int | None, subnet: str | None) -> bool:
    return subnet in (None, net.subnet) and prefix in (None, IPv4Network(net.subnet).prefixlen)


def _carved(
    parts: Parts, tx: Transaction, name: str, prefix: int | None, subnet: str | None
) -> Net:
    if subnet is not None and prefix is not None:
        raise BadInput("give a size or a subnet, not both", where="size")
    pool = parts.spec.network.pool
    taken = {net.name: net.subnet for net in all_nets(parts, tx)}
    if subnet is None:
        subnet = carve(pool, prefix or _PREFIX, tuple(taken.values()))
    else:
        subnet = check_subnet(subnet, pool, taken)
    return Net(name, subnet, parts.clock())


def _view(parts: Parts, tx: Transaction, net: Net) -> NetView:
    held = {item.address: item.owner for item in tx.leases() if item.network == net.name}
    reserved = parts.spec.network.reserved if net.name == DEFAULT_NETWORK else ()
    zone = Layout(parts.spec.name, net.name).zone
    return NetView(net, zone, held, size(net.subnet, reserved))
