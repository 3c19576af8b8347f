"""Makes hosts ready, and removes them. Everything here may be killed and done again."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from clocker.bootstrap import bootstrap, cloud_config, expected_stamp
from clocker.cloud import ledger
from clocker.cloud.firewall import openings
from clocker.cloud.heartbeat import holding
from clocker.cloud.membership import join
from clocker.cloud.ownership import KEY_TAG, mark_of
from clocker.cloud.places import next_place, provider_of
from clocker.errors import ClockerError, InfrastructureError, TimedOut, Unavailable
from clocker.interfaces import Parts, Provider
from clocker.model import Host, HostRequest, HostState, Node

_POLL_S = 0.2


def request_for(parts: Parts, host: Host) -> HostRequest:
    """What the provider is asked for. The host's key is derived from its id, so that asking
    again after a crash hands over the same one."""
    spec = parts.spec
    key = parts.keys.derive("host", host.id)
    return HostRequest(
        id=host.id,
        cloud=spec.name,
        name=host.name,
        resources=spec.hosts.shape,
        provider=host.provider,
        tags={
            "clocker-cloud": spec.name,
            "clocker-host": host.id,
            "clocker-name": host.name,
            "clocker-gateway": host.gateway,
            KEY_TAG: mark_of(parts.keys),
        },
        user_data=cloud_config(
            host.name, key, parts.keys.public, spec.hosts.ssh_users.get(host.provider, "root")
        ),
        public_key=parts.keys.public,
        openings=openings(parts),
        timeout_s=spec.hosts.timeout_s,
    )


def ensure_ready(parts: Parts, host_id: str) -> Host:
    """The host once it is ready: made by whoever claims it first, waited for by the others.
    InfrastructureError when it failed or was given up meanwhile."""
    deadline = time.monotonic() + parts.spec.hosts.timeout_s
    while time.monotonic() < deadline:
        with parts.store.read() as tx:
            host = tx.host(host_id)
        if host is None or host.state is HostState.DELETING:
            raise InfrastructureError("the host that was being made has been given up")
        if host.state is HostState.READY:
            return host
        if host.state is HostState.FAILED:
            raise InfrastructureError(host.error or "the host failed", where=f"host {host.name}")
        if claimed := _claim_for_making(parts, host):
            return make(parts, claimed)
        parts.progress.step(host.name, "being made by another process")
        time.sleep(_POLL_S)
    raise TimedOut("the host was not ready in time", where=f"host {host_id}")


def _claim_for_making(parts: Parts, host: Host) -> Host | None:
    if host.work and host.work.owner == parts.owner:
        return host
    return ledger.claim_host(parts, host.id)


def make(parts: Parts, host: Host) -> Host:
    """Obtain, bootstrap and join the host whose lease this process holds; it ends READY, or
    FAILED with the error on record."""
    with holding(parts, host):
        try:
            host = _obtain_node(parts, host)
            host = _bootstrap(parts, host)
            join(parts, host)
            host = ledger.change_host(parts, host, state=HostState.READY, work=None, error=None)
        except ledger.TakenOver:
            raise
        except ClockerError as error:
            error.where = error.where or f"host {host.name}"
            _record_failure(parts, host, error)
            raise
    ledger.log_now(parts, "host", host.name, "ready")
    parts.progress.done(host.name, "ready")
    # A network may have been made in between, for the hosts that were ready then.
    return ensure_current(parts, host.id)


def ensure_current(parts: Parts, host_id: str, *, ask: bool = False) -> Host:
    """The ready host, bootstrapped anew unless it was made into what it is to be now: by the
    record, or, with ``ask``, by the host's own word."""
    deadline = time.monotonic() + parts.spec.hosts.timeout_s
    while time.monotonic() < deadline:
        host = ensure_ready(parts, host_id)
        if not ask and host.stamp == expected_stamp(parts, host):
            return host
        if claimed := ledger.claim_host(parts, host.id):
            return _renew(parts, claimed)
        time.sleep(_POLL_S)
    raise TimedOut("the host was not brought up to date in time", where=f"host {host_id}")


def _renew(parts: Parts, host: Host) -> Host:
    """It stays ready, whatever comes of it: what runs on it runs on."""
    with holding(parts, host):
        try:
            host = _bootstrap(parts, host)
        finally:
            host = ledger.change_host(parts, host, work=None)
    parts.progress.done(host.name, "up to date")
    return host


def _obtain_node(parts: Parts, host: Host) -> Host:
    host, node = _node_from_somewhere(parts, host)
    if node.access is None:
        raise InfrastructureError("the provider gave no address", where=f"host {host.name}")
    known = host.access.host_keys if host.access else ()
    access = replace(node.access, host_keys=node.access.host_keys or known)
    host = ledger.change_host(
        parts,
        host,
        node_id=node.id,
        access=access,
        address=node.private_address or access.address,
        region=node.region,
        zone=node.zone,
        state=HostState.BOOTSTRAPPING,
    )
    if access.local:
        return host
    parts.progress.step(host.name, "SSH")
    timeout_s = parts.spec.hosts.timeout_s
    return ledger.change_host(
        parts, host, access=parts.connections.await_ssh(access, timeout_s=timeout_s)
    )


def _node_from_somewhere(parts: Parts, host: Host) -> tuple[Host, Node]:
    """From the host's provider; from the next one where that has nothing to give."""
    tried: set[str] = set()
    while True:
        tried.add(host.provider)
        parts.progress.step(host.name, f"machine from {host.provider}")
        try:
            return host, provider_of(parts, host).obtain(request_for(parts, host))
        except Unavailable as error:
            turned = _turn_to_the_next(parts, host, tried, error)
            if turned is None:
                raise
            host = turned


def _turn_to_the_next(
    parts: Parts, host: Host, tried: Collection[str], error: Unavailable
) -> Host | None:
    with parts.store.read() as tx:
        provider = next_place(parts.spec.hosts, host, tx.hosts(), tried)
    if provider is None:
        return None
    parts.progress.step(host.name, f"{host.provider}: {error.what}; turning to {provider}")
    why = f"{host.provider}: {error.what}"[:500]
    ledger.log_now(parts, "host", host.name, f"turned to {provider}", why)
    return ledger.change_host(parts, host, provider=provider)


def _bootstrap(parts: Parts, host: Host) -> Host:
    outcome = bootstrap(parts, host)
    return ledger.change_host(
        parts,
        host,
        stamp=outcome.stamp,
        capacity=outcome.resources or host.capacity,
        tunnel_key=outcome.tunnel_key,
    )


def _record_failure(parts: Parts, host: Host, error: ClockerError) -> None:
    parts.progress.failed(host.name, error.what)
    try:
        ledger.change_host(
            parts, host, state=HostState.FAILED, error=f"{error.what}"[:500], work=None
        )
        ledger.log_now(parts, "host", host.name, "failed", error.what[:500])
    except ClockerError as second:
        parts.progress.failed(host.name, f"and the failure could not be recorded: {second.what}")


def destroy(parts: Parts, host: Host) -> None:
    """Give the machine back and forget the host, whose lease this process holds. On a machine
    that stays (localhost), first remove what Clocker made there."""
    with holding(parts, host):
        parts.progress.step(host.name, "removing")
        if host.access is not None and host.access.local:
            _clean_local(parts, host)
        for provider, node_id in _nodes(parts, host):
            provider.release(node_id)
        parts.connections.forget(host)
        with parts.store.transaction() as tx:
            tx.delete_host(host.id)
            tx.release_leases(f"host/{host.name}", parts.clock())
            ledger.log(parts, tx, "host", host.name, "removed")
    parts.progress.done(host.name, "removed")


def _nodes(parts: Parts, host: Host) -> list[tuple[Provider, str]]:
    """Every machine that carries the host's id: a provider may have made one whose answer was
    lost, before another was turned to."""
    found = [
        (provider, node.id)
        for provider in parts.providers.values()
        for node in provider.list(parts.spec.name)
        if node.tags.get("clocker-host") == host.id
    ]
    if host.node_id and host.node_id not in (node_id for _, node_id in found):
        found.append((provider_of(parts, host), host.node_id))
    return found


def _clean_local(parts: Parts, host: Host) -> None:
    engine = parts.connections.engine(host)
    labels = {"clocker.cloud": parts.spec.name}
    for status in engine.list(labels):
        engine.remove(status.engine_id)
    engine.remove_volumes(labels)
    parts.network.leave(parts.connections.shell(host))
