"""What the cloud's providers would make now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from clocker.cloud.decide import Offers, OffersWanted
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Parts
from clocker.model import ContainerRequest, HostRequest, Offer
from clocker.placement.shapers import wishes_for

T = TypeVar("T")
ANY = ContainerRequest("")


def with_offers(
    parts: Parts, decide: Callable[[Offers | None], T], request: ContainerRequest = ANY
) -> T:
    """``decide`` without offers, which take seconds to have; with them, for hosts that are made
    for ``request``, if it turns out to want them. A store transaction in it is begun anew
    then: no provider is asked within one."""
    try:
        return decide(None)
    except OffersWanted:
        return decide(offers_of(parts, request))


def offers_of(parts: Parts, request: ContainerRequest = ANY) -> Offers:
    """Of the providers that answer: one that does not is reported, and judged without."""
    names = parts.spec.hosts.providers
    with side_by_side(len(names)) as pool:
        jobs = {name: pool.submit(offer_if_known, parts, name, request) for name in names}
    found = {name: job.result() for name, job in jobs.items()}
    return {name: offer for name, offer in found.items() if offer is not None}


def offer_of(parts: Parts, provider: str, request: ContainerRequest = ANY) -> Offer:
    """For a host that is made for ``request``; ProviderError names the provider."""
    spec = parts.spec
    wishes = wishes_for(spec.hosts, request)
    name = f"{spec.name}-?"
    wanted = HostRequest("", spec.name, name, wishes.resources, provider, zone=wishes.zone)
    try:
        return parts.providers[provider].plan(wanted)
    except ClockerError as error:
        error.where = error.where or f"provider {provider}"
        raise


def offer_if_known(parts: Parts, provider: str, request: ContainerRequest) -> Offer | None:
    """None where the provider cannot be asked, which is reported."""
    try:
        return offer_of(parts, provider, request)
    except ClockerError as error:
        parts.progress.failed(provider, f"its offer is not known: {error.what}")
        return None
