"""What must hold of the pipeline for any fleet, request and rules."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from placement_worlds import (
    ANY_RULES,
    FILTERS,
    UNHURRIED,
    fleets,
    requests,
)

from clocker import plugins
from clocker.model import ContainerRequest, HostState, HostView, RuleSpec
from clocker.placement import judge, place, rules_for
from clocker.placement.always import Accepting, PortsFree, Welcome

Fleet = tuple[HostView, ...]
REQUESTS = requests(ANY_RULES)
GOING = (HostState.DELETING, HostState.FAILED)


@UNHURRIED
@given(fleets(), REQUESTS, ANY_RULES)
def test_explain_agrees_with_place(
    views: Fleet, request: ContainerRequest, cloud: list[RuleSpec]
) -> None:
    rules = rules_for(cloud, request)
    placement, judged = place(views, request, rules), judge(views, request, rules)
    first = [judgement.host for judgement in judged if judgement.rank == 1]
    assert first == ([placement.host] if placement.host else [])
    assert {j.host.name: j.refusals for j in judged} == placement.refusals
    ranks = [judgement.rank for judgement in judged if judgement.rank]
    assert ranks == list(range(1, len(ranks) + 1))
    costs = [tuple(r.cost for r in j.reasons) for j in judged if j.rank]
    assert costs == sorted(costs)


@UNHURRIED
@given(fleets(), REQUESTS, ANY_RULES)
def test_a_host_that_a_hard_rule_refuses_is_never_chosen(
    views: Fleet, request: ContainerRequest, cloud: list[RuleSpec]
) -> None:
    """Each rule is asked alone; only its own word counts, not that of those always checked."""
    host = place(views, request, rules_for(cloud, request)).host
    plain = replace(request, rules=())
    for spec in (*request.rules, *cloud):
        refusals = place(views, plain, rules_for([spec], plain)).refusals
        against = [why for why in refusals[host.name] if why.rule == spec.name] if host else []
        assert not against, spec


@UNHURRIED
@given(fleets(), REQUESTS, ANY_RULES, st.randoms(use_true_random=False))
def test_the_order_of_the_hosts_means_nothing(
    views: Fleet, request: ContainerRequest, cloud: list[RuleSpec], random: Random
) -> None:
    rules = rules_for(cloud, request)
    shuffled = random.sample(views, len(views))
    assert place(shuffled, request, rules).host == place(views, request, rules).host


@UNHURRIED
@given(fleets(), requests(st.lists(FILTERS, max_size=3)), FILTERS)
def test_one_more_filter_never_adds_a_host(
    views: Fleet, request: ContainerRequest, more: RuleSpec
) -> None:
    """``fits`` is there already: to name it changes it, which may well let more through."""
    fits = RuleSpec("fits")
    assert _allowed(views, request, [fits, more]) <= _allowed(views, request, [fits])


def _allowed(views: Fleet, request: ContainerRequest, cloud: list[RuleSpec]) -> set[str]:
    refusals = place(views, request, rules_for(cloud, request)).refusals
    return {name for name, why in refusals.items() if not why}


PROMISING = [Accepting(), PortsFree(), Welcome()] + [
    plugins.rule(spec)
    for spec in (
        RuleSpec("fits"),
        RuleSpec("max_containers", {"limit": 2}),
        RuleSpec("max_cpu_usage"),
        RuleSpec("max_ram_usage"),
        RuleSpec("affinity", {"sentences": "NOT TYPE"}),
        RuleSpec("affinity", {"sentences": "ONLY APPLICATION"}),
        RuleSpec("affinity", {"sentences": "NOT NAME web, EMPTY"}),
        RuleSpec("affinity", {"sentences": "NOT TYPE", "soft": True}),
        RuleSpec("different_host"),
        RuleSpec("different_host", {"containers": "db"}),
        RuleSpec("exclusive"),
        RuleSpec("region", {"places": "eu-*"}),
        RuleSpec("zone", {"places": "z1"}),
        RuleSpec("provider", {"places": "aws"}),
        RuleSpec("country", {"places": "DE"}),
        RuleSpec("host_labels", {"labels": "NOT spot"}),
        RuleSpec("hostname", {"pattern": "host-?"}),
        RuleSpec("spread", {"of": "TYPE"}),
        RuleSpec("spread", {"of": "APPLICATION"}),
        RuleSpec("breadth_first"),
        RuleSpec("depth_first"),
        RuleSpec("least_containers"),
        RuleSpec("cheapest"),
        RuleSpec("lowest_cpu_usage"),
    )
]


@pytest.mark.parametrize("rule", PROMISING, ids=plugins.name_of)
@UNHURRIED
@given(fleets(most=3), requests(st.just([])), requests(st.just([])))
def test_what_a_rule_reads_is_all_that_it_depends_on(
    rule: Any, views: Fleet, one: ContainerRequest, other: ContainerRequest
) -> None:
    alike = replace(other, **{field: getattr(one, field) for field in rule.reads})
    bound = rule.among(views, one) if hasattr(rule, "among") else rule
    for view in views:
        for method in {"refusal", "cost"} & set(dir(rule)):
            said = getattr(rule, method)(view, one)
            assert getattr(rule, method)(view, alike) == said
            if not hasattr(rule, "among") or view.host.state not in GOING:
                assert getattr(bound, method)(view, one) == said
