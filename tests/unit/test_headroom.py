"""How much room there is, which hosts are made for more, and which are not needed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from headroom_worlds import (
    EIGHT,
    NEW,
    assert_no_overshoot,
    container,
    host,
    look,
    views,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from clocker.errors import BadInput
from clocker.model import (
    ContainerRequest,
    ContainerState,
    Headroom,
    HostState,
    HostView,
    Keep,
    Resources,
    RuleSpec,
    Volume,
)
from clocker.policies.headroom import History, decide
from clocker.policies.room import typical
from clocker.policies.windows import keep_at, window

DOCS = Path(__file__).parents[2] / "docs" / "headroom.md"
ANY = (ContainerRequest("nginx"),)
ONE = (ContainerRequest("nginx", Resources(1, 1024)),)
FOUR = Headroom(Keep(4), ANY, maximum=100, up_s=30, down_s=300)
SURPLUS = History(surplus_since=0.0)
PUBLISHED = re.findall(
    r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (.+?) \| (.+?) \| (\d+) \|", DOCS.read_text(), re.M
)


@pytest.mark.parametrize("case", PUBLISHED, ids=" ".join)
def test_the_published_cases(case: tuple[str, ...]) -> None:
    """Containers, hosts, maximum on a host, headroom; what the original said and came to; ours."""
    running, hosts, most, count, said, came_to, ours = case
    C, H, M, h = int(running), int(hosts), int(most), int(count)
    # The original's own arithmetic.
    possible = M * H
    available, use = possible - C, C / possible
    low, high = max(0, (possible - h - M) / possible), max(0, (possible - h) / possible)
    hot, cold = h - available > 0, available > h + M
    assert said == ("hot" if hot else "cold" if cold else "-")
    if hot:
        assert came_to == f"{-int(-use * H // high)}"
    elif cold:
        assert came_to == f"{max(int(use * H // low), -int(-use * H // high))}"
    held = [C // H + (n < C % H) for n in range(H)]
    rules = (RuleSpec("max_containers", {"limit": M}),)
    asked = look(views(*held, request=ANY[0]), replace(FOUR, keep=Keep(h)), rules=rules)
    found = decide(replace(asked, history=SURPLUS))
    assert H + len(found.add) - len(found.remove) == int(ours), found.why


def test_all_published_cases_are_in_the_table() -> None:
    assert len(PUBLISHED) >= 6


def test_nothing_to_do() -> None:
    found = decide(look(views(8, 4), FOUR, rules=EIGHT))
    assert (found.add, found.remove, found.short) == ((), (), False)
    assert found.why == "2 hosts, room for 4 of 4 more: nothing to do"


def test_hosts_that_are_being_made_count_as_if_ready() -> None:
    making = views(0, state=HostState.REQUESTED, capacity=Resources())
    need = replace(FOUR, shapes=ONE)
    assert decide(look(making, need)).add == ()
    assert len(decide(look(views(0, state=HostState.FAILED), need)).add) == 1
    assert len(decide(look(views(0, cordoned=True), need)).add) == 1


def test_several_shapes_are_placed_together() -> None:
    shapes = (ContainerRequest("a", Resources(6, 64)), ContainerRequest("b", Resources(3, 64)))
    spec = replace(FOUR, shapes=shapes)
    found = decide(look([], spec))
    # 6, 3, 6, 3 cores on hosts of 8: two big ones apart, and both small ones together.
    assert (found.room, len(found.add)) == (0, 3)


def test_a_share_is_of_what_would_then_run() -> None:
    quarter = replace(FOUR, keep=Keep(share=0.25))
    assert decide(look(views(8, 4, request=ANY[0]), quarter, rules=EIGHT)).wanted == 4
    assert decide(look(views(8, 5, request=ANY[0]), quarter, rules=EIGHT)).wanted == 5
    assert decide(look([], quarter, rules=EIGHT)).wanted == 1


def test_the_typical_container_is_taken_amount_by_amount() -> None:
    needs = [Resources(1, 100), Resources(2, 900), Resources(3, 300), Resources(9, 200)]
    running = [container(f"c{n}", "h", ContainerRequest("x", need)) for n, need in enumerate(needs)]
    assert typical(running, 0.75).resources == Resources(3, 300)
    assert typical(running, 1.0).resources == Resources(9, 900)
    assert typical([], 0.75).resources == Resources()
    found = decide(look(views(8), replace(FOUR, shapes=())))
    assert "each 1 core, 1024 MiB" in found.why and len(found.add) == 1


def test_rules_of_the_shape_are_asked() -> None:
    apart = (ContainerRequest("x", rules=(RuleSpec("different_host"),)),)
    assert len(decide(look(views(0, 0), replace(FOUR, shapes=apart))).add) == 2
    away = (ContainerRequest("x", rules=(RuleSpec("provider", {"places": "elsewhere"}),)),)
    found = decide(look(views(0), replace(FOUR, shapes=away)))
    assert (found.add, found.short) == ((), True)
    assert "not even a new host would take one: provider" in found.why


def test_limits_are_kept_and_told() -> None:
    found = decide(look(views(8, 8), replace(FOUR, keep=Keep(40), maximum=4), rules=EIGHT))
    assert (len(found.add), found.short) == (2, True)
    assert found.why.endswith("2 hosts added; no more than 4 hosts may be")
    dear = replace(NEW, price_hour=0.4)
    paid = views(8, 8, price_hour=0.4, request=ANY[0])
    budget = replace(FOUR, keep=Keep(40), budget_hour=1.2)
    found = decide(look(paid, budget, rules=EIGHT, news=(dear,)))
    assert (len(found.add), found.short) == (1, True)
    assert found.why.endswith("1 host added; the budget is 1.2 an hour")
    found = decide(look(paid, budget, rules=EIGHT))
    assert found.add == () and "a price is not known" in found.why


def test_the_cooldowns() -> None:
    full = views(8)
    found = decide(look(full, FOUR, rules=EIGHT, now=100.0))
    assert found.history.made_at == 100.0
    waiting = decide(look(full, FOUR, rules=EIGHT, now=110.0, history=found.history))
    assert (waiting.add, waiting.short) == ((), True)
    assert waiting.why.endswith("1 host to be added, in 20 s")
    assert len(decide(look(full, FOUR, rules=EIGHT, now=130.0, history=waiting.history)).add) == 1

    idle = views(4, 0)
    first = decide(look(idle, FOUR, rules=EIGHT, now=1000.0, history=found.history))
    assert first.remove == () and first.why.endswith("h001 not needed; may go in 300 s")
    early = decide(look(idle, FOUR, rules=EIGHT, now=1299.0, history=first.history))
    assert early.remove == ()
    needed = decide(look(views(5, 0), FOUR, rules=EIGHT, now=1299.0, history=early.history))
    assert needed.history.surplus_since is None
    late = decide(look(idle, FOUR, rules=EIGHT, now=1300.0, history=early.history))
    assert [h.name for h in late.remove] == ["h001"] and late.why.endswith("h001 goes")
    fresh = views(4, 0, created_at=1200.0)
    assert decide(look(fresh, FOUR, rules=EIGHT, now=1300.0, history=early.history)).remove == ()


def going(there: list[HostView], spec: Headroom = FOUR, **changes: object) -> list[str]:
    asked = look(there, spec, rules=EIGHT, history=SURPLUS, **changes)
    return [each.name for each in decide(asked).remove]


def test_the_emptiest_go_first_and_of_those_the_dearest() -> None:
    cheap, dear, other = views(0, 0, 0)
    dear = replace(dear, host=replace(dear.host, price_hour=0.5))
    assert going([cheap, dear, other]) == ["h001", "h000"]
    assert going([cheap, dear, other], replace(FOUR, minimum=2)) == ["h001"]
    # Three containers and four to come have room on one of them.
    assert going(views(2, 1)) == ["h001"]
    assert going(views(2, 1), replace(FOUR, drain=False)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"request": ContainerRequest("nginx", volumes=(Volume("data", "/data"),))},
        {"request": ContainerRequest("nginx", volumes=(Volume("/srv", "/srv"),))},
        {"request": ContainerRequest("nginx", rules=(RuleSpec("hostname", {"pattern": "h0*"}),))},
        {"state": ContainerState.CREATING},
        {"state": ContainerState.MOVING},
    ],
)
def test_a_host_with_a_container_that_must_not_move_stays(changes: dict[str, object]) -> None:
    pinned = replace(container("c", "h000"), **changes)  # type: ignore[arg-type]
    there = [HostView(host("h000"), (pinned,)), *views(0, 0)[1:]]
    there[1] = replace(there[1], host=host("x001"))
    assert going(there, replace(FOUR, minimum=1)) == ["x001"]
    assert going(there, replace(FOUR, keep=Keep(8))) == []


def test_other_reasons_to_stay() -> None:
    assert going(views(0, 0), replace(FOUR, keep=Keep(16))) == []
    assert going(views(0, cordoned=True)) == []
    assert going(views(0, 0), at={"here": 2}) == []
    assert going(views(0, 0), at={"here": 1}) == ["h000"]


def test_one_that_is_leaving_goes_on_or_comes_back() -> None:
    home, away = views(1, 3)
    away = replace(away, host=replace(away.host, cordoned=True))
    leaving = History(leaving=("h001",))
    on = decide(look([home, away], FOUR, rules=EIGHT, history=leaving))
    assert [h.name for h in on.remove] == ["h001"] and on.history.leaving == ("h001",)
    (busy,) = views(6)
    back = decide(look([busy, away], FOUR, rules=EIGHT, history=leaving))
    assert ([h.name for h in back.back], back.add, back.remove) == (["h001"], (), ())
    assert back.history.leaving == () and back.why.endswith("h001 stays")
    # What is on the leaving one takes room where it goes.
    (crowded,) = views(3)
    back = decide(look([crowded, away], FOUR, rules=EIGHT, history=leaving))
    assert ([h.name for h in back.back], back.remove) == (["h001"], ())


@pytest.mark.parametrize("seed", range(20))
def test_many_idle_hosts_go_at_once_and_not_one_too_many(seed: int) -> None:
    there = views(*[0] * 37, *[8] * seed)
    assert len(going(there, replace(FOUR, keep=Keep(17), drain=False))) == 34


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_no_overshoot_under_random_demand(seed: int) -> None:
    assert_no_overshoot(seed, steps=5)


WEEK = {  # the epoch was a Thursday
    "keep 7": {"Thu 00:00", "Sun 23:59"},
    "08:00-20:00 Mon-Fri keep 20": {"Thu 08:00", "Fri 19:59"},
    "Sat,Sun keep 10%": {"Sat 00:00", "Sun 23:59"},
    "22:00-06:00 Fri keep 3": {"Fri 22:00", "Sat 05:59"},
    "Fri-Mon keep 1": {"Fri 00:00", "Mon 12:00"},
    "00:00-24:00 Wed keep 1": {"Wed 23:59"},
}
MOMENTS = sorted(set().union(*WEEK.values()) | {"Fri 20:00", "Sat 06:00", "Thu 07:59", "Tue 12:00"})


def moment(text: str) -> float:
    day, hour, minute = re.split("[ :]", text)
    days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"].index(day)
    return days * 86400 + int(hour) * 3600 + int(minute) * 60


@pytest.mark.parametrize("text", WEEK)
def test_windows(text: str) -> None:
    spec = replace(FOUR, windows=(window(text),))
    inside = {when for when in MOMENTS if keep_at(spec, moment(when)) != spec.keep}
    if text == "keep 7":
        assert inside == set(MOMENTS)
    else:
        expected = WEEK[text] | {
            "22:00-06:00 Fri keep 3": {"Sat 00:00"},
            "Sat,Sun keep 10%": {"Sat 05:59", "Sat 06:00"},
            "08:00-20:00 Mon-Fri keep 20": {"Mon 12:00", "Tue 12:00"},
            "Fri-Mon keep 1": {m for m in MOMENTS if m[:3] in ("Fri", "Sat", "Sun", "Mon")},
        }.get(text, set())
        assert inside == expected


def test_the_first_window_that_is_now_counts_in_the_clouds_own_time() -> None:
    spec = replace(
        FOUR,
        windows=(window("08:00-20:00 keep 20"), window("keep 2%")),
        timezone="America/New_York",
    )
    assert keep_at(spec, moment("Thu 12:59")) == Keep(share=0.02)
    assert keep_at(spec, moment("Thu 13:00")) == Keep(20)


@pytest.mark.parametrize(
    "text", ["", "keep", "25:00-26:00 keep 1", "08:00 keep 1", "08:61-09:00 keep 1", "Foo keep 1"]
)
def test_a_window_that_is_none(text: str) -> None:
    with pytest.raises(BadInput, match="hours, days and what to keep"):
        window(text)
    with pytest.raises(BadInput, match="less than 100%"):
        window("keep 100%")
