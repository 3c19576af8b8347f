"""A cloud over several providers: at which one a host is made."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agreement import assert_agree, assert_nothing_left

from clocker.cloud import Cloud
from clocker.cloud.places import missing, next_place
from clocker.errors import BootstrapFailed, ConfigError, NoCapacity, ProviderError, QuotaExceeded
from clocker.interfaces import Parts
from clocker.model import Host, HostState, NodePool, Resources
from clocker.testing import fake_parts
from clocker.testing.parts import fake_spec

THREE = NodePool(("a", "b", "c"), count=3, maximum=9)


def hosts(*providers: str) -> list[Host]:
    return [
        Host(f"h{i}", f"h{i}", provider, HostState.READY, Resources(), "10.0.0.1")
        for i, provider in enumerate(providers)
    ]


@pytest.mark.parametrize(
    ("at", "there", "expected"),
    [
        ({}, "", "aaa"),
        ({}, "b", "aa"),
        ({}, "abcc", ""),
        ({"b": 2, "c": 1}, "", "bbc"),
        ({"b": 2}, "", "bba"),
        ({"b": 2}, "aaa", "bb"),
        ({"b": 2}, "bbb", ""),
        ({"b": 1}, "ab", "a"),
    ],
)
def test_hosts_are_missing_at_each_provider_and_in_all(
    at: dict[str, int], there: str, expected: str
) -> None:
    assert "".join(missing(replace(THREE, at=at), hosts(*there))) == expected


@pytest.mark.parametrize(
    ("at", "others", "tried", "expected"),
    [
        ({}, "", "a", "b"),
        ({}, "", "ab", "c"),
        ({}, "", "b", "a"),
        ({}, "", "cba", None),
        ({}, "", "x", "a"),
        ({"a": 1}, "", "a", None),
        ({"a": 1}, "a", "a", "b"),
        ({"b": 1}, "", "a", "b"),
    ],
)
def test_the_next_provider_is_asked_unless_the_host_belongs_to_one(
    at: dict[str, int], others: str, tried: str, expected: str | None
) -> None:
    host = replace(hosts(tried[-1])[0], id="new", state=HostState.REQUESTED)

    found = next_place(replace(THREE, at=at), host, [*hosts(*others), host], tuple(tried))

    assert found == expected


def parts_of(**pool: object) -> Parts:
    return fake_parts(fake_spec(providers=("a", "b"), **pool))


def where(parts: Parts) -> list[str]:
    return sorted(view.host.provider for view in Cloud(parts).hosts())


def test_one_up_makes_hosts_at_every_provider() -> None:
    parts = parts_of(at={"a": 1, "b": 1})

    Cloud(parts).up()

    assert where(parts) == ["a", "b"]
    assert_agree(parts, lambda p, host: p.names.zones[host.name])  # type: ignore[attr-defined]
    assert Cloud(parts).up().made == ()
    Cloud(parts).down()
    assert_nothing_left(parts)


@pytest.mark.parametrize("error", [NoCapacity("none left"), QuotaExceeded("enough")])
def test_where_one_has_nothing_to_give_the_next_is_asked(error: ProviderError) -> None:
    parts = parts_of()
    parts.providers["a"].fail_next("obtain", error, times=9)  # type: ignore[attr-defined]

    Cloud(parts).up()

    assert where(parts) == ["b", "b"]
    told = [event for event in Cloud(parts).events() if "turned to b" in event.outcome]
    assert len(told) == 2
    assert all(error.what in event.detail for event in told)
    assert_agree(parts, lambda p, host: p.names.zones[host.name])  # type: ignore[attr-defined]


def test_another_failure_is_told_and_nobody_else_is_asked() -> None:
    parts = parts_of(count=1)
    parts.providers["a"].fail_next("obtain", ProviderError("no such image"))  # type: ignore[attr-defined]

    with pytest.raises(BootstrapFailed, match="no such image"):
        Cloud(parts).up()

    assert where(parts) == ["a"]


def test_nothing_anywhere_is_told_with_the_last_reason() -> None:
    parts = parts_of(count=1)
    for name in ("a", "b"):
        provider = parts.providers[name]
        provider.fail_next("obtain", NoCapacity(f"{name} is full"))  # type: ignore[attr-defined]

    with pytest.raises(BootstrapFailed, match="b is full"):
        Cloud(parts).up()

    assert Cloud(parts).up().made, "a later attempt succeeds"
    assert_agree(parts, lambda p, host: p.names.zones[host.name])  # type: ignore[attr-defined]


def test_a_provider_that_is_not_named_any_more_keeps_its_hosts() -> None:
    parts = parts_of(at={"a": 1, "b": 1})
    Cloud(parts).up()
    without = replace(parts, providers={"a": parts.providers["a"]})

    with pytest.raises(BootstrapFailed, match="at the provider b") as caught:
        Cloud(without).down()

    assert isinstance(caught.value.failures[0], ConfigError)
    Cloud(parts).down()
    assert_nothing_left(parts)
