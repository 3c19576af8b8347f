"""What an application means, without a cloud: names, order, requests and plans."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from applications import DB, PROXY, SHOP, WEB, with_service
from hypothesis import given
from hypothesis import strategies as st

from clocker.applications import (
    Facts,
    Plan,
    Resolved,
    Seen,
    Verb,
    belongs,
    container_name,
    flaws,
    network_name,
    plan,
    resolve,
    waves,
)
from clocker.errors import BadInput, NameTaken
from clocker.model import (
    Application,
    Condition,
    Container,
    ContainerRequest,
    ContainerState,
    Healing,
    Need,
    Restart,
    RuleSpec,
    Secret,
    Service,
    ServiceValue,
    Wait,
)

NETWORKS = frozenset({"shop"})


def seen(
    request: ContainerRequest, number: int = 9, state: str = "running", **known: object
) -> Seen:
    """A container as it was asked for, at an address of its own."""
    name, address = request.name or "", f"10.210.16.{number}"
    container = Container(name, name, "h1", ContainerState.RUNNING, request, address, "")
    facts = Facts(name, f"{name}.shop.test.clocker", address, "h1", "172.30.0.2", {80: 8080})
    return Seen(replace(container, **known), facts, state)  # type: ignore[arg-type]


def known(resolved: Resolved, world: dict[str, Seen]) -> dict[str, list[Facts]]:
    return {
        service: [
            world[each.name].facts if each.name in world else Facts(each.name, f"{each.name}.zone")
            for each in those
        ]
        for service, those in resolved.wanted.items()
    }


def planned(application: Application, world: dict[str, Seen] | None = None) -> Plan:
    resolved, world = resolve(application), world or {}
    nets = NETWORKS if world else frozenset[str]()
    return plan(resolved, world, known(resolved, world), taken={}, networks=nets, owned=nets)


def deployed(application: Application) -> dict[str, Seen]:
    """What runs once it has been deployed: planned again and again with what is known by then."""
    world: dict[str, Seen] = {}
    for _ in resolve(application).waves:
        for number, change in enumerate(planned(application, world).changes, start=10):
            if not change.later and change.request and change.name not in world:
                world[change.name] = seen(change.request, number)
    return world


def verbs(found: Plan) -> dict[str, Verb]:
    return {change.name: change.verb for change in found.changes}


def test_first_everything_is_created_and_then_everything_is_kept() -> None:
    first = planned(SHOP)
    assert verbs(first) == dict.fromkeys(
        ("shop-db", "shop-web", "shop-web-2", "shop-proxy"), Verb.CREATE
    )
    assert list(verbs(first))[0] == "shop-db"
    assert first.networks == ("shop",)
    web = first.changes[1]
    assert web.later == (ServiceValue("db", "address"),)
    again = planned(SHOP, deployed(SHOP))
    assert set(verbs(again).values()) == {Verb.KEEP} and again.is_empty


def test_a_request_carries_names_labels_networks_and_volumes_of_its_application() -> None:
    (db,) = resolve(SHOP).wanted["db"]
    assert db.request.name == "shop-db"
    assert db.request.labels == {"application": "shop", "service": "db"}
    assert db.request.networks == ("shop",)
    assert db.request.volumes[0].source == "shop-data"
    assert db.request.aliases == ("db",)
    first, second = resolve(SHOP).wanted["web"]
    assert (first.name, second.name) == ("shop-web", "shop-web-2")
    assert first.request.healing.restart_with == ("shop-db",)


def test_values_flow_into_variables_and_words() -> None:
    world = deployed(SHOP)
    requests = {name: each.container.request for name, each in world.items()}
    address = world["shop-db"].facts.address
    assert requests["shop-web"].env == {"MODE": "live", "DB": f"postgres://{address}/shop"}
    assert requests["shop-proxy"].env["BACKENDS"] == ",".join(
        str(world[name].facts.address) for name in ("shop-web", "shop-web-2")
    )


def test_what_only_clocker_knows_is_changed_in_place_and_all_else_by_another_container() -> None:
    world = deployed(SHOP)
    change = {
        "healing": Healing(attempts=1),
        "rules": (RuleSpec("spread"),),
        "restart": Restart("always"),
    }
    found = planned(with_service("db", request=change), world).changes[0]
    assert (found.verb, set(found.fields)) == (Verb.CHANGE, set(change))
    found = planned(with_service("db", request={"image": "postgres:17"}), world).changes[0]
    assert (found.verb, found.fields) == (Verb.REPLACE, ("image",))


def test_who_asked_is_restarted_with_what_it_needs() -> None:
    found = planned(with_service("db", request={"image": "postgres:17"}), deployed(SHOP))
    assert verbs(found) == {
        "shop-db": Verb.REPLACE,
        "shop-web": Verb.CHANGE,
        "shop-web-2": Verb.CHANGE,
        "shop-proxy": Verb.KEEP,
    }
    assert found.changes[1].restart and not found.changes[1].fields


def test_a_host_may_be_another_one_for_what_is_made_anew() -> None:
    web = replace(WEB, env={"AT": (ServiceValue("db", "host_address"),)}, needs=())
    application = Application("shop", (web, DB), volumes=("data",))
    world = deployed(application)
    assert planned(application, world).is_empty
    changed = with_service("db", application, request={"image": "postgres:17"})
    found = planned(changed, world).changes[1]
    assert (found.verb, found.later) == (Verb.KEEP, (ServiceValue("db", "host_address"),))


def test_replicas_and_services_that_are_gone_are_removed() -> None:
    world = deployed(SHOP)
    found = planned(with_service("web", replicas=1), world)
    assert verbs(found)["shop-web-2"] is Verb.REMOVE
    assert verbs(found)["shop-proxy"] is Verb.REPLACE  # its variable names all of them
    found = planned(Application("shop", (DB,), volumes=("data",)), world)
    assert [c.name for c in found.changes if c.verb is Verb.REMOVE] == [
        "shop-web",
        "shop-web-2",
        "shop-proxy",
    ]


@pytest.mark.parametrize(
    ("state", "exit_code", "restart", "starts"),
    [
        ("created", 0, "no", True),
        ("exited", 1, "no", True),
        ("exited", 0, "no", False),
        ("exited", 0, "always", True),
        ("running", 0, "always", False),
        (None, 0, "always", False),
    ],
)
def test_what_does_not_run_is_started_unless_it_has_done_its_work(
    state: str | None, exit_code: int, restart: str, starts: bool
) -> None:
    application = Application("a", (Service("s", ContainerRequest("x", restart=Restart(restart))),))
    (change,) = planned(application).changes
    assert change.request
    there = replace(seen(change.request), state=state, exit_code=exit_code)
    (change,) = planned(application, {"a-s": there}).changes
    assert (change.verb, change.start) == (Verb.CHANGE if starts else Verb.KEEP, starts)


def test_a_job_is_only_created_and_never_healed_and_tried_again_when_it_failed() -> None:
    job = Service("migrate", ContainerRequest("m:1"))
    web = Service("web", ContainerRequest("w:1"), needs=(Need("migrate", Condition.COMPLETED),))
    application = Application("a", (web, job))
    resolved = resolve(application)
    request = resolved.wanted["migrate"][0].request
    assert (request.wait, request.healing.attempts) == (Wait.CREATED, 0)
    (change, _) = planned(application).changes
    assert change.request
    failed = replace(seen(change.request, state="exited"), exit_code=2)
    assert planned(application, {"a-migrate": failed}).changes[0].start
    ended = replace(failed, exit_code=0)
    assert planned(application, {"a-migrate": ended}).changes[0].verb is Verb.KEEP


def test_a_name_or_network_of_somebody_else_is_refused() -> None:
    resolved = resolve(SHOP)
    with pytest.raises(NameTaken, match="shop-db"):
        plan(resolved, {}, known(resolved, {}), taken={"shop-db": "a container that is running"})
    with pytest.raises(NameTaken, match="network 'shop'"):
        plan(resolved, {}, known(resolved, {}), taken={}, networks=NETWORKS)


def test_all_flaws_are_told_at_once() -> None:
    bad = Application(
        "a",
        (
            Service("x", ContainerRequest("x"), needs=(Need("y"), Need("nobody"))),
            Service("y", ContainerRequest("y"), env={"Z": (ServiceValue("z", "address"),)}),
            Service("z", ContainerRequest("z")),
            Service("z", ContainerRequest("z"), needs=(Need("x"),)),
            Service("w", ContainerRequest("w"), replicas=3, maximum=2, minimum=4),
            Service("w-2", ContainerRequest("w"), needs=(Need("w"), Need("w"))),
            Service("p", ContainerRequest("p"), env={"P": (ServiceValue("w", "port/80"),)}),
            Service("q", ContainerRequest("q"), env={"P": (ServiceValue("w", "colour"),)}),
            Service("s", ContainerRequest("s", secrets=(Secret("t", env="A", file="/b"),))),
            Service("one", ContainerRequest("o", address="10.0.0.1"), replicas=2),
        ),
    )
    with pytest.raises(BadInput) as refused:
        resolve(bad)
    told = str(refused.value)
    for sentence in (
        "z: name: is there twice",
        "x: needs: no service is called 'nobody'",
        "needs go in a circle: x -> y -> z -> x",
        "w: minimum: must not be above",
        "w: replicas: must not be above the maximum, 2",
        "w-2: name: would have a container called a-w-2, as w has",
        "w-2: needs: names 'w' twice",
        "asks where port 80 of w is published",
        "q: env: a service has no value 'colour'",
        "'t' must have one source",
        "one: address: is for one container only",
    ):
        assert sentence in told, told


def test_who_waits_for_the_end_of_what_never_ends_is_told() -> None:
    job = Service("job", ContainerRequest("j", restart=Restart("always")))
    web = Service("web", ContainerRequest("w"), needs=(Need("job", Condition.COMPLETED),))
    (flaw,) = flaws(Application("a", (job, web)))
    assert "always started again" in flaw.sentence


@given(
    st.text("ab-", min_size=1, max_size=70),
    st.text("ab-", min_size=1, max_size=70),
    st.integers(1, 999),
)
def test_names_fit_and_are_recognised(application: str, service: str, number: int) -> None:
    name = container_name(application, service, number)
    assert len(name) <= 63 and len(network_name(application, service)) <= 32
    labels = {"application": application, "service": service}
    request = ContainerRequest("x", name=name, labels=labels)
    container = Container("c", name, "h", ContainerState.RUNNING, request, "", "")
    assert belongs(container, application)
    assert not belongs(container, application + "b")
    assert not belongs(replace(container, name="my-own"), application)


def test_names_that_are_too_long_stay_apart() -> None:
    long = "a" * 80
    assert container_name("x", long) != container_name("x", long + "b")
    assert network_name(long) != network_name(long, "b")


@given(st.dictionaries(st.integers(0, 9), st.sets(st.integers(0, 9), max_size=4), max_size=10))
def test_waves_hold_every_service_after_what_it_needs(graph: dict[int, set[int]]) -> None:
    needs = {str(name): [str(other) for other in those] for name, those in graph.items()}
    place = {name: at for at, wave in enumerate(waves(needs)) for name in wave}
    for name, at in place.items():
        assert all(place[other] < at for other in needs[name])
    for name in set(needs) - set(place):  # it is in a circle, behind one, or needs what is missing
        assert any(other not in place for other in needs[name])


def test_ten_thousand_services_are_planned_in_seconds() -> None:
    """In a chain of a hundred, each with a hundred that need its end; with values of each other."""
    services = []
    for at in range(100):
        needs = (Need(f"chain-{at - 1}"),) if at else ()
        services.append(Service(f"chain-{at}", ContainerRequest("x"), needs=needs))
        services += [
            Service(
                f"leaf-{at}-{n}",
                ContainerRequest("y"),
                env={"A": (ServiceValue(f"chain-{at}", "address"),)},
            )
            for n in range(99)
        ]
    application = Application("big", tuple(reversed(services)))
    began = time.perf_counter()
    first = planned(application)
    world = {c.name: seen(c.request, 1) for c in first.changes if c.request}
    later = planned(application, world)
    took_s = time.perf_counter() - began
    assert (len(first.changes), first.counts[Verb.CREATE]) == (10_000, 10_000)
    assert later.counts[Verb.KEEP] + later.counts[Verb.REPLACE] == 10_000
    assert took_s < 20, took_s
    print(f"planned 10,000 services twice in {took_s:.1f} s")


def test_the_three_tiers_are_in_order_whatever_their_order_in_the_document() -> None:
    assert resolve(SHOP).waves == (("db",), ("web",), ("proxy",))
    assert resolve(Application("shop", (DB, WEB, PROXY), volumes=("data",))).waves == (
        ("db",),
        ("web",),
        ("proxy",),
    )
