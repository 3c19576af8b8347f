"""Fleets, requests and rules of every kind, for properties that must hold for all of them."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

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
    Usage,
)

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A machine that has much else to do is no failure."""

IMAGES = ("solr:9", "tomcat", "registry:5000/team/solr")
NAMES = st.sampled_from(["db", "web", "web-1", "job"])
LABELS = st.dictionaries(
    st.sampled_from(["tier", "application"]), st.sampled_from(["web", "db"]), max_size=2
)
SHARES = st.sampled_from([0.0, 0.3, 0.5, 0.9])

_SENTENCES = st.sampled_from(
    ["NOT TYPE solr", "TYPE solr", "TYPE", "NOT TYPE", "ONLY TYPE", "NAME web", "NOT NAME db",
     "NOT ID id-0", "APPLICATION", "NOT APPLICATION", "LABEL tier=web", "NOT LABEL tier", "EMPTY",
     "NOT EMPTY"]
)  # fmt: skip

LOCAL_FILTERS = st.one_of(
    st.builds(lambda n: RuleSpec("max_containers", {"limit": n}), st.integers(1, 4)),
    st.builds(lambda f: RuleSpec("fits", {"overcommit": f}), st.sampled_from([0.5, 1.0, 2.0])),
    st.builds(lambda s: RuleSpec("max_cpu_usage", {"limit": s}), st.sampled_from([0.4, 0.8])),
    st.just(RuleSpec("max_ram_usage", {"unknown": "allow"})),
    st.sampled_from(
        [
            RuleSpec("affinity", {"sentences": "NOT TYPE solr, NOT NAME db"}),
            RuleSpec("different_host"),
            RuleSpec("different_host", {"containers": "db"}),
            RuleSpec("exclusive"),
            RuleSpec("region", {"places": "in eu-*"}),
            RuleSpec("country", {"places": "not in US"}),
            RuleSpec("zone", {"places": "z1 or z2"}),
            RuleSpec("provider", {"places": "aws"}),
            RuleSpec("host_labels", {"labels": "NOT spot"}),
            RuleSpec("hostname", {"pattern": "host-[0-5]"}),
        ]
    ),
)
COMPARING_FILTERS = st.one_of(
    st.builds(lambda s: RuleSpec("affinity", {"sentences": s}), _SENTENCES),
    st.just(RuleSpec("same_host")),
    st.just(RuleSpec("same_host", {"containers": ["db"]})),
    st.builds(
        lambda by, skew: RuleSpec("spread", {"by": by, "max_skew": skew}),
        st.sampled_from(["zone", "host", "label rack"]),
        st.integers(1, 2),
    ),
)
LOCAL_PREFERENCES = st.sampled_from(
    [
        *(RuleSpec(name) for name in (
            "breadth_first", "depth_first", "least_containers", "cheapest", "lowest_cpu_usage",
            "image_there",
        )),
        RuleSpec("affinity", {"sentences": "NOT TYPE", "soft": True}),
        RuleSpec("max_containers", {"limit": 2, "soft": True}),
    ]
)  # fmt: skip
COMPARING_PREFERENCES = st.sampled_from(
    [RuleSpec("random", {"seed": 3}), RuleSpec("spread", {"by": "zone"})]
)
SPREADS = st.sampled_from(
    [
        RuleSpec("spread", {"by": "zone"}),
        RuleSpec("spread", {"by": "zone", "max_skew": 1}),
        RuleSpec("spread", {"by": "country", "max_skew": 2}),
        RuleSpec("spread", {"by": "provider", "of": "TYPE"}),
        RuleSpec("spread", {"by": "label rack", "max_skew": 1, "of": "APPLICATION"}),
        RuleSpec("spread", {"by": "host"}),
        RuleSpec("spread", {"by": "host", "max_skew": 1, "of": "LABEL tier=web"}),
    ]
)
LOCAL_RULES = st.lists(st.one_of(LOCAL_FILTERS, LOCAL_PREFERENCES), max_size=5)
ANY_RULES = st.lists(
    st.one_of(LOCAL_FILTERS, COMPARING_FILTERS, LOCAL_PREFERENCES, COMPARING_PREFERENCES),
    max_size=5,
)
SPREADING_RULES = st.lists(st.one_of(SPREADS, LOCAL_FILTERS, LOCAL_PREFERENCES), max_size=5)
FILTERS = st.one_of(LOCAL_FILTERS, COMPARING_FILTERS)

RESOURCES = st.builds(
    Resources, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.sampled_from([0, 512, 2048])
)


@st.composite
def requests(draw: st.DrawFn, rules: st.SearchStrategy[list[RuleSpec]]) -> ContainerRequest:
    return ContainerRequest(
        draw(st.sampled_from(IMAGES)),
        draw(RESOURCES),
        name=draw(st.none() | NAMES),
        labels=draw(LABELS),
        ports=draw(st.sampled_from([(), (Port(80, 8080),), (Port(80),)])),
        rules=tuple(draw(rules)),
    )


@st.composite
def hosts(draw: st.DrawFn, number: int) -> Host:
    return Host(
        id=f"id-{number}",
        name=f"host-{number}",
        provider=draw(st.sampled_from(["aws", "hetzner"])),
        state=draw(st.sampled_from([HostState.READY] * 4 + list(HostState))),
        capacity=Resources(4, 4096, 0),
        gateway="",
        region=draw(st.sampled_from([None, "eu-west-1", "us-east-1", "fra1"])),
        zone=draw(st.sampled_from([None, "z1", "z2", "z3"])),
        labels=draw(
            st.dictionaries(st.sampled_from(["rack", "spot"]), st.sampled_from(["1", "2"]))
        ),
        price_hour=draw(st.sampled_from([None, 0.1, 0.2])),
        cordoned=draw(st.sampled_from([False, False, False, True])),
    )


@st.composite
def fleets(draw: st.DrawFn, most: int = 7) -> tuple[HostView, ...]:
    """In any order; the containers' own rules count too."""
    views = []
    for number in range(draw(st.integers(0, most))):
        host = draw(hosts(number))
        asked = draw(st.lists(requests(st.lists(LOCAL_FILTERS, max_size=1)), max_size=3))
        held = tuple(booked(host, n, request) for n, request in enumerate(asked))
        usage = draw(st.none() | st.builds(Usage, SHARES, SHARES, st.just(0.0)))
        views.append(HostView(host, held, usage))
    return tuple(draw(st.permutations(views)))


def booked(host: Host, number: int, request: ContainerRequest) -> Container:
    name = request.name or f"c{number}"
    request = replace(request, name=name)
    identity = f"{host.id}-{number}"
    return Container(
        identity, name, host.id, ContainerState.RUNNING, request, "", "", request.ports
    )
