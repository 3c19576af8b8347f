"""What would be decided, and why. Looks, and changes nothing in the cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clocker.cloud.decide import Offers, decide, judge_new
from clocker.cloud.host_views import views_of
from clocker.cloud.offers import offer_if_known, with_offers
from clocker.cloud.reports import Explanation, PlannedContainer, PlannedHost
from clocker.cloud.request_check import check
from clocker.cloud.reserve import already
from clocker.cloud.steps import side_by_side
from clocker.cloud.usage import refresh
from clocker.interfaces import Parts
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostView,
    NodePool,
    Offer,
    Resources,
)
from clocker.placement import Fleet, judge, rules_for
from clocker.placement.shapers import wishes_for


def explain(parts: Parts, request: ContainerRequest) -> Explanation:
    """What each rule says of each host; of a new one too when none of those there will do."""
    check(request)
    refresh(parts, [request])
    fleet = Fleet(_views(parts))
    judged = judge(fleet.views, request, rules_for(parts.spec.rules, request))
    if judged and judged[0].rank:
        return Explanation(judged)
    return Explanation(
        judged, with_offers(parts, lambda offers: judge_new(parts.spec, fleet, request, offers))
    )


def plan_obtain(parts: Parts, requests: Sequence[ContainerRequest]) -> tuple[PlannedContainer, ...]:
    """Where ``requests`` would be placed if they were made now, one after the other."""
    for request in requests:
        check(request)
    refresh(parts, requests)
    planned = with_offers(parts, lambda offers: _plan(parts, requests, offers))
    return _with_prices(parts, planned)


def _with_prices(
    parts: Parts, planned: tuple[PlannedContainer, ...]
) -> tuple[PlannedContainer, ...]:
    """Of the new hosts, as each is made for its first container; hosts alike are asked for once."""
    pool = parts.spec.hosts
    wanted = {_like(pool, each): each.request for each in planned if each.new}
    with side_by_side(len(wanted)) as jobs:
        asked = {
            like: jobs.submit(offer_if_known, parts, like[0], request)
            for like, request in wanted.items()
        }

    def with_price(each: PlannedContainer) -> PlannedContainer:
        if each.new is None:
            return each
        offer = asked[_like(pool, each)].result() or _unknown(each.new)
        return replace(each, new=replace(each.new, offer=offer))

    return tuple(map(with_price, planned))


def _like(pool: NodePool, planned: PlannedContainer) -> tuple[str, Resources, str | None]:
    wishes = wishes_for(pool, planned.request)
    return (planned.new.provider if planned.new else "", wishes.resources, wishes.zone)


def _unknown(new: PlannedHost) -> Offer:
    return Offer(new.provider, size="unknown", image="unknown", resources=Resources())


def _plan(
    parts: Parts, requests: Sequence[ContainerRequest], offers: Offers | None
) -> tuple[PlannedContainer, ...]:
    fleet = Fleet(_views(parts))
    there = {container.name: container for v in fleet.views for container in v.containers}
    planned: list[PlannedContainer] = []
    for number, request in enumerate(requests):
        if found := there.get(request.name or ""):
            planned.append(_existing(fleet, found, request))
            continue
        decision = decide(parts.spec, fleet, request, offers)
        host, made = decision.host, None
        if decision.new:
            host = _imagined(parts, host, sum(p.new is not None for p in planned) + 1)
            made = PlannedHost(host.name, host.provider, host.capacity)
            fleet.update(HostView(host))
        booked = _booked(host, request, number)
        there |= {booked.name: booked} if request.name else {}
        fleet.book(booked)
        planned.append(PlannedContainer(request, host.name, made))
    return tuple(planned)


def _views(parts: Parts) -> list[HostView]:
    with parts.store.read() as tx:
        return views_of(tx, parts.clock())


def _existing(fleet: Fleet, found: Container, request: ContainerRequest) -> PlannedContainer:
    """NameTaken unless it is the very same."""
    host = already(found, fleet.view(found.host_id).host, request).host
    return PlannedContainer(request, host.name, existing=True)


def _imagined(parts: Parts, host: Host, number: int) -> Host:
    """The host as the next containers see it: it holds no more than its shape says, as it would
    on record."""
    name = f"{parts.spec.name}-?{number}"
    shape = host.wishes.resources if host.wishes else parts.spec.hosts.shape
    return replace(host, id=name, name=name, capacity=shape)


def _booked(host: Host, request: ContainerRequest, number: int) -> Container:
    name = request.name or f"?{number}"
    state = ContainerState.CREATING
    return Container(name, name, host.id, state, request, "", "", request.ports)
