"""Every rule: tables of cases, and what is wrong with how it is written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from placement_tables import request_of, tables, view_of
from placement_worlds import UNHURRIED

from clocker import plugins
from clocker.config.problems import Unfit
from clocker.config.rules import rule_spec
from clocker.errors import BadInput
from clocker.model import RuleSpec
from clocker.placement import judge, place, rules_for
from clocker.placement.rules import Affinity, MaxContainers, Soft, Spread

CASES = tables()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case: dict[str, Any]) -> None:
    views = [view_of(name, given or {}) for name, given in case["hosts"].items()]
    request = request_of(case.get("request", {}))
    rules = rules_for([rule_spec(rule) for rule in case.get("rules", [])], request)
    placement = place(views, request, rules)
    assert (placement.host and placement.host.name) == case["chosen"]
    refused = {name: str(why[0]) for name, why in placement.refusals.items() if why}
    assert refused == case.get("refused", {})
    judged = judge(views, request, rules)
    assert {j.host.name: j.refusals for j in judged} == placement.refusals
    ranked = {j.host.name: list(map(str, j.reasons)) for j in judged if j.rank}
    assert next(iter(ranked), None) == case["chosen"]
    if "ranked" in case:
        wanted = case["ranked"]
        assert list(ranked) == list(wanted)
        assert {name: ranked[name][: len(wanted[name])] for name in ranked} == wanted


def test_every_rule_has_its_cases() -> None:
    named = {
        rule if isinstance(rule, str) else next(iter(rule))
        for case in CASES.values()
        for rule in (*case.get("rules", ()), *case.get("request", {}).get("rules", ()))
    }
    assert named == set(plugins.RULES)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"affinity": "TYP solr"}, "'TYP solr' is no sentence"),
        ({"affinity": "NAME"}, "NAME needs a value"),
        ({"affinity": "ID"}, "ID needs a value"),
        ({"affinity": "TYPE a b"}, "put a value with blanks in quotes"),
        ({"affinity": "NAME 'a"}, "a quote is not closed"),
        ({"affinity": "EMPTY web"}, "no sentence"),
        ({"affinity": "ONLY EMPTY"}, "no sentence"),
        ("affinity", "needs the option 'sentences'"),
        ({"affinity": {"sentences": "EMPTY", "soft": "yes"}}, "soft must be true or false"),
        ({"affinity": {"sentences": "EMPTY", "sof": True}}, "its options are: sentences, soft"),
        ({"breadth_first": {"soft": True}}, "has no option 'soft'"),
        ({"country": "in Germany"}, "give the two letters of ISO 3166"),
        ({"country": False}, "put words such as NO"),
        ({"country": [False, "SE"]}, "put words such as NO"),
        ({"region": "in"}, "does not say where"),
        ({"region": "eu west"}, "does not say where"),
        ({"zone": ["a", "not b"]}, "does not say where"),
        ({"host_labels": "NOT disk=ssd"}, "write KEY, NOT KEY, KEY=VALUE or KEY!=VALUE"),
        ({"hostname": {"pattern": "[", "regex": True}}, "is no regular expression"),
        ({"spread": "planet"}, "give one of host, zone, region"),
        ({"spread": {"by": "zone", "max_skew": 0}}, "at least 1"),
        ({"spread": {"of": "NOT TYPE"}}, "does not say which containers count"),
        ({"max_cpu_usage": 50}, "0.5 means 50 %"),
        ({"max_ram_usage": 0}, "above 0"),
        ({"max_cpu_usage": {"unknown": "maybe"}}, "maybe"),
        ({"max_containers": 0}, "at least 1"),
        ({"fits": -1}, "above 0"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(rule: Any, sentence: str) -> None:
    with pytest.raises(Unfit) as caught:
        rule_spec(rule)
    said = f"{caught.value}\n{getattr(caught.value, 'remedy', None)}"
    assert sentence in said


def test_a_wrong_sentence_in_python_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no sentence"):
        Affinity("NEAR solr")


@pytest.mark.parametrize(
    ("made", "spec"),
    [
        (MaxContainers(3), RuleSpec("max_containers", {"limit": 3})),
        (Affinity(("EMPTY",)), RuleSpec("affinity", {"sentences": ["EMPTY"]})),
        (Soft(Affinity("EMPTY")), RuleSpec("affinity", {"sentences": "EMPTY", "soft": True})),
        (Spread("zone", max_skew=2), RuleSpec("spread", {"by": "zone", "max_skew": 2, "of": ""})),
    ],
)  # fmt: skip
def test_a_rule_of_python_is_one_of_yaml(made: Any, spec: RuleSpec) -> None:
    assert plugins.spec_of(made) == spec
    assert plugins.rule(spec) == made


def test_a_draw_by_lot_is_fair() -> None:
    views = [view_of(name, {}) for name in "abcd"]
    counts = dict.fromkeys("abcd", 0)
    for number in range(400):
        request = request_of({"name": f"job-{number}", "rules": ["random"]})
        host = place(views, request, rules_for([], request)).host
        assert host is not None
        counts[host.name] += 1
    assert min(counts.values()) > 70, counts


@UNHURRIED
@given(st.sampled_from(sorted(plugins.RULES)), st.text(max_size=30) | st.lists(st.text(max_size=9)))
@example("affinity", "NOT")
@example("affinity", "TYPE \x00")
@example("hostname", "[")
@example("region", "not not in")
def test_whatever_is_written_is_a_rule_or_refused(name: str, value: str | list[str]) -> None:
    """And a rule that was let through judges any host without an accident."""
    try:
        spec = rule_spec({name: value})
    except Unfit:
        return
    request = request_of({"name": "web", "labels": {"tier": "web"}})
    views = [view_of("a", {"containers": 1, "region": "eu-west-1", "labels": {"disk": "ssd"}})]
    judge(views, request, rules_for([spec], request))
