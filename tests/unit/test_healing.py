"""The policy of healing: tables of cases, and what holds for whatever is found."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from healing_worlds import (
    DATA,
    NOW,
    container,
    container_look,
    done,
    host,
    host_look,
    looks,
    status,
    tables,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from clocker.model import ContainerRequest, Healing, HostState, HostView
from clocker.policies.heal_actions import (
    AdoptContainer,
    CleanHost,
    CreateContainer,
    GiveUp,
    Plan,
    RemoveContainer,
    RepairHost,
    ReplaceHost,
    RestartContainer,
)
from clocker.policies.heal_history import History
from clocker.policies.heal_look import Look, Seen, keeps_data, own
from clocker.policies.healing import decide

NAMES = {
    RestartContainer: "restart",
    CreateContainer: "create",
    GiveUp: "give up",
    ReplaceHost: "replace",
    RepairHost: "repair",
    CleanHost: "clean",
    AdoptContainer: "adopt",
    RemoveContainer: "remove",
}
FIFTY = settings(max_examples=50)
CONTAINERS = tables("containers")
HOSTS = tables("hosts")


def said(plan: Plan, subjects: tuple[str, ...]) -> str:
    """What is done about one of ``subjects``, in a word."""
    actions = [
        NAMES[type(a)] for a in plan.actions if {getattr(a, "name", a.host), a.host} & {*subjects}
    ]
    if actions:
        return " ".join(actions)
    if plan.breaker:
        return "breaker"
    if any(item.subject in subjects for item in plan.pending):
        return "wait"
    return "report" if any(item.subject in subjects for item in plan.troubles) else "nothing"


@pytest.mark.parametrize("case", CONTAINERS.values(), ids=CONTAINERS)
def test_containers(case: dict[str, Any]) -> None:
    assert said(decide(container_look(case)), ("web-1",)) == case["do"]


@pytest.mark.parametrize("case", HOSTS.values(), ids=HOSTS)
def test_hosts(case: dict[str, Any]) -> None:
    look = host_look(case)
    if case.get("says") == "all":  # what is on it is another table's business
        views = (HostView(look.views[0].host), *look.views[1:])
        look = replace(look, views=views)
    assert said(decide(look), ("host-1", "web-1")) == case["do"]


def test_the_waits_double_up_to_the_longest() -> None:
    case = dict(CONTAINERS["it failed"], attempts=9)
    waits, tries = [], (NOW,)
    for _ in range(8):
        look = container_look(case)
        look = replace(look, history=History(tries={"c1": tries}), now=tries[-1])
        waits.append(decide(look).pending[0].until - tries[-1])
        tries = (*tries, tries[-1] + waits[-1])
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_the_important_ones_come_first() -> None:
    held = tuple(
        container(n, "h1", request=ContainerRequest("x", healing=Healing(priority=p)))
        for n, p in ((1, 0), (2, 9), (3, 5), (4, 9))
    )
    there = host(1)
    dead = Look((HostView(there, held),), {}, now=NOW)
    ended = Seen(True, True, tuple(status(c, "exited", exit_code=1) for c in held))
    order = [a.id for a in decide(replace(dead, seen={"h1": ended})).actions]  # type: ignore[union-attr]
    assert order == ["c2", "c4", "c3", "c1"]
    lost = replace(there, state=HostState.LOST, fenced_at=NOW)
    (action,) = decide(replace(dead, views=(HostView(lost, held),))).actions
    assert isinstance(action, ReplaceHost)
    assert action.containers == ("web-2", "web-4", "web-3", "web-1")


def stray(**labels: str) -> Look:
    one = container(1, "h1")
    found = status(one)
    found = replace(found, labels={**found.labels, **labels})
    views = (HostView(host(1)), HostView(host(2), (container(2, "h2"),)))
    known = Seen(True, True, (status(container(2, "h2")),))
    return Look(views, {"h1": Seen(True, True, (found,)), "h2": known}, now=NOW)


@pytest.mark.parametrize(
    ("labels", "kind"),
    [
        ({}, AdoptContainer),
        ({"clocker.name": "web-2"}, RemoveContainer),
        ({"clocker.address": "10.0.0.2"}, RemoveContainer),
        ({"clocker.id": "c2"}, RemoveContainer),
    ],
)
def test_what_is_on_no_record_there(labels: dict[str, str], kind: type) -> None:
    (action,) = decide(stray(**labels)).actions
    assert (type(action), action.host) == (kind, "host-1")


def test_two_of_one_name_are_not_both_adopted() -> None:
    look = stray()
    twin = replace(look.seen["h1"].containers[0], engine_id="e9")
    twin = replace(twin, labels={**twin.labels, "clocker.id": "c9", "clocker.address": "10.0.0.9"})
    both = replace(look.seen["h1"], containers=(*look.seen["h1"].containers, twin))
    plan = decide(replace(look, seen={**look.seen, "h1": both}))
    assert [type(action) for action in plan.actions] == [AdoptContainer, RemoveContainer]


def test_strays_may_be_removed_and_helpers_are_none() -> None:
    look = stray()
    spec = replace(look.spec, strays="remove")
    assert isinstance(decide(replace(look, spec=spec)).actions[0], RemoveContainer)
    helper = replace(look.seen["h1"].containers[0], labels={"clocker.id": "c1"})
    seen = {**look.seen, "h1": Seen(True, True, (helper,))}
    assert decide(replace(look, seen=seen)).actions == ()


def test_of_a_host_that_was_not_asked_nothing_is_concluded() -> None:
    look = host_look(HOSTS["it is dead"])
    plan = decide(replace(look, seen={"h2": look.seen["h2"]}))
    assert plan.actions == ()
    assert plan.history.hosts["h1"] == look.history.hosts["h1"]
    lost = host_look(HOSTS["replacing was begun"])
    assert decide(replace(lost, seen={"h2": lost.seen["h2"]})).actions == ()
    fenced = host_look(HOSTS["what it had is not all elsewhere yet"])
    assert len(decide(replace(fenced, seen={"h2": fenced.seen["h2"]})).actions) == 1


@FIFTY
@given(looks())
def test_the_same_look_gives_the_same_plan(look: Look) -> None:
    assert decide(look) == decide(look)


@FIFTY
@given(looks())
def test_no_host_is_given_up_within_the_hysteresis(look: Look) -> None:
    plan = decide(look)
    views = {view.host.name: view for view in look.views}
    for action in plan.actions:
        if isinstance(action, ReplaceHost):
            there = views[action.host].host
            assert not look.seen[there.id].answers or not there.access
            if there.state is HostState.LOST or there.fenced_at is not None:
                continue
            silence = plan.history.hosts[there.id]
            assert silence.looks >= look.spec.looks
            assert look.now - silence.since >= look.spec.silence_s


@FIFTY
@given(looks())
def test_while_the_breaker_is_open_only_what_is_fenced_is_replaced(look: Look) -> None:
    plan = decide(look)
    if plan.breaker:
        views = {view.host.name: view.host for view in look.views}
        replaced = [a.host for a in plan.actions if isinstance(a, ReplaceHost)]
        assert all(views[name].fenced_at is not None for name in replaced)


@FIFTY
@given(looks())
def test_nobody_is_given_up_unless_another_host_answers(look: Look) -> None:
    plan = decide(look)
    views = {view.host.name: view.host for view in look.views}
    fresh = [a for a in plan.actions if isinstance(a, ReplaceHost) and not views[a.host].fenced_at]
    if fresh:
        assert any(seen.answers for seen in look.seen.values())


@FIFTY
@given(looks())
def test_data_is_never_given_up_without_a_word(look: Look) -> None:
    views = {view.host.name: view for view in look.views}
    for action in decide(look).actions:
        if isinstance(action, ReplaceHost) and views[action.host].host.fenced_at is None:
            assert not any(keeps_data(c, look.spec) for c in own(views[action.host]))


@FIFTY
@given(looks())
def test_nothing_is_done_twice_to_one_container(look: Look) -> None:
    """And nothing on a host that does not answer; so no address can be on two hosts."""
    plan = decide(look)
    answering = {view.host.name for view in look.views if look.seen[view.host.id].answers}
    ids = [a.id for a in plan.actions if not isinstance(a, ReplaceHost | RepairHost | CleanHost)]
    assert len(ids) == len(set(ids))
    for action in plan.actions:
        if not isinstance(action, ReplaceHost | RepairHost):
            assert action.host in answering


@FIFTY
@given(looks())
def test_who_depends_on_another_comes_after_it(look: Look) -> None:
    order = [a.name for a in decide(look).actions if isinstance(a, RestartContainer)]
    after = {a.name: a.after for a in decide(look).actions if isinstance(a, RestartContainer)}
    for name, cause in after.items():
        if cause in order:
            assert order.index(cause) < order.index(name)


@given(looks())
def test_once_everything_is_done_there_is_nothing_to_do(look: Look) -> None:
    plan = decide(look)
    assume(plan.breaker is None)  # what is done may close it
    again = decide(done(look, plan))
    # What is on a host that was just mended is only seen now.
    mended = {a.host for a in plan.actions if isinstance(a, RepairHost | CleanHost | ReplaceHost)}
    for action in again.actions:
        assert not isinstance(action, RepairHost | CleanHost | ReplaceHost)
        assert action.host in mended


@FIFTY
@given(looks(), st.integers(2, 5))
def test_history_only_grows_by_what_is_there(look: Look, times: int) -> None:
    plans = [decide(look)]
    for _ in range(times):
        look = replace(look, history=plans[-1].history)
        plans.append(decide(look))
    containers = {c.id for _, c in look.containers}
    for before, after in pairwise(plans):
        assert set(after.history.tries) <= containers
        assert set(after.history.due) <= containers
        assert set(after.history.hosts) <= {v.host.id for v in look.views}
        assert len(before.history.ended) <= len(containers)


def test_a_container_with_data_on_a_living_host_is_made_anew_there() -> None:
    one = container(1, "h1", request=ContainerRequest("x", volumes=DATA))
    look = Look((HostView(host(1), (one,)),), {"h1": Seen(True, True)}, now=NOW)
    assert isinstance(decide(look).actions[0], CreateContainer)
