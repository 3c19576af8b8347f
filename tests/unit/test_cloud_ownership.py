"""Two clouds of one name in one account, told apart by their keys."""

from __future__ import annotations

from typing import Any

import pytest
from agreement import assert_nothing_left

from clocker.cloud import Cloud
from clocker.cloud.ownership import Whose, mark_of, whose
from clocker.errors import ProviderError
from clocker.interfaces import Parts
from clocker.model import Remnant, RemnantKind, Resources, shared_mark, shared_name
from clocker.testing import FakeKeys, FakeMachines, fake_parts, fake_spec

MARK, OTHER = "0123456789abcdef", "fedcba9876543210"


@pytest.mark.parametrize(
    ("tags", "name", "expected"),
    [
        ({"clocker-key": MARK}, "", Whose.OURS),
        ({"clocker-key": OTHER}, "", Whose.OTHERS),
        ({}, "", Whose.UNKNOWN),
        ({}, f"clocker-demo-{MARK}", Whose.OURS),
        ({}, f"clocker-demo-{OTHER}", Whose.OTHERS),
        ({}, f"clocker-demo-2-{MARK}", Whose.UNKNOWN),
        ({"clocker-key": OTHER}, f"clocker-demo-{MARK}", Whose.OTHERS),
    ],
)
def test_whose(tags: dict[str, str], name: str, expected: Whose) -> None:
    assert whose(MARK, "demo", tags, name) is expected


def test_the_mark_is_read_from_the_name_that_it_was_put_in() -> None:
    assert shared_mark("a.b", shared_name("a.b", MARK)) == MARK
    assert shared_mark("a.b", shared_name("axb", MARK)) is None


def twins() -> tuple[Parts, Parts]:
    """Two clouds named alike, each with its own key and store, at one account."""
    machines = FakeMachines()
    return tuple(  # type: ignore[return-value]
        fake_parts(fake_spec(count=1), machines=machines, keys=FakeKeys(seed))
        for seed in ("one", "two")
    )


def test_each_is_taken_down_without_the_other() -> None:
    one, two = twins()
    Cloud(one).up()
    Cloud(two).up()

    Cloud(one).down()

    (left,) = two.providers["fake"].list("test")
    assert [view.host.node_id for view in Cloud(two).hosts()] == [left.id]
    Cloud(two).down()
    assert_nothing_left(two)


def test_down_removes_what_only_this_cloud_shares() -> None:
    one, two = twins()
    Cloud(one).up()
    provider: Any = one.providers["fake"]
    for parts in (one, two):
        name = shared_name("test", mark_of(parts.keys))
        provider.planted.append(Remnant(RemnantKind.KEY_PAIR, name, name))

    Cloud(one).down()

    assert [remnant.name for remnant in provider.planted] == [name]


def test_the_others_machines_are_not_adopted() -> None:
    one, two = twins()
    Cloud(one).up()

    assert Cloud(two).adopt().hosts == ()

    told = two.progress.texts("failed")  # type: ignore[attr-defined]
    assert any("another key" in text for text in told)


def test_a_machine_of_a_version_that_did_not_say_is_refused_to_be_forgotten() -> None:
    machines = FakeMachines()
    parts = fake_parts(fake_spec(count=1), machines=machines)
    Cloud(parts).up()
    machines.make("old", {"clocker-cloud": "test", "clocker-host": "lost"}, Resources(1, 512))

    with pytest.raises(ProviderError, match="not on record"):
        Cloud(parts).down()
