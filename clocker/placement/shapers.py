"""How a new host is to be. As it would be, it is tried against the rules before it is paid for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clocker import plugins
from clocker.errors import BadInput
from clocker.model import ContainerRequest, NodePool, Resources, Wishes
from clocker.placement.location import phrase


def wishes_for(pool: NodePool, request: ContainerRequest) -> Wishes:
    """What is wished of a host that is made for ``request``: the cloud's own shape, as its
    shapers change it one after the other."""
    wishes = Wishes(pool.shape)
    for spec in pool.shapers:
        wishes = plugins.shaper(spec).shape(wishes, request)
    return wishes


@dataclass(frozen=True, slots=True)
class FitsRequest:
    """At least so large that ``times`` containers such as the one that it is made for have room
    on it."""

    times: int = 1

    def __post_init__(self) -> None:
        if self.times < 1:
            raise BadInput("shaper 'fits_request': times must be at least 1", where="shapers")

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        need = request.resources
        several = Resources(
            need.cores * self.times, need.ram_mb * self.times, need.disk_mb * self.times
        )
        return _at_least(wishes, several)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least so large."""

    cores: float = 0.0
    ram_mb: int = 0
    disk_mb: int = 0

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        return _at_least(wishes, Resources(self.cores, self.ram_mb, self.disk_mb))


@dataclass(frozen=True, slots=True)
class SizeClasses:
    """One of these sizes: the first in their order that has what is wished. Where none has, the
    last, and the rules say whether that will do."""

    classes: tuple[Resources, ...]

    def __post_init__(self) -> None:
        if not self.classes:
            raise BadInput("shaper 'size_classes' needs at least one size", where="shapers")

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        large = (size for size in self.classes if wishes.resources.within(size))
        return replace(wishes, resources=next(large, self.classes[-1]))


@dataclass(frozen=True, slots=True)
class RequestedZone:
    """In the zone that the request's rule ``zone`` names, the first of several; not where it only
    says in which zones not, or leaves letters open."""

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        for rule in request.rules:
            places = rule.options.get("places")
            if rule.name == "zone" and places:
                found = phrase(places if isinstance(places, str) else tuple(places))
                plain = [name for name in found.names if not set(name) & set("*?")]
                if plain and not found.negated:
                    return replace(wishes, zone=plain[0])
        return wishes


@dataclass(frozen=True, slots=True)
class Labels:
    """With these labels, which the rule ``host_labels`` looks at."""

    labels: Mapping[str, str] = field(default_factory=dict)

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        return replace(wishes, labels={**wishes.labels, **self.labels})


@dataclass(frozen=True, slots=True)
class Tags:
    """With these tags at its provider; ``clocker-...`` are Clocker's own."""

    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if own := sorted(name for name in self.tags if name.startswith("clocker-")):
            raise BadInput(f"shaper 'tags': {own[0]!r} is Clocker's own", where="shapers")

    def shape(self, wishes: Wishes, request: ContainerRequest) -> Wishes:
        return replace(wishes, tags={**wishes.tags, **self.tags})


def largest(requests: Sequence[ContainerRequest]) -> ContainerRequest:
    """One that needs as much as any of them, amount by amount."""
    needs = [request.resources for request in requests] or [Resources()]
    return ContainerRequest(
        "",
        Resources(
            max(need.cores for need in needs),
            max(need.ram_mb for need in needs),
            max(need.disk_mb for need in needs),
        ),
        rules=requests[0].rules if requests else (),
    )


def _at_least(wishes: Wishes, least: Resources) -> Wishes:
    """An amount that is left to the provider is wished for once something needs it."""
    has = wishes.resources
    return replace(
        wishes,
        resources=Resources(
            max(has.cores, least.cores),
            max(has.ram_mb, least.ram_mb),
            max(has.disk_mb, least.disk_mb),
        ),
    )
