"""The machine of a host: asked for, replaced where it stays silent, and given back. Everything here
may be killed and done again."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

from clocker.bootstrap import cloud_config
from clocker.cloud import ledger, removals
from clocker.cloud.firewall import openings
from clocker.cloud.ownership import KEY_TAG, mark_of
from clocker.cloud.places import next_place, provider_of
from clocker.errors import (
    ClockerError,
    InfrastructureError,
    Throttled,
    TimedOut,
    Unavailable,
    Unreachable,
)
from clocker.interfaces import Parts, Provider
from clocker.model import Host, HostRequest, HostState, Node, SshAccess, Wishes

_LOOK_S = 2.0


def request_for(parts: Parts, host: Host) -> HostRequest:
    """What the provider is asked for. The host's key is derived from its id, so that asking
    again after a crash hands over the same one."""
    spec = parts.spec
    key = parts.keys.derive("host", host.id)
    wishes = host.wishes or Wishes(spec.hosts.shape)
    return HostRequest(
        id=host.id,
        cloud=spec.name,
        name=host.name,
        resources=wishes.resources,
        provider=host.provider,
        zone=wishes.zone,
        tags={
            **wishes.tags,
            "clocker-cloud": spec.name,
            "clocker-host": host.id,
            "clocker-name": host.name,
            "clocker-gateway": host.gateway,
            KEY_TAG: mark_of(parts.keys),
        },
        user_data=cloud_config(
            host.name, key, parts.keys.public, spec.hosts.ssh_users.get(host.provider, "root")
        ),
        host_key=key.public,
        public_key=parts.keys.public,
        openings=openings(parts),
        timeout_s=spec.hosts.timeout_s,
        token=f"{host.id}-{host.attempt}" if host.attempt else host.id,
        node_id=host.node_id,
    )


def obtain_node(parts: Parts, host: Host) -> Host:
    """The host whose lease this process holds, with a machine that answers SSH. One that gets no
    address, or never answers, is given back, and another is asked for within the same deadline;
    but where a bootstrap has once completed there is data."""
    whole_s = parts.spec.hosts.timeout_s
    deadline = time.monotonic() + whole_s
    if host.stamp is not None:
        return _try_for(parts, host, whole_s)
    try:
        return _try_for(parts, host, whole_s / 2)
    except (TimedOut, Unreachable) as error:
        host = _give_back(parts, host, error)
    try:
        return _try_for(parts, host, max(1.0, deadline - time.monotonic()))
    except (TimedOut, Unreachable) as error:
        try:
            _give_back(parts, host, error)
        except ClockerError as left:
            parts.progress.failed(host.name, f"its machine is not given back yet: {left.what}")
        raise


def release_all(parts: Parts, host: Host) -> None:
    """Give back every machine that carries the host's id, be it at another provider, or one whose
    answer was lost: as long as such a one may be missing from a list, look again."""
    lag_s = max((provider.lag_s for provider in parts.providers.values()), default=0.0)
    host, until = _settled_from(parts, host, lag_s)
    while True:
        left_s = until - parts.clock()
        for provider, node_id in _nodes(parts, host):
            provider.release(node_id)
        if left_s <= 0:
            return
        parts.progress.step(host.name, "waiting for what may not be listed yet")
        parts.sleep(min(_LOOK_S, left_s))


def _try_for(parts: Parts, host: Host, timeout_s: float) -> Host:
    deadline = time.monotonic() + timeout_s
    host, node = _node_from_somewhere(parts, host, timeout_s)
    for refusal in node.refusals:
        ledger.log_now(parts, "host", host.name, "refused", f"{host.provider}: {refusal}"[:500])
    if node.access is None:
        raise InfrastructureError("the provider gave no address", where=f"host {host.name}")
    host = _record(parts, host, node, node.access)
    access = host.access or node.access
    if access.local:
        return host
    parts.progress.step(host.name, "SSH")
    left_s = max(1.0, deadline - time.monotonic())
    return ledger.change_host(
        parts, host, access=parts.connections.await_ssh(access, timeout_s=left_s)
    )


def _record(parts: Parts, host: Host, node: Node, access: SshAccess) -> Host:
    known = host.access.host_keys if host.access and node.id == host.node_id else ()
    access = replace(access, host_keys=access.host_keys or known)
    try:
        return ledger.change_host(
            parts,
            host,
            node_id=node.id,
            access=access,
            address=node.private_address or access.address,
            region=node.region,
            zone=node.zone,
            state=HostState.BOOTSTRAPPING,
            asked_until=None if host.asked_until is None else parts.clock(),
        )
    except ledger.TakenOver:
        with parts.store.read() as tx:
            now = tx.host(host.id)
        if now is None or now.state is HostState.DELETING:
            # It has been removed meanwhile, perhaps before this machine could be found.
            provider_of(parts, host).release(node.id)
        raise


def _node_from_somewhere(parts: Parts, host: Host, timeout_s: float) -> tuple[Host, Node]:
    """From the host's provider; from the next one where that has nothing to give."""
    tried: set[str] = set()
    while True:
        tried.add(host.provider)
        parts.progress.step(host.name, f"machine from {host.provider}")
        provider = provider_of(parts, host)
        removals.await_none(parts, host.provider, host.name)
        host = _await_earlier(parts, host, provider)
        if provider.lag_s:
            host = ledger.change_host(parts, host, asked_until=parts.clock() + timeout_s)
        try:
            return host, provider.obtain(replace(request_for(parts, host), timeout_s=timeout_s))
        except ClockerError as error:
            if host.asked_until is not None:
                host = ledger.change_host(parts, host, asked_until=_asked_until(parts, error))
            if not isinstance(error, Unavailable):
                raise
            turned = _turn_to_the_next(parts, host, tried, error)
            if turned is None:
                raise
            host = turned


def _asked_until(parts: Parts, error: ClockerError) -> float | None:
    """That it was asked too often may have been the answer to a second call, after a lost one."""
    refused = isinstance(error, Unavailable) and not isinstance(error, Throttled)
    return None if refused else parts.clock()


def _await_earlier(parts: Parts, host: Host, provider: Provider) -> Host:
    """A machine that was asked for, and of which nothing was heard, is found before another is
    made."""
    host, until = _settled_from(parts, host, provider.lag_s)
    while (left_s := until - parts.clock()) > 0:
        if any(_is_of(node, host) for node in provider.list(parts.spec.name)):
            break
        parts.progress.step(host.name, "waiting for what may not be listed yet")
        parts.sleep(min(_LOOK_S, left_s))
    return host


def _settled_from(parts: Parts, host: Host, lag_s: float) -> tuple[Host, float]:
    """From when on a list shows every machine of the host. A process that was killed while it
    asked did so until it lost the lease, which is this process's now: that is put on record, to
    be waited for once."""
    now = parts.clock()
    if host.asked_until is None:
        return host, now
    if host.asked_until > now:
        host = ledger.change_host(parts, host, asked_until=now)
    return host, min(host.asked_until or now, now) + lag_s


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
    # A zone is one provider's; whether another one's will do, the rules say.
    wishes = host.wishes and replace(host.wishes, zone=None)
    return ledger.change_host(parts, host, provider=provider, wishes=wishes)


def _give_back(parts: Parts, host: Host, error: ClockerError) -> Host:
    """Nothing of use is on the machine. It is on record until it is gone."""
    parts.progress.failed(host.name, f"{error.what}; its machine is given back")
    host = ledger.change_host(
        parts, host, state=HostState.REQUESTED, attempt=host.attempt + 1, error=None
    )
    release_all(parts, host)
    parts.connections.forget(host)
    ledger.log_now(parts, "host", host.name, "machine given back", error.what[:500])
    return ledger.change_host(
        parts, host, node_id=None, access=None, address=None, region=None, zone=None
    )


def _nodes(parts: Parts, host: Host) -> list[tuple[Provider, str]]:
    """Every machine that carries the host's id, and the one on record."""
    found = [
        (provider, node.id)
        for provider in parts.providers.values()
        for node in provider.list(parts.spec.name)
        if _is_of(node, host)
    ]
    if host.node_id and host.node_id not in (node_id for _, node_id in found):
        found.append((provider_of(parts, host), host.node_id))
    return found


def _is_of(node: Node, host: Host) -> bool:
    return node.tags.get("clocker-host") == host.id
