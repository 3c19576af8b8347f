"""The JSON shapes of docs/json.md: stable, whatever the model becomes. No values of
environment variables: they may be secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clocker.model import Container, Event, Host, HostRequest, HostView, Port, Resources

if TYPE_CHECKING:
    from clocker.cloud import Finding


def container(record: Container, host: str) -> dict[str, Any]:
    request = record.request
    return {
        "name": record.name,
        "id": record.id,
        "image": request.image,
        "host": host,
        "address": record.address,
        "networks": {place.network: place.address for place in record.endpoints},
        "aliases": list(request.aliases),
        "state": str(record.state),
        "ports": [port(item) for item in record.ports],
        "resources": resources(request.resources),
        "privileged": request.privileged,
        "ssh": request.ssh,
        "labels": dict(request.labels),
        "env": sorted(request.env),
        "created_at": record.created_at,
    }


def host(view: HostView) -> dict[str, Any]:
    record = view.host
    return {
        "name": record.name,
        "id": record.id,
        "provider": record.provider,
        "state": str(record.state),
        "address": record.address,
        "ssh": _ssh(record),
        "region": record.region,
        "zone": record.zone,
        "capacity": resources(record.capacity),
        "booked": resources(view.booked),
        "free": resources(view.free),
        "containers": [item.name for item in view.containers],
        "error": record.error,
        "created_at": record.created_at,
    }


def planned(request: HostRequest) -> dict[str, Any]:
    return {
        "name": request.name,
        "provider": request.provider,
        "resources": resources(request.resources),
    }


def event(item: Event) -> dict[str, Any]:
    return {
        "seq": item.seq,
        "at": item.at,
        "who": item.who,
        "verb": item.verb,
        "subject": item.subject,
        "outcome": item.outcome,
        "detail": item.detail,
    }


def remnant(finding: Finding, outcome: str, reason: str) -> dict[str, Any]:
    found = finding.thing.remnant
    return {
        "kind": str(found.kind),
        "name": found.name,
        "id": found.id,
        "provider": finding.thing.provider,
        "since": finding.since,
        "outcome": outcome,
        "reason": reason,
    }


def resources(amounts: Resources) -> dict[str, Any]:
    return {"cores": amounts.cores, "ram_mb": amounts.ram_mb, "disk_mb": amounts.disk_mb}


def port(item: Port) -> dict[str, Any]:
    return {
        "container": item.container,
        "host_port": item.host_port,
        "protocol": item.protocol,
    }


def _ssh(record: Host) -> dict[str, Any] | None:
    access = record.access
    if access is None:
        return None
    return {"address": access.address, "user": access.user, "port": access.port}
