"""What there is of an application now: on record, and as the engines say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clocker.applications import Facts, Resolved, Seen, belongs
from clocker.cloud.container_spec import CLOUD_LABEL, engine_name
from clocker.cloud.steps import side_by_side
from clocker.errors import InfrastructureError
from clocker.interfaces import Parts
from clocker.model import Container, ContainerStatus, Host
from clocker.network.layout import Layout

Statuses = Mapping[str, ContainerStatus] | None
"""What an engine says, by its names; None when it does not answer."""


@dataclass(frozen=True, slots=True)
class World:
    """``seen``: the application's containers by name. ``others``: all other containers.
    ``statuses``: by host id."""

    seen: Mapping[str, Seen]
    others: Mapping[str, Container]
    hosts: Mapping[str, Host]
    networks: frozenset[str]
    statuses: Mapping[str, Statuses]

    def known(self, resolved: Resolved, cloud: str) -> dict[str, list[Facts]]:
        """What is known of every container that is wanted."""
        found: dict[str, list[Facts]] = {}
        for service, those in resolved.wanted.items():
            found[service] = [
                self.seen[each.name].facts
                if each.name in self.seen and self.seen[each.name].is_settled
                else Facts(each.name, hostname(cloud, each.name, each.request.networks[0]))
                for each in those
            ]
        return found


def look(parts: Parts, application: str) -> World:
    with parts.store.read() as tx:
        containers, nets = tx.containers(), tx.networks()
        hosts = {host.id: host for host in tx.hosts()}
    own = [each for each in containers if belongs(each, application)]
    statuses = _ask(parts, [hosts[i] for i in {c.host_id for c in own} if i in hosts], application)
    return World(
        {each.name: seen(parts, each, hosts, statuses) for each in own},
        {each.name: each for each in containers if not belongs(each, application)},
        hosts,
        frozenset(net.name for net in nets),
        statuses,
    )


def seen(
    parts: Parts,
    container: Container,
    hosts: Mapping[str, Host],
    statuses: Mapping[str, Statuses],
) -> Seen:
    told = statuses.get(container.host_id)
    facts = facts_of(parts.spec.name, container, hosts.get(container.host_id))
    if told is None:
        return Seen(container, facts, None)
    status = told.get(engine_name(parts.spec.name, container.name))
    if status is None:
        return Seen(container, facts, "")
    return Seen(container, facts, status.state, status.exit_code or 0)


def facts_of(cloud: str, container: Container, host: Host | None) -> Facts:
    tcp_last = sorted(container.ports, key=lambda port: port.protocol == "tcp")
    return Facts(
        container.name,
        hostname(cloud, container.name, container.network),
        container.address,
        host.name if host else None,
        host.address if host else None,
        {port.container: port.host_port for port in tcp_last},
    )


def hostname(cloud: str, name: str, network: str) -> str:
    return f"{name}.{Layout(cloud, network).zone}"


def _ask(parts: Parts, hosts: list[Host], application: str) -> dict[str, Statuses]:
    with side_by_side(min(parts.spec.hosts.concurrency, len(hosts))) as pool:
        jobs = {host.id: pool.submit(_statuses, parts, host, application) for host in hosts}
    return {host_id: job.result() for host_id, job in jobs.items()}


def _statuses(parts: Parts, host: Host, application: str) -> Statuses:
    labels = {CLOUD_LABEL: parts.spec.name, "application": application}
    try:
        return {found.name: found for found in parts.connections.engine(host).list(labels)}
    except InfrastructureError as error:
        parts.progress.failed(host.name, f"does not say what runs there: {error.what}")
        return None
