"""Which host takes a container: cases as data, and what must hold for any cloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clocker.errors import BadInput
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    HostView,
    Port,
    Resources,
    RuleSpec,
)
from clocker.placement import place, rules_for

ROOMY = Resources(cores=4, ram_mb=4096, disk_mb=10_000)


def a_host(name: str, state: HostState = HostState.READY, room: Resources = ROOMY) -> Host:
    return Host(name, name, "local", state, room, "10.0.0.1")


def a_view(name: str, count: int = 0, *, state: HostState = HostState.READY, **each) -> HostView:
    return HostView(a_host(name, state), tuple(a_container(name, n, **each) for n in range(count)))


def a_container(host: str, n: int, need: Resources = Resources(), port: int = 0) -> Container:
    ports = (Port(80, port),) if port else ()
    request = ContainerRequest("busybox", need, ports=ports)
    state = ContainerState.RUNNING
    return Container(f"{host}-{n}", f"{host}-{n}", host, state, request, "", "", ports)


def chosen(views, request=ContainerRequest("busybox"), *rules: str | RuleSpec) -> str | None:
    specs = [RuleSpec(rule) if isinstance(rule, str) else rule for rule in rules]
    host = place(views, request, rules_for(specs, request)).host
    return host.name if host else None


def limit(count: int) -> RuleSpec:
    return RuleSpec("max_containers", {"limit": count})


@pytest.mark.parametrize(
    ("views", "rules", "expected"),
    [
        ([], [], None),
        ([a_view("b"), a_view("a")], [], "a"),  # the name breaks ties
        ([a_view("a", 2), a_view("b", 1)], [], "b"),  # breadth first unless said otherwise
        ([a_view("a", 2), a_view("b", 1)], ["depth_first"], "a"),
        ([a_view("a", 2), a_view("b", 1)], ["depth_first", limit(2)], "b"),
        ([a_view("a", 2), a_view("b", 2)], [limit(2)], None),
        ([a_view("a", state=HostState.FAILED)], [], None),
        ([a_view("a", state=HostState.DELETING), a_view("b", 9)], [], "b"),
        ([a_view("a", state=HostState.BOOTSTRAPPING)], [], "a"),  # it is on its way
    ],
)
def test_which_host(views, rules, expected):
    assert chosen(views, ContainerRequest("busybox"), *rules) == expected


@pytest.mark.parametrize(
    ("need", "held", "fits"),
    [
        (Resources(cores=4), 0, True),
        (Resources(cores=4.1), 0, False),
        (Resources(cores=1.4), 2, False),  # two of 1.4 leave 1.2
        (Resources(ram_mb=4097), 0, False),
        (Resources(disk_mb=10_001), 0, False),
        (Resources(), 50, True),
    ],
)
def test_a_host_is_never_overfilled(need, held, fits):
    view = a_view("a", held, need=Resources(cores=1.4) if held == 2 else Resources())
    assert chosen([view], ContainerRequest("busybox", need)) == ("a" if fits else None)


def test_overcommit_is_said_in_so_many_words():
    request = ContainerRequest("busybox", Resources(cores=8))
    assert chosen([a_view("a")], request) is None
    assert chosen([a_view("a")], request, RuleSpec("fits", {"overcommit": 2.0})) == "a"


def test_one_fixed_port_goes_to_two_hosts():
    request = ContainerRequest("busybox", ports=(Port(80, 8080),))
    assert chosen([a_view("a", 1, port=8080), a_view("b", 5)], request) == "b"
    assert chosen([a_view("a", 1, port=8080)], request) is None
    assert chosen([a_view("a", 1, port=8081)], request) == "a"


def test_the_refusals_name_rule_and_reason():
    request = ContainerRequest("busybox", Resources(cores=9), ports=(Port(80, 8080),))
    placement = place([a_view("a", 1, port=8080)], request, rules_for([limit(1)], request))
    assert [str(refusal) for refusal in placement.refusals["a"]] == [
        "ports_free: port 8080/tcp is taken by a-0",
        "fits: cores: 9 wanted, 4 free",
        "max_containers: holds 1 of at most 1 containers",
    ]


def test_the_requests_rules_come_before_the_clouds():
    request = ContainerRequest("busybox", rules=(RuleSpec("depth_first"),))
    assert chosen([a_view("a", 2), a_view("b", 1)], request, "breadth_first") == "a"


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (RuleSpec("breath_first"), "did you mean 'breadth_first'"),
        (RuleSpec("max_containers"), "needs the option 'limit'"),
        (RuleSpec("max_containers", {"limit": 1, "size": 2}), "has no option 'size'"),
        (RuleSpec("max_containers", {"limit": "many"}), "Expected `int`"),
    ],
)
def test_a_wrong_rule_says_what_is_right(spec, sentence):
    with pytest.raises(BadInput) as caught:
        rules_for([spec], ContainerRequest("busybox"))
    assert sentence in str(caught.value)


@given(
    st.lists(st.integers(0, 6), max_size=6),
    st.integers(1, 6),
    st.sampled_from(["breadth_first", "depth_first"]),
)
def test_filters_hold_for_any_cloud(counts, most, preference):
    views = [a_view(f"host{n}", count) for n, count in enumerate(counts)]
    found = chosen(views, ContainerRequest("busybox"), limit(most), preference)
    allowed = {view.host.name for view in views if len(view.containers) < most}
    assert (found in allowed) if allowed else (found is None)
    assert found == chosen(
        list(reversed(views)), ContainerRequest("busybox"), limit(most), preference
    )
