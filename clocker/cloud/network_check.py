"""Sends real packets between hosts and containers, and says what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker.cloud.causes import problems
from clocker.cloud.container_spec import engine_name
from clocker.cloud.defaults import SAMPLE
from clocker.cloud.findings import Findings, HostFinding, NameFinding, Path, Place, Problem
from clocker.cloud.membership import members_of
from clocker.cloud.names_check import judged, places_of, zone_of
from clocker.cloud.nets import all_nets, names_on, network_on
from clocker.cloud.networks import NetView, is_on, views
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Parts
from clocker.model import Container, ContainerState, Host, HostState, Net
from clocker.network import probe


@dataclass(frozen=True, slots=True)
class NetworkReport:
    findings: Findings
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """``hosts``: what each host says of each network."""

    driver: str
    nets: tuple[NetView, ...]
    hosts: tuple[HostFinding, ...]


@dataclass(frozen=True, slots=True)
class _Site:
    """A host on every network, the other hosts' underlay addresses, and its sampled containers."""

    host: Host
    places: tuple[tuple[Net, Host], ...]
    peers: tuple[str, ...]
    containers: tuple[Container, ...]


def check(parts: Parts, sample: int = SAMPLE) -> NetworkReport:
    """Reachability and MTU between all pairs of hosts and ``sample`` containers per network,
    what the hosts say of encryption and peers, and names."""
    sites = _sites(parts, sample)
    with side_by_side(min(parts.spec.hosts.concurrency, len(sites))) as pool:
        links = [found for those in pool.map(lambda s: _links(parts, s), sites) for found in those]
        here = [found for those in pool.map(lambda s: _places(parts, s), sites) for found in those]
        away = {found.host for found in links if found.error}
        alive = [site for site in sites if site.host.name not in away]
        paths = pool.map(lambda s: _paths(parts, s, here, links), alive)
        names = pool.map(lambda s: _names(parts, s), alive)
        findings = Findings(
            tuple(links),
            tuple(path for those in paths for path in those),
            tuple(found for those in names for found in those),
            parts.spec.network.encryption,
        )
    return NetworkReport(findings, problems(findings, parts.spec.network.port))


def status(parts: Parts) -> NetworkStatus:
    sites = _sites(parts, 0)
    with side_by_side(min(parts.spec.hosts.concurrency, len(sites))) as pool:
        found = [link for links in pool.map(lambda s: _links(parts, s), sites) for link in links]
    return NetworkStatus(parts.spec.network.driver, views(parts), tuple(found))


def _sites(parts: Parts, sample: int) -> list[_Site]:
    with parts.store.read() as tx:
        hosts = [host for host in tx.hosts() if host.state is HostState.READY]
        chosen = [
            container
            for net in all_nets(parts, tx)
            for container in _sampled(tx.containers(), net.name, sample)
        ]
        return [
            _Site(
                host,
                tuple(places_of(tx, parts, host)),
                tuple(sorted(h.address or "" for h in members_of(tx) if h.id != host.id)),
                tuple({c.id: c for c in chosen if c.host_id == host.id}.values()),
            )
            for host in hosts
        ]


def _sampled(containers: Sequence[Container], network: str, sample: int) -> list[Container]:
    """As many, from as many hosts as can be."""
    by_host: dict[str, list[Container]] = {}
    for container in containers:
        if container.state is ContainerState.RUNNING and is_on(container, network):
            by_host.setdefault(container.host_id, []).append(container)
    ranked = [(n, c.name, c) for held in by_host.values() for n, c in enumerate(held)]
    return [container for _, _, container in sorted(ranked, key=lambda r: r[:2])[:sample]]


def _links(parts: Parts, site: _Site) -> list[HostFinding]:
    found = []
    for net, host in site.places:
        try:
            link = network_on(parts, net).status(parts.connections.shell(host))
        except ClockerError as error:
            return [HostFinding(net.name, host.name, error=error.what)]
        found.append(HostFinding(net.name, host.name, link, peers=site.peers))
    return found


def _places(parts: Parts, site: _Site) -> list[Place]:
    """Of the host, and of those of its sampled containers that run."""
    found = [Place(net.name, host.name, host.name, host.gateway) for net, host in site.places]
    for container in site.containers:
        try:
            engine = parts.connections.engine(site.host)
            pid = engine.inspect(engine_name(parts.spec.name, container.name)).pid
        except ClockerError:
            continue
        found += [
            Place(endpoint.network, container.name, site.host.name, endpoint.address, pid)
            for endpoint in container.endpoints
            if pid
        ]
    return found


def _paths(
    parts: Parts, site: _Site, places: Sequence[Place], links: Sequence[HostFinding]
) -> list[Path]:
    own = [found for found in links if found.host == site.host.name]
    mtus = {found.network: found.link.mtu for found in own if found.link}
    tried = [
        (source, target)
        for source in places
        for target in places
        if source.host == site.host.name
        and source.network == target.network
        and source.address != target.address
        and mtus.get(source.network)
    ]
    probes = [
        probe.Probe(source.address, target.address, mtus[source.network], source.pid)
        for source, target in tried
    ]
    try:
        reached = probe.send(parts.connections.shell(site.host), probes)
    except ClockerError as error:
        parts.progress.failed(site.host.name, f"sent no packets: {error.what}")
        reached = [None] * len(probes)
    return [
        Path(source, target, mtu, mtus[source.network])
        for (source, target), mtu in zip(tried, reached, strict=True)
    ]


def _names(parts: Parts, site: _Site) -> list[NameFinding]:
    found: list[NameFinding] = []
    for net, host in site.places:
        with parts.store.read() as tx:
            zone = zone_of(tx, net.name)
        sample = list(zone)[: SAMPLE * 2]
        try:
            answers = names_on(parts, net).ask(parts.connections.shell(host), host, sample)
        except ClockerError:
            answers = dict.fromkeys(sample)
        found += judged(net.name, host.name, zone, answers)
    return found
