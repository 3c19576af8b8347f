from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker import plugins
from clocker.interfaces import Filter, Preference
from clocker.model import ContainerRequest, HostView, Placement, Refusal, RuleSpec
from clocker.placement.rules import Accepting, BreadthFirst, Fits, PortsFree


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one decision: every filter must allow, the first preference weighs most."""

    filters: tuple[Filter, ...]
    preferences: tuple[Preference, ...]


def rules_for(cloud: Sequence[RuleSpec], request: ContainerRequest) -> Rules:
    """The request's rules before the cloud's. What keeps a host from being overfilled always
    applies; breadth first when no preference is named."""
    named = [plugins.rule(spec) for spec in (*request.rules, *cloud)]
    filters = [rule for rule in named if hasattr(rule, "refusal")]
    preferences = [rule for rule in named if hasattr(rule, "cost")]
    if not any(isinstance(rule, Fits) for rule in filters):
        filters.insert(0, Fits())
    return Rules((Accepting(), PortsFree(), *filters), tuple(preferences) or (BreadthFirst(),))


def place(views: Sequence[HostView], request: ContainerRequest, rules: Rules) -> Placement:
    """The allowed host of least cost, ties broken by name; or every host's refusals."""
    refusals = {view.host.name: _refusals(view, request, rules.filters) for view in views}
    allowed = [view for view in views if not refusals[view.host.name]]
    if not allowed:
        return Placement(None, refusals)
    best = min(
        allowed,
        key=lambda view: (
            *(preference.cost(view, request) for preference in rules.preferences),
            view.host.name,
        ),
    )
    return Placement(best.host, refusals)


def _refusals(
    view: HostView, request: ContainerRequest, filters: Sequence[Filter]
) -> tuple[Refusal, ...]:
    answers = ((rule, rule.refusal(view, request)) for rule in filters)
    return tuple(Refusal(plugins.name_of(rule), why) for rule, why in answers if why)
