from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clocker import plugins
from clocker.interfaces import Filter, Preference
from clocker.model import (
    ContainerRequest,
    HostView,
    Judgement,
    Placement,
    Reason,
    Refusal,
    RuleSpec,
)
from clocker.placement.always import Accepting, PortsFree, Welcome, stays
from clocker.placement.capacity import Fits
from clocker.placement.order import BreadthFirst


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The rules of one decision: every filter must allow, the first preference weighs most."""

    filters: tuple[Filter, ...]
    preferences: tuple[Preference, ...]

    @property
    def needs_usage(self) -> bool:
        """Whether somebody must have measured the hosts."""
        return self._any("needs_usage")

    @property
    def needs_offer(self) -> bool:
        """Whether a host that is still to be made can only be judged by its provider's offer."""
        return self._any("needs_offer")

    @property
    def settled_by_making(self) -> Rules:
        """The filters to ask again when a host was made: it may have come out otherwise."""
        again = (rule for rule in self.filters if getattr(rule, "settled_by_making", False))
        return Rules(tuple(again), ())

    def _any(self, trait: str) -> bool:
        return any(getattr(rule, trait, False) for rule in (*self.filters, *self.preferences))


def rules_for(cloud: Sequence[RuleSpec], request: ContainerRequest) -> Rules:
    """The request's rules before the cloud's. What keeps a host from being overfilled always
    applies; breadth first when no preference is named."""
    return _rules((*request.rules, *cloud))


def place(
    views: Sequence[HostView],
    request: ContainerRequest,
    rules: Rules,
    fleet: Sequence[HostView] | None = None,
) -> Placement:
    """The allowed host of least cost, ties broken by name; or every host's refusals. ``fleet``:
    all hosts, where ``views`` are only those that may be chosen."""
    bound = _bound(rules, views if fleet is None else fleet, request)
    refusals = {view.host.name: _refusals(view, request, bound.filters) for view in views}
    allowed = [view for view in views if not refusals[view.host.name]]
    best = min(allowed, key=lambda view: sort_key(view, request, bound), default=None)
    return Placement(best.host if best else None, refusals)


def choose(views: Sequence[HostView], request: ContainerRequest, rules: Rules) -> HostView | None:
    """The host that ``place`` gives, without a word on the others."""
    bound = _bound(rules, views, request)
    allowed = [view for view in views if allows(view, request, bound)]
    return min(allowed, key=lambda view: sort_key(view, request, bound), default=None)


def judge(
    views: Sequence[HostView],
    request: ContainerRequest,
    rules: Rules,
    fleet: Sequence[HostView] | None = None,
) -> tuple[Judgement, ...]:
    """What the rules say of every host: those that would take the request, best first, then
    those that refuse it, by name."""
    bound = _bound(rules, views if fleet is None else fleet, request)
    refused = {view.host.name: _refusals(view, request, bound.filters) for view in views}
    allowed = [view for view in views if not refused[view.host.name]]
    allowed.sort(key=lambda view: sort_key(view, request, bound))
    ranked = [
        Judgement(view.host, rank, (), _reasons(view, request, bound.preferences))
        for rank, view in enumerate(allowed, 1)
    ]
    others = [Judgement(v.host, None, why) for v in views if (why := refused[v.host.name])]
    return (*ranked, *sorted(others, key=lambda judgement: judgement.host.name))


def sort_key(view: HostView, request: ContainerRequest, rules: Rules) -> tuple[Any, ...]:
    """The host of the least one is chosen."""
    return (*(rule.cost(view, request) for rule in rules.preferences), view.host.name)


def allows(view: HostView, request: ContainerRequest, rules: Rules) -> bool:
    return all(rule.refusal(view, request) is None for rule in rules.filters)


@lru_cache(maxsize=256)
def _rules(specs: tuple[RuleSpec, ...]) -> Rules:
    named = [plugins.rule(spec) for spec in specs]
    filters = [rule for rule in named if hasattr(rule, "refusal")]
    preferences = [rule for rule in named if hasattr(rule, "cost")]
    if not any(isinstance(rule, Fits) for rule in filters):
        filters.insert(0, Fits())
    always = (Accepting(), PortsFree(), Welcome())
    return Rules((*always, *filters), tuple(preferences) or (BreadthFirst(),))


def _bound(rules: Rules, fleet: Sequence[HostView], request: ContainerRequest) -> Rules:
    """The rules for this decision: those that compare hosts are told of all that stay."""
    every = (*rules.filters, *rules.preferences)
    if not any(hasattr(rule, "among") for rule in every):
        return rules
    staying = [view for view in fleet if stays(view.host)]

    def bind(rule: Any) -> Any:
        return rule.among(staying, request) if hasattr(rule, "among") else rule

    return Rules(tuple(map(bind, rules.filters)), tuple(map(bind, rules.preferences)))


def _refusals(
    view: HostView, request: ContainerRequest, filters: Sequence[Filter]
) -> tuple[Refusal, ...]:
    answers = ((rule, rule.refusal(view, request)) for rule in filters)
    return tuple(Refusal(plugins.name_of(rule), why) for rule, why in answers if why)


def _reasons(
    view: HostView, request: ContainerRequest, preferences: Sequence[Preference]
) -> tuple[Reason, ...]:
    return tuple(
        Reason(plugins.name_of(rule), rule.reason(view, request), rule.cost(view, request))
        for rule in preferences
    )
