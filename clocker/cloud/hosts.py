"""Makes hosts ready, and removes them. Everything here may be killed and done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from clocker.bootstrap import (
    Networks,
    bootstrap,
    change_networks,
    engine_port,
    expected_stamp,
    restore,
)
from clocker.cloud import ledger, secrets
from clocker.cloud.heartbeat import holding
from clocker.cloud.membership import join
from clocker.cloud.nodes import obtain_node, release_all
from clocker.errors import (
    AuthenticationFailed,
    ClockerError,
    HostKeyChanged,
    InfrastructureError,
    TimedOut,
    Unreachable,
)
from clocker.interfaces import Parts
from clocker.model import Host, HostState

_POLL_S = 0.2
Join: TypeAlias = Callable[[Parts, Host], None]


def ensure_ready(parts: Parts, host_id: str, join: Join = join) -> Host:
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
            return make(parts, claimed, join)
        parts.progress.step(host.name, "being made by another process")
        time.sleep(_POLL_S)
    raise TimedOut("the host was not ready in time", where=f"host {host_id}")


def _claim_for_making(parts: Parts, host: Host) -> Host | None:
    if host.work and host.work.owner == parts.owner:
        return host
    return ledger.claim_host(parts, host.id)


def make(parts: Parts, host: Host, join: Join = join) -> Host:
    """Obtain, bootstrap and join the host whose lease this process holds; it ends READY, or
    FAILED with the error on record."""
    with holding(parts, host):
        try:
            host = obtain_node(parts, host)
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


def ensure_current(
    parts: Parts, host_id: str, *, ask: bool = False, former: Networks | None = None
) -> Host:
    """The ready host, bootstrapped anew unless it was made into what it is to be now: by the
    record, or, with ``ask``, by the host's own word. ``former``: the networks before a change,
    from which only that change is made on a host that knows them."""
    deadline = time.monotonic() + parts.spec.hosts.timeout_s
    while time.monotonic() < deadline:
        host = ensure_ready(parts, host_id)
        if not ask and host.stamp == expected_stamp(parts, host):
            return host
        if claimed := ledger.claim_host(parts, host.id):
            return _renew(parts, claimed, former)
        time.sleep(_POLL_S)
    raise TimedOut("the host was not brought up to date in time", where=f"host {host_id}")


def _renew(parts: Parts, host: Host, former: Networks | None) -> Host:
    """It stays ready, whatever comes of it: what runs on it runs on."""
    with holding(parts, host):
        try:
            host = _bootstrap(parts, host, former)
        finally:
            host = ledger.change_host(parts, host, work=None)
    parts.progress.done(host.name, "up to date")
    return host


def _bootstrap(parts: Parts, host: Host, former: Networks | None = None) -> Host:
    outcome = change_networks(parts, host, former) if former else None
    outcome = outcome or bootstrap(parts, host)
    return ledger.change_host(
        parts,
        host,
        stamp=outcome.stamp,
        capacity=outcome.resources or host.capacity,
        tunnel_key=outcome.tunnel_key,
        engine_port=engine_port(parts.spec, host),
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
    that stays its owner's, first remove what Clocker made there."""
    with holding(parts, host):
        parts.progress.step(host.name, "removing")
        if host.access is not None and (host.access.local or host.access.kept):
            _clean(parts, host)
        release_all(parts, host)
        parts.connections.forget(host)
        with parts.store.transaction() as tx:
            tx.delete_host(host.id)
            tx.release_leases(f"host/{host.name}", parts.clock())
            ledger.log(parts, tx, "host", host.name, "removed")
    parts.progress.done(host.name, "removed")


def _clean(parts: Parts, host: Host) -> None:
    """Nothing runs yet on a machine that was never made into a host, or any more on one that is
    fenced; they may never answer."""
    try:
        if host.stamp is not None:
            _clean_engine(parts, host)
        shell = parts.connections.shell(host)
        if host.access is not None and host.access.kept:
            restore(shell)
        secrets.remove_all(parts, shell)
        parts.network.leave(shell)
    except (Unreachable, AuthenticationFailed, HostKeyChanged) as error:
        if host.stamp is not None and host.fenced_at is None:
            raise
        parts.progress.failed(host.name, f"given back as it is: {error.what}")


def _clean_engine(parts: Parts, host: Host) -> None:
    engine = parts.connections.engine(host)
    labels = {"clocker.cloud": parts.spec.name}
    for status in engine.list(labels):
        engine.remove(status.engine_id)
    engine.remove_volumes(labels)
