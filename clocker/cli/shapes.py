"""The JSON shapes of docs/json.md: stable, whatever the model becomes. No values of
environment variables: they may be secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clocker.images.kinds import kind_of
from clocker.model import (
    HOURS_PER_MONTH,
    Check,
    Container,
    Event,
    Host,
    HostView,
    Judgement,
    Port,
    Resources,
)

if TYPE_CHECKING:
    from clocker.cloud import (
        BuildReport,
        Finding,
        ImageView,
        LoadedImage,
        PlannedContainer,
        PlannedHost,
        UpPlan,
    )
    from clocker.config import ProviderListing
    from clocker.images.prune import ImageFinding


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
        "error": record.error,
        "ports": [port(item) for item in record.ports],
        "resources": resources(request.resources),
        "privileged": request.privileged,
        "ssh": request.ssh,
        "labels": dict(request.labels),
        "env": sorted(request.env),
        "created_at": record.created_at,
    }


def host(view: HostView) -> dict[str, Any]:
    return {
        **host_record(view.host),
        "booked": resources(view.booked),
        "free": resources(view.free),
        "containers": [item.name for item in view.containers],
    }


def host_record(record: Host) -> dict[str, Any]:
    return {
        "name": record.name,
        "id": record.id,
        "provider": record.provider,
        "state": str(record.state),
        "cordoned": record.cordoned,
        "labels": dict(record.labels),
        "address": record.address,
        "ssh": _ssh(record),
        "engine_port": record.engine_port,
        "region": record.region,
        "zone": record.zone,
        "capacity": resources(record.capacity),
        "error": record.error,
        "created_at": record.created_at,
    }


def plan(found: UpPlan) -> dict[str, Any]:
    return {
        "plan": [planned(host) for host in found.make],
        "remove": list(found.remove),
        "totals": [_price(per_hour, currency) for currency, per_hour in found.prices.items()],
        "unpriced": found.unpriced,
    }


def planned_container(item: PlannedContainer) -> dict[str, Any]:
    return {
        "name": item.request.name,
        "image": item.request.image,
        "host": item.host,
        "existing": item.existing,
        "new": {**planned(item.new), "exists": False} if item.new else None,
    }


def judgement(item: Judgement) -> dict[str, Any]:
    return {
        "host": item.host.name,
        "provider": item.host.provider,
        "rank": item.rank,
        "refusals": [{"rule": each.rule, "reason": each.reason} for each in item.refusals],
        "reasons": [
            {"rule": each.rule, "reason": each.reason, "cost": _cost(each.cost)}
            for each in item.reasons
        ],
    }


def planned(host: PlannedHost) -> dict[str, Any]:
    """What nobody knows, or what is there already, has nulls."""
    offer = host.offer
    return {
        "name": host.name,
        "provider": host.provider,
        "resources": resources(host.resources),
        "exists": offer is None,
        "region": offer.region if offer else None,
        "zone": offer.zone if offer else None,
        "size": offer.size if offer else None,
        "image": offer.image if offer else None,
        "spot": offer.spot if offer else False,
        **_price(offer.price_hour if offer else None, offer.currency if offer else None),
        "then": list(host.then),
    }


def provider(item: ProviderListing) -> dict[str, Any]:
    return {
        "name": item.name,
        "driver": item.driver,
        "region": item.region,
        "locations": list(item.locations),
        "file": item.file,
        "extends": list(item.extends),
        "credentials": [
            {"argument": r.argument, "kind": r.kind, "name": r.name, "set": r.is_set}
            for r in item.references
        ],
        "problems": [f"{problem.where}: {problem.what}" for problem in item.problems],
        "entry": dict(item.entry),
    }


def check(found: Check) -> dict[str, Any]:
    return {
        "subject": found.subject,
        "verdict": str(found.verdict),
        "text": found.text,
        "remedy": found.remedy,
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


def image(view: ImageView) -> dict[str, Any]:
    return {
        "name": view.name,
        "id": view.id,
        "kind": str(view.kind),
        "size_bytes": view.size_bytes,
        "created_at": view.created_at,
        "hosts": list(view.hosts),
        "used_by": list(view.used_by),
    }


def loaded(image: LoadedImage) -> dict[str, Any]:
    return {
        "name": image.name,
        "id": image.id,
        "host": image.host,
        "size_bytes": image.size_bytes,
    }


def built(report: BuildReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "tag": report.tag,
        "id": report.id,
        "host": report.host,
        "size_bytes": report.size_bytes,
        "took_s": round(report.took_s, 3),
        "updated": list(report.updated),
    }


def image_finding(found: ImageFinding, outcome: str, reason: str) -> dict[str, Any]:
    return {
        "host": found.host,
        "name": found.name,
        "id": found.image.id,
        "kind": str(kind_of(found.image)),
        "size_bytes": found.image.size_bytes,
        "created_at": found.image.created_at,
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


def _price(per_hour: float | None, currency: str | None) -> dict[str, Any]:
    per_month = None if per_hour is None else round(per_hour * HOURS_PER_MONTH, 2)
    return {"price_hour": per_hour, "price_month": per_month, "currency": currency}


def _ssh(record: Host) -> dict[str, Any] | None:
    access = record.access
    if access is None:
        return None
    return {"address": access.address, "user": access.user, "port": access.port}


def _cost(value: float) -> float | None:
    """What is dearer than anything has no number in JSON."""
    return None if value == float("inf") else value
