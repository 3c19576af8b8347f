"""Volumes that several containers of an application have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from clocker.model import RuleSpec, Service, Volume

_VOLUME = "volume-"
"""The labels by which containers that share a volume find each other's host."""


def together(services: list[Service], application: str) -> tuple[Service, ...]:
    """Containers that share a volume are on one host, since a volume is."""
    uses = ((service.request.volumes, service.replicas) for service in services)
    shared = _shared(uses)
    return tuple(_on_one_host(service, shared, application) for service in services)


def _on_one_host(service: Service, shared: frozenset[str], application: str) -> Service:
    request = service.request
    names = sorted({v.source for v in request.volumes} & shared)
    if not names:
        return service
    marks = {f"{_VOLUME}{name}": application for name in names}
    rules = tuple(
        RuleSpec("affinity", {"sentences": f"LABEL {label}={application}"}) for label in marks
    )
    changed = replace(request, labels={**request.labels, **marks}, rules=(*request.rules, *rules))
    return replace(service, request=changed)


def _shared(uses: Iterable[tuple[tuple[Volume, ...], int]]) -> frozenset[str]:
    """The volumes that several containers have, by the services' volumes and replicas."""
    counts: Counter[str] = Counter()
    for volumes, replicas in uses:
        for source in {v.source for v in volumes if not v.source.startswith("/")}:
            counts[source] += replicas
    return frozenset(source for source, count in counts.items() if count > 1)
