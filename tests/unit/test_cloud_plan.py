"""What ``up`` would make, on fake providers: who is asked, what for, and at what price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clocker.cloud import Cloud, PlannedHost, UpPlan
from clocker.errors import (
    BadInput,
    ConfigError,
    MoreHostsNeeded,
    NoCapacity,
    NotFound,
    ProviderError,
)
from clocker.interfaces import Parts
from clocker.model import Check, ContainerRequest, HostState, Offer, Resources, Verdict
from clocker.testing import fake_parts
from clocker.testing.parts import fake_spec

SHAPE = Resources(4.0, 8192, 100_000)


def parts_of(**pool: object) -> Parts:
    return fake_parts(fake_spec(providers=("a", "b", "c"), **pool))


def asked(parts: Parts) -> dict[str, list[str]]:
    return {
        name: [call.method for call in provider.calls]  # type: ignore[attr-defined]
        for name, provider in parts.providers.items()
    }


def where(hosts: tuple[PlannedHost, ...]) -> str:
    return "".join(host.provider for host in hosts)


def test_a_provider_is_asked_once_for_hosts_that_are_alike() -> None:
    parts = parts_of(count=4, at={"b": 1})

    plan = Cloud(parts).plan_up()

    assert asked(parts) == {"a": ["plan"], "b": ["plan"], "c": []}
    assert where(plan.make) == "baaa"
    offer = Offer("a", "fake", "fake", SHAPE, price_hour=0.01)
    assert plan.make[1] == PlannedHost("test-?", "a", SHAPE, offer, ("provider b", "provider c"))
    assert plan.make[0].then == (), "it belongs to b and no other"
    assert plan.prices == {"USD": 0.04}
    assert (plan.remove, plan.unpriced, plan.is_free) == ((), 0, False)
    assert Cloud(parts).hosts() == ()


def test_nothing_to_make_asks_nobody() -> None:
    parts = parts_of()
    Cloud(parts).up()
    for provider in parts.providers.values():
        provider.calls.clear()  # type: ignore[attr-defined]

    plan = Cloud(parts).plan_up()

    assert (plan.make, plan.is_free) == ((), True)
    assert asked(parts) == {"a": [], "b": [], "c": []}


def test_what_is_unfinished_is_planned_too() -> None:
    parts = parts_of()
    Cloud(parts).up()
    with parts.store.transaction() as tx:
        first, second = tx.hosts()
        tx.put_host(replace(first, state=HostState.BOOTSTRAPPING))
        tx.put_host(replace(second, state=HostState.DELETING))

    plan = Cloud(parts).plan_up()

    assert plan.make[0] == PlannedHost(first.name, "a", SHAPE), "its machine is there"
    assert [host.name for host in plan.make[1:]] == ["test-?"]
    assert plan.remove == (second.name,)


def test_where_one_has_nothing_to_give_the_next_is_asked() -> None:
    parts = parts_of(count=2)
    parts.providers["a"].fail_next("plan", NoCapacity("none left"))  # type: ignore[attr-defined]

    plan = Cloud(parts).plan_up()

    assert where(plan.make) == "bb"
    assert {host.then for host in plan.make} == {("provider c",)}
    assert asked(parts) == {"a": ["plan"], "b": ["plan"], "c": []}


@pytest.mark.parametrize("error", [ProviderError("no such image"), ConfigError("no such key")])
def test_another_failure_is_told(error: Exception) -> None:
    parts = parts_of()
    parts.providers["a"].fail_next("plan", error)  # type: ignore[attr-defined]

    with pytest.raises(type(error), match="^provider a: no such"):
        Cloud(parts).plan_up()


def test_nothing_anywhere_is_told_with_the_last_reason() -> None:
    parts = parts_of()
    for name, provider in parts.providers.items():
        provider.fail_next("plan", NoCapacity(f"{name} is full"))  # type: ignore[attr-defined]

    with pytest.raises(NoCapacity, match="c is full"):
        Cloud(parts).plan_up()


def test_added_hosts_are_planned_with_those_that_are_unfinished() -> None:
    parts = parts_of(count=1, maximum=3)
    Cloud(parts).up()
    with parts.store.transaction() as tx:
        (first,) = tx.hosts()
        tx.put_host(replace(first, state=HostState.FAILED))

    plan = Cloud(parts).plan_add_hosts(2)

    assert [(host.name, host.offer is None) for host in plan.make] == [
        (first.name, True),
        ("test-?", False),
    ]
    assert plan.prices == {"USD": 0.01}
    with pytest.raises(BadInput, match="1 of at most 3 hosts"):
        Cloud(parts).plan_add_hosts(4)
    assert len(Cloud(parts).hosts()) == 1


def test_no_more_hosts_are_made_for_containers_than_are_allowed() -> None:
    parts = parts_of(count=1, maximum=4, shape=Resources(cores=1))
    cloud = Cloud(parts)
    cloud.up()
    requests = [ContainerRequest("debian:12", Resources(cores=1), name=f"c{n}") for n in range(3)]

    for allowed in (0, 1):
        with pytest.raises(MoreHostsNeeded):
            cloud.obtain_many(requests, new_hosts=allowed)
        assert len(cloud.hosts()) == 1
        assert cloud.list() == ()
    cloud.obtain_many(requests[:1], new_hosts=0)
    cloud.obtain_many(requests, new_hosts=2)

    assert len(cloud.hosts()) == 3


def test_a_price_that_cannot_be_asked_for_is_not_free() -> None:
    parts = fake_parts(fake_spec(providers=("a",), count=0))
    parts.providers["a"].fail_next("plan", ProviderError("away"))  # type: ignore[attr-defined]

    (planned,) = Cloud(parts).plan_obtain([ContainerRequest("nginx")])

    assert planned.new
    plan = UpPlan((planned.new,))
    assert (plan.is_free, plan.unpriced) == (False, 1)


def test_a_provider_is_examined_with_the_request_of_up() -> None:
    parts = parts_of()
    seen = []

    class Examined:
        def examine(self, request: object) -> list[Check]:
            seen.append(request)
            return [Check("image", Verdict.FINE, "there is one")]

    with_examined = replace(parts, providers={**parts.providers, "other": Examined()})
    checks = list(Cloud(with_examined).examine("other"))

    assert checks == [Check("image", Verdict.FINE, "there is one")]
    (request,) = seen
    assert (request.provider, request.resources) == ("other", SHAPE)
    assert request.public_key == parts.keys.public
    assert request.openings
    assert request.tags["clocker-cloud"] == "test"
    assert "ssh_keys" in request.user_data
    with pytest.raises(NotFound):
        list(Cloud(parts).examine("nobody"))


def test_a_provider_that_cannot_even_be_opened_is_a_finding() -> None:
    class Locked:
        @property
        def examine(self) -> object:
            raise ConfigError("the command pass exited with status 1", where="f:3", remedy="run it")

    parts = replace(parts_of(), providers={"a": Locked()})

    assert list(Cloud(parts).examine("a")) == [
        Check("provider", Verdict.WRONG, "f:3: the command pass exited with status 1", "run it")
    ]
