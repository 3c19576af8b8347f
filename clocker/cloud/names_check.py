"""What the hosts answer for the cloud's names, held against the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clocker.cloud.findings import NameFinding, NameState
from clocker.cloud.membership import members_of, record_of
from clocker.cloud.nets import all_nets, hosts_on, names_on
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Answer, Parts, Transaction
from clocker.model import DEFAULT_NETWORK, ContainerState, Host, HostState, Net
from clocker.network.layout import Layout

Zone = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DnsReport:
    """``zones``: by zone, addresses by name. ``findings``: of every name on every host.
    ``errors``: why a host could not be asked, by its name."""

    zones: Mapping[str, Zone]
    findings: tuple[NameFinding, ...]
    errors: Mapping[str, str]

    @property
    def is_right(self) -> bool:
        return not self.errors and all(f.state is NameState.RIGHT for f in self.findings)


def check_names(parts: Parts) -> DnsReport:
    """Ask the dnsmasq of every ready host for every name, as a container there would."""
    with parts.store.read() as tx:
        nets = all_nets(parts, tx)
        zones = {net.name: zone_of(tx, net.name) for net in nets}
        places = {host.name: places_of(tx, parts, host) for host in _ready(tx)}
        servers = {host.id for host in parts.names.servers(members_of(tx))}
    findings: list[NameFinding] = []
    errors: dict[str, str] = {}
    with side_by_side(min(parts.spec.hosts.concurrency, len(places))) as pool:
        jobs = {
            name: pool.submit(_ask_all, parts, on_nets, zones, servers)
            for name, on_nets in places.items()
        }
        for name, job in jobs.items():
            try:
                findings += job.result()
            except ClockerError as error:
                errors[name] = error.what
    named = {Layout(parts.spec.name, net.name).zone: zones[net.name] for net in nets}
    return DnsReport(named, tuple(findings), errors)


def zone_of(tx: Transaction, network: str) -> dict[str, tuple[str, ...]]:
    """The addresses of every name and alias that is settled on the network."""
    found: dict[str, list[str]] = {}
    for container in tx.containers():
        if container.state in (ContainerState.CREATING, ContainerState.REMOVING):
            continue
        for endpoint in container.endpoints:
            if endpoint.network == network:
                record = record_of(container, endpoint)
                for name in (record.name, *record.aliases):
                    found.setdefault(name, []).append(record.address)
    return {name: tuple(sorted(addresses)) for name, addresses in sorted(found.items())}


def places_of(tx: Transaction, parts: Parts, host: Host) -> list[tuple[Net, Host]]:
    """The host on every network."""
    return [(Net(DEFAULT_NETWORK, parts.spec.network.subnet), host), *hosts_on(tx, host)]


def judged(network: str, host: str, zone: Zone, answers: Mapping[str, Answer]) -> list[NameFinding]:
    return [
        NameFinding(
            network,
            host,
            name,
            _state(zone[name], answers.get(name)),
            zone[name],
            tuple(sorted(answers.get(name) or ())),
        )
        for name in answers
    ]


def _state(expected: Sequence[str], answer: Answer) -> NameState:
    if answer is None:
        return NameState.SILENT
    if not answer:
        return NameState.MISSING
    return NameState.RIGHT if answer == frozenset(expected) else NameState.WRONG


def _ready(tx: Transaction) -> list[Host]:
    return [host for host in tx.hosts() if host.state is HostState.READY]


def _ask_all(
    parts: Parts, places: Sequence[tuple[Net, Host]], zones: Mapping[str, Zone], servers: set[str]
) -> list[NameFinding]:
    findings: list[NameFinding] = []
    for net, host in places:
        shell, names, zone = parts.connections.shell(host), names_on(parts, net), zones[net.name]
        findings += judged(net.name, host.name, zone, names.ask(shell, host, list(zone)))
        if host.id in servers:
            held = {n for r in names.held(shell) for n in (r.name, *r.aliases)}
            findings += [
                NameFinding(net.name, host.name, name, NameState.STALE)
                for name in sorted(held - set(zone))
            ]
    return findings
