"""A fleet that is kept between decisions decides as the plain pipeline does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from placement_tables import container_of, request_of, view_of
from placement_worlds import (
    ANY_RULES,
    IMAGES,
    LOCAL_RULES,
    SHARES,
    SPREADING_RULES,
    UNHURRIED,
    booked,
    fleets,
    hosts,
    requests,
)

from clocker.model import ContainerRequest, HostView, RuleSpec, Usage
from clocker.placement import Fleet, Rules, place, rules_for


def agree(fleet: Fleet, request: ContainerRequest, rules: Rules) -> HostView | None:
    found = fleet.choose(request, rules)
    placement = place(fleet.views, request, rules)
    assert (found and found.host) == placement.host
    return found


@st.composite
def histories(draw: st.DrawFn, rules: st.SearchStrategy[list[RuleSpec]]) -> list[ContainerRequest]:
    """Few kinds of requests, many times each, under different names and from two images."""
    kinds = draw(st.lists(requests(rules), min_size=1, max_size=3))
    varied = st.builds(
        replace,
        st.sampled_from(kinds),
        name=st.none() | st.sampled_from(["db", "web", "job"]),
        image=st.sampled_from(IMAGES[:2]),
        labels=st.sampled_from([{}, {"application": "web"}]),
    )
    return draw(st.lists(varied, min_size=4, max_size=30))


def replay(
    data: st.DataObject,
    views: tuple[HostView, ...],
    cloud: list[RuleSpec],
    history: list[ContainerRequest],
) -> None:
    """Decide one after the other; in between hosts come, go, are measured and lose containers."""
    fleet = Fleet(views)
    for number, request in enumerate(history):
        chosen = agree(fleet, request, rules_for(cloud, request))
        if chosen:
            fleet.book(booked(chosen.host, 100 + number, request))
        change(data, fleet, number)


def change(data: st.DataObject, fleet: Fleet, number: int) -> None:
    what = data.draw(st.sampled_from(["", "", "", "measure", "remove", "add", "release", "state"]))
    if what == "add":
        fleet.update(HostView(data.draw(hosts(10 + number))))
    if not what or not fleet.views:
        return
    view = data.draw(st.sampled_from(fleet.views))
    if what == "remove":
        fleet.remove(view.host.id)
    elif what == "measure":
        usage = Usage(data.draw(SHARES), data.draw(SHARES), 0.0)
        fleet.update(HostView(view.host, view.containers, usage))
    elif what == "release" and view.containers:
        fleet.update(view.without(view.containers[0].id))
    elif what == "state":
        fleet.update(HostView(data.draw(hosts(int(view.host.name[5:]))), view.containers))


@settings(UNHURRIED, max_examples=300)
@given(st.data(), fleets(), LOCAL_RULES, histories(LOCAL_RULES))
def test_with_rules_that_are_kept_in_order(
    data: st.DataObject,
    views: tuple[HostView, ...],
    cloud: list[RuleSpec],
    history: list[ContainerRequest],
) -> None:
    replay(data, views, cloud, history)


@settings(UNHURRIED, max_examples=300)
@given(st.data(), fleets(), SPREADING_RULES, histories(SPREADING_RULES))
def test_with_rules_that_spread(
    data: st.DataObject,
    views: tuple[HostView, ...],
    cloud: list[RuleSpec],
    history: list[ContainerRequest],
) -> None:
    replay(data, views, cloud, history)


@UNHURRIED
@given(st.data(), fleets(), ANY_RULES, histories(ANY_RULES))
def test_with_rules_of_every_kind(
    data: st.DataObject,
    views: tuple[HostView, ...],
    cloud: list[RuleSpec],
    history: list[ContainerRequest],
) -> None:
    replay(data, views, cloud, history)


def test_more_changes_and_kinds_than_it_keeps() -> None:
    """What it forgets it makes anew."""
    fleet = Fleet([view_of(f"h{n}", {"cores": 1e9}) for n in range(3)])
    for number in range(1500):
        cores = number % 70 / 100
        rules = [{"max_containers": 1000 + number % 18}]
        request = request_of({"resources": {"cores": cores}, "rules": rules})
        chosen = agree(fleet, request, rules_for([], request))
        assert chosen is not None
        assert chosen.host.name == f"h{number % 3}"
        fleet.book(container_of(chosen.host, f"c{number}", "busybox", {}))


def test_more_groups_than_are_worth_it() -> None:
    fleet = Fleet([view_of(f"h{n}", {"zone": f"z{n % 3}"}) for n in range(70)])
    rules = [{"spread": {"by": "host", "max_skew": 1}}, {"spread": "zone"}]
    request = request_of({"rules": rules})
    for number in range(75):
        chosen = agree(fleet, request, rules_for([], request))
        assert chosen is not None
        fleet.book(container_of(chosen.host, f"c{number}", "busybox", {}))


def test_a_rule_without_a_promise_is_asked_each_time() -> None:
    class Moody:
        answers = iter(["not now", None, None, "not now"])

        def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
            return next(self.answers)

    request = request_of({})
    plain = rules_for([], request)
    rules = Rules((*plain.filters, Moody()), plain.preferences)
    fleet = Fleet([view_of("a", {}), view_of("b", {})])
    first, second = (fleet.choose(request, rules) for _ in range(2))
    assert first and second and (first.host.name, second.host.name) == ("b", "a")
