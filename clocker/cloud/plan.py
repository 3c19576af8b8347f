"""What ``up`` would make, where and at what price, and whether a provider could. Makes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace

from clocker.cloud.add_hosts import to_add
from clocker.cloud.nodes import request_for
from clocker.cloud.offers import offer_of
from clocker.cloud.places import missing, next_place, provider_of
from clocker.cloud.reports import PlannedHost, UpPlan
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError, NotFound, Unavailable
from clocker.interfaces import Parts
from clocker.model import Check, ContainerRequest, Host, HostState, Offer, Verdict
from clocker.placement.shapers import wishes_for


def plan_up(parts: Parts) -> UpPlan:
    """Asks each provider once, side by side; none where there is nothing to make. ProviderError
    when one has nothing that fits, and no other is to be asked."""
    with parts.store.read() as tx:
        hosts = tx.hosts()
    leaving = tuple(host.name for host in hosts if host.state is HostState.DELETING)
    hosts = [h for h in hosts if h.state not in (HostState.DELETING, HostState.LOST)]
    anew = [
        _imagined(parts, provider, number)
        for number, provider in enumerate(missing(parts.spec.hosts, hosts))
    ]
    unfinished = [host for host in hosts if host.state is not HostState.READY]
    offers = _Offers(parts)
    offers.ask([host for host in (*unfinished, *anew) if not host.node_id])
    everyone = (*hosts, *anew)
    return UpPlan(
        tuple(_planned(parts, host, everyone, offers) for host in (*unfinished, *anew)), leaving
    )


def plan_add(parts: Parts, count: int = 1) -> UpPlan:
    """The same of ``add``, which begins with those that an earlier call has left unfinished."""
    with parts.store.read() as tx:
        hosts = tx.hosts()
        begun, more = to_add(parts, tx, count)
    first = parts.spec.hosts.providers[0]
    make = [*begun, *(_imagined(parts, first, number) for number in range(more))]
    offers = _Offers(parts)
    offers.ask([host for host in make if not host.node_id])
    return UpPlan(tuple(_planned(parts, host, (*hosts, *make), offers) for host in make))


def examine(parts: Parts, provider: str) -> Iterator[Check]:
    """What ``provider`` says of the request that ``up`` would make for a host."""
    found = parts.providers.get(provider)
    if found is None:
        raise NotFound(
            f"no provider is called {provider!r}",
            remedy=f"those of the cloud: {', '.join(parts.spec.hosts.providers)}",
        )
    try:
        yield from found.examine(request_for(parts, _imagined(parts, provider, 0)))
    except ClockerError as error:
        place = f"{error.where}: " if error.where else ""
        yield Check("provider", Verdict.WRONG, f"{place}{error.what}", error.remedy)


class _Offers:
    """What each provider offers, asked once: all hosts of a cloud are asked for alike."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._asked: dict[str, Future[Offer]] = {}

    def ask(self, hosts: Sequence[Host]) -> None:
        for host in hosts:
            provider_of(self._parts, host)  # refuses one that the document has stopped naming
        places = {host.provider for host in hosts} - set(self._asked)
        with side_by_side(min(len(places), self._parts.spec.hosts.concurrency)) as pool:
            for provider in sorted(places):
                self._asked[provider] = pool.submit(offer_of, self._parts, provider)

    def of(self, host: Host) -> Offer:
        self.ask([host])
        return self._asked[host.provider].result()


def _planned(parts: Parts, host: Host, everyone: Sequence[Host], offers: _Offers) -> PlannedHost:
    if host.node_id:
        return PlannedHost(host.name, host.provider, request_for(parts, host).resources)
    tried: list[str] = []
    while True:
        tried.append(host.provider)
        try:
            offer = offers.of(host)
            break
        except Unavailable:
            turned = next_place(parts.spec.hosts, host, everyone, tried)
            if turned is None:
                raise
            host = replace(host, provider=turned)
    then = (*offer.alternatives, *_other_providers(parts, host, everyone, tried))
    return PlannedHost(host.name, host.provider, offer.resources, offer, then)


def _other_providers(
    parts: Parts, host: Host, everyone: Sequence[Host], tried: list[str]
) -> Iterator[str]:
    while turned := next_place(parts.spec.hosts, host, everyone, tried):
        yield f"provider {turned}"
        tried.append(turned)
        host = replace(host, provider=turned)


def _imagined(parts: Parts, provider: str, number: int) -> Host:
    """A host that is on no record: its name is made up when it is."""
    spec = parts.spec
    name = f"{spec.name}-?"
    wishes = wishes_for(spec.hosts, ContainerRequest(""))
    return Host(
        f"?{number}", name, provider, HostState.REQUESTED, wishes.resources, "", wishes=wishes
    )
