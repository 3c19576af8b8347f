"""Looks at the cloud; changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from clocker.cloud.container_spec import engine_name
from clocker.cloud.host_views import views_of
from clocker.cloud.leases import addresses_free
from clocker.cloud.machine import ContainerMachine
from clocker.cloud.release import not_found
from clocker.cloud.reports import Status
from clocker.errors import ClockerError, NotFound
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostView


def status(parts: Parts) -> Status:
    with parts.store.read() as tx:
        views = tuple(views_of(tx, parts.clock()))
        free = addresses_free(parts, tx)
    spec = parts.spec
    return Status(spec.name, spec.zone, views, spec.network.subnet, free, str(parts.folder))


def hosts(parts: Parts) -> tuple[HostView, ...]:
    with parts.store.read() as tx:
        return tuple(views_of(tx, parts.clock()))


def machine(parts: Parts, name: str) -> ContainerMachine:
    """NotFound when no container has the name."""
    with parts.store.read() as tx:
        container = tx.container(name)
        host = tx.host(container.host_id) if container else None
    if container is None or host is None:
        raise not_found(parts, name)
    return ContainerMachine(parts, container, host)


def host(parts: Parts, name: str) -> Host:
    """NotFound when no host has the name."""
    with parts.store.read() as tx:
        return host_named(parts, tx, name)


def host_named(parts: Parts, tx: Transaction, name: str) -> Host:
    for found in tx.hosts():
        if found.name == name:
            return found
    raise NotFound(
        f"no host is called {name!r}",
        where=f"cloud {parts.spec.name}",
        remedy="clocker hosts lists them",
    )


def inspect(parts: Parts, name: str) -> dict[str, Any]:
    """Everything known of a container or host, the engine's own view included. Values of
    environment variables are left out: they may be secrets."""
    with parts.store.read() as tx:
        container = tx.container(name)
    return _inspect_container(parts, name) if container else _inspect_host(parts, name)


def _inspect_container(parts: Parts, name: str) -> dict[str, Any]:
    found = machine(parts, name)
    # msgspec takes from a value what its record had; a copy has the defaults of the others too.
    whole = replace(found.record, request=replace(found.record.request))
    record = msgspec.to_builtins(whole)
    record["request"]["env"] = sorted(found.record.request.env)
    return {
        "kind": "container",
        "container": record,
        "host": found.host.name,
        "engine": _live(parts, found),
    }


def _live(parts: Parts, found: ContainerMachine) -> dict[str, Any]:
    """The engine's view, or why there is none."""
    try:
        seen = found.engine.inspect(engine_name(parts.spec.name, found.name))
    except ClockerError as error:
        return {"error": error.what}
    live = msgspec.to_builtins(seen)
    live["labels"].pop("clocker.request", None)
    assert isinstance(live, dict)  # noqa: S101 - a dataclass becomes a dict
    return live


def _inspect_host(parts: Parts, name: str) -> dict[str, Any]:
    record = host(parts, name)
    with parts.store.read() as tx:
        held = [c.name for c in tx.containers() if c.host_id == record.id]
    return {"kind": "host", "host": msgspec.to_builtins(record), "containers": held}
