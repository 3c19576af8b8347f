"""The certificates of the cloud's own registries, which expire."""

from __future__ import annotations

from clocker.bootstrap.own_registries import own_registries
from clocker.cloud import ledger
from clocker.cloud.container_spec import engine_name
from clocker.cloud.registry_files import registry_files, renewal_is_due
from clocker.interfaces import Parts
from clocker.model import ContainerState


def renew(parts: Parts) -> None:
    """New certificates for the cloud's own registries whose old ones will soon have expired."""
    with parts.store.read() as tx:
        own = own_registries(tx, parts.spec.zone)
        found = [tx.container(registry.name.partition(".")[0]) for registry in own]
        hosts = {host.id: host for host in tx.hosts()}
    for container in found:
        if container is None or container.state is not ContainerState.RUNNING:
            continue
        host = hosts[container.host_id]
        engine = parts.connections.engine(host)
        engine_id = container.engine_id or engine_name(parts.spec.name, container.name)
        if renewal_is_due(parts, engine, container, engine_id):
            engine.put_archive(engine_id, "/", registry_files(parts, container))
            engine.restart(engine_id)
            ledger.log_now(parts, "registry", container.name, "renewed")
