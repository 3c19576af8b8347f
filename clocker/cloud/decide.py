"""Which host takes a container: one that is there, or one that is still to be made. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clocker.errors import InfrastructureError, NothingFits
from clocker.interfaces import Filter
from clocker.model import (
    CloudSpec,
    ContainerRequest,
    Host,
    HostState,
    HostView,
    Judgement,
    NodePool,
    Offer,
    Refusal,
    Resources,
)
from clocker.placement import Fleet, Rules, judge, place, rules_for
from clocker.placement.shapers import wishes_for

NEW_HOST = "new host"

Offers = Mapping[str, Offer]
"""What the providers would make now, by their names."""


class OffersWanted(InfrastructureError):
    """A new host can only be judged by what the providers offer; ask them, and decide again."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``host``: as it is on record, or, where it is ``new``, as it would be."""

    host: Host
    new: bool = False


def decide(
    spec: CloudSpec,
    fleet: Fleet,
    request: ContainerRequest,
    offers: Offers | None,
    *,
    also: Sequence[Filter] = (),
) -> Decision:
    """NothingFits with all reasons; OffersWanted when there are none (None) and they matter.
    ``also``: what hosts that are there must allow besides."""
    rules = rules_for(spec.rules, request)
    rules = Rules((*also, *rules.filters), rules.preferences) if also else rules
    if view := fleet.choose(request, rules):
        return Decision(view.host)
    candidates = judge_new(spec, fleet, request, offers)
    allowed = [judgement for judgement in candidates if judgement.rank]
    if allowed:
        return Decision(min(allowed, key=_costs).host, new=True)
    reasons = dict(place(fleet.views, request, rules).refusals)
    reasons |= {judgement.host.name: judgement.refusals for judgement in candidates}
    raise NothingFits(
        f"no host can take a container of {request.image}",
        reasons={name: tuple(map(str, why)) for name, why in reasons.items()},
        remedy=_remedy(candidates),
    )


def judge_new(
    spec: CloudSpec, fleet: Fleet, request: ContainerRequest, offers: Offers | None
) -> tuple[Judgement, ...]:
    """What the rules say of one more host at each of the cloud's providers."""
    rules = rules_for(spec.rules, request)
    there = sum(view.host.state is not HostState.LOST for view in fleet.views)
    full = there >= spec.hosts.maximum
    if offers is None and rules.needs_offer and not full:
        raise OffersWanted("what the providers offer is not known")
    views = [HostView(host) for host in imagined(spec.hosts, offers or {}, request)]
    found = [judge((view,), request, rules, (*fleet.views, view))[0] for view in views]
    if full and any(judgement.rank for judgement in found):
        why = f"the cloud has {there} of at most {spec.hosts.maximum} hosts"
        found = [
            Judgement(j.host, None, (Refusal("maximum", why),)) if j.rank else j for j in found
        ]
    return tuple(found)


def imagined(pool: NodePool, offers: Offers, request: ContainerRequest) -> Iterable[Host]:
    """One more host at each provider, made for ``request``, as far as it is known. What is left
    to the provider, and is in no offer, is not held against the request."""
    wishes = wishes_for(pool, request)
    asked = wishes.resources
    # Offers are for hosts like any other: for a larger one their price may not hold.
    is_usual = asked == wishes_for(pool, ContainerRequest("")).resources
    for provider in pool.providers:
        offer = offers.get(provider)
        given = offer.resources if offer else Resources()
        room = Resources(
            asked.cores or given.cores or 1e9,
            asked.ram_mb or given.ram_mb or 10**9,
            asked.disk_mb or given.disk_mb or 10**12,
        )
        name = NEW_HOST if len(pool.providers) == 1 else f"{NEW_HOST} at {provider}"
        yield Host(
            id="",
            name=name,
            provider=provider,
            state=HostState.REQUESTED,
            capacity=room,
            gateway="",
            region=offer.region if offer else None,
            zone=wishes.zone or (offer.zone if offer else None),
            price_hour=offer.price_hour if offer and (is_usual or asked.within(given)) else None,
            labels=wishes.labels,
            wishes=wishes,
        )


def _costs(judgement: Judgement) -> tuple[float, ...]:
    """Of candidates alike, min() takes the first: the providers are in the document's order."""
    return tuple(reason.cost for reason in judgement.reasons)


def _remedy(candidates: Iterable[Judgement]) -> str:
    rules = {refusal.rule for judgement in candidates for refusal in judgement.refusals}
    if "maximum" in rules:
        return "raise hosts.maximum in clocker.yaml, or remove containers"
    if rules == {"fits"}:
        return "ask for less, or give the cloud's hosts a larger shape in clocker.yaml"
    return "change the request or its rules, or the cloud's in clocker.yaml"
