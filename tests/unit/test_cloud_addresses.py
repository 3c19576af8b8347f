"""Whose an address is, in clouds of memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clocker.addressing import mac_of
from clocker.cloud import Cloud
from clocker.errors import BadInput, ClockerError, NameTaken, NothingFits
from clocker.interfaces import Parts
from clocker.model import ContainerRequest, NetworkSpec, Wait
from clocker.testing import FakeClock, FakeNetwork, fake_parts, fake_spec

WEB = ContainerRequest("debian:12", name="web")
SMALL = NetworkSpec(subnet="10.210.0.0/29", reserved=("10.210.0.2-10.210.0.3",))


def parts_of(network: NetworkSpec = NetworkSpec()) -> Parts:
    """Two hosts have the first two addresses that may be given."""
    parts = fake_parts(replace(fake_spec(), network=network))
    Cloud(parts).up()
    return parts


def clock(parts: Parts) -> FakeClock:
    assert isinstance(parts.clock, FakeClock)
    return parts.clock


def announced(parts: Parts) -> list[str]:
    assert isinstance(parts.network, FakeNetwork)
    return parts.network.announced


def named(name: str, address: str | None = None) -> ContainerRequest:
    return replace(WEB, name=name, address=address)


def test_reserved_ones_are_never_given() -> None:
    cloud = Cloud(parts_of(SMALL))
    given = {view.host.gateway for view in cloud.hosts()}
    given |= {cloud.obtain(named(name)).address for name in ("a", "b")}
    assert given == {f"10.210.0.{n}" for n in (1, 4, 5, 6)}
    assert cloud.status().addresses_free == 0
    with pytest.raises(NothingFits, match="4 held, 2 reserved"):
        cloud.obtain(named("c"))


def test_a_released_one_rests_before_another_owner_gets_it() -> None:
    parts = parts_of(SMALL)
    cloud = Cloud(parts)
    first, _ = (cloud.obtain(named(name)).address for name in ("a", "b"))
    cloud.release("a")
    assert cloud.status().addresses_free == 0
    clock(parts).advance(20)
    with pytest.raises(
        NothingFits, match="1 in quarantine, the first of them free in 40 s"
    ) as caught:
        cloud.obtain(named("c"))
    assert caught.value.exit_code == 3
    clock(parts).advance(40)
    assert cloud.status().addresses_free == 1
    assert cloud.obtain(named("c")).address == first


def test_its_last_owner_gets_it_again_at_once() -> None:
    parts = parts_of()
    cloud = Cloud(parts)
    before = cloud.obtain(WEB).record
    cloud.obtain(named("other"))
    cloud.release("web")
    again = cloud.obtain(replace(WEB, command=("sleep", "1000"))).record
    assert (again.address, again.mac) == (before.address, before.mac)
    assert again.id != before.id


@pytest.mark.parametrize("seconds", [0, 300])
def test_who_may_know_it_elsewhere_is_told(seconds: float) -> None:
    parts = parts_of(replace(SMALL, quarantine_s=0))
    cloud = Cloud(parts)
    for name in ("a", "b"):
        cloud.obtain(named(name))
    assert announced(parts) == []
    cloud.release("a")
    clock(parts).advance(seconds)
    assert announced(parts) == []
    address = cloud.obtain(named("c")).address
    assert announced(parts) == [address]


def test_after_a_long_time_nobody_knows_it_any_more() -> None:
    parts = parts_of(replace(SMALL, quarantine_s=0))
    cloud = Cloud(parts)
    for name in ("a", "b"):
        cloud.obtain(named(name))
    cloud.release("a")
    clock(parts).advance(1000)
    cloud.obtain(named("c"))
    assert announced(parts) == []


def test_one_that_does_not_run_yet_is_announced_when_it_starts() -> None:
    parts = parts_of()
    cloud = Cloud(parts)
    cloud.obtain(WEB)
    cloud.release("web")
    cloud.obtain(replace(WEB, wait=Wait.CREATED))
    assert announced(parts) == []
    cloud.start("web")
    assert announced(parts) == [cloud.machine("web").address]


def test_a_fixed_one() -> None:
    cloud = Cloud(parts_of())
    machine = cloud.obtain(named("web", "10.210.3.77"))
    assert machine.address == "10.210.3.77"
    assert machine.record.mac == mac_of("10.210.3.77")
    assert cloud.obtain(named("web", "10.210.3.77")).address == "10.210.3.77"
    following = cloud.obtain(named("next")).address
    assert following == "10.210.0.3"  # the turn goes on where it was


def _refused() -> list[tuple[str, type[ClockerError], str]]:
    return [
        ("10.210.0.9", BadInput, "is not one of 10.210.0.0/29"),
        ("10.210.0.0", BadInput, "is not one of"),
        ("10.210.0.7", BadInput, "is not one of"),
        ("10.210.0.3", BadInput, "is reserved"),
        ("10.210.0.5", NameTaken, "belongs to container/a"),
        ("10.210.0.1", NameTaken, "belongs to host/test-"),
        ("10.210.0.6", NameTaken, "was released a moment ago; it rests for 60 s more"),
        ("10.210.0.6\n", BadInput, "is not an IPv4 address"),
        ("$(reboot)", BadInput, "is not an IPv4 address"),
    ]


@pytest.mark.parametrize(("address", "kind", "sentence"), _refused())
def test_a_fixed_one_that_cannot_be_had(
    address: str, kind: type[ClockerError], sentence: str
) -> None:
    cloud = Cloud(parts_of(SMALL))
    assert cloud.obtain(named("a")).address == "10.210.0.5"
    assert cloud.obtain(named("b")).address == "10.210.0.6"
    cloud.release("b")
    with pytest.raises(kind) as caught:
        cloud.obtain(named("c", address))
    assert sentence in caught.value.what
    assert caught.value.remedy
    assert [container.name for container in cloud.list()] == ["a"]


def test_the_same_fixed_one_for_two_books_neither() -> None:
    cloud = Cloud(parts_of())
    with pytest.raises(NameTaken, match="belongs to container/a"):
        cloud.obtain_many([named("a", "10.210.0.9"), named("b", "10.210.0.9")])
    assert cloud.list() == ()


def test_its_last_owner_may_ask_for_it_while_it_rests() -> None:
    cloud = Cloud(parts_of())
    cloud.obtain(named("web", "10.210.0.9"))
    cloud.release("web")
    assert cloud.obtain(named("web", "10.210.0.9")).address == "10.210.0.9"


def test_what_one_of_a_batch_got_is_not_given_to_another_who_had_it_before() -> None:
    parts = parts_of(replace(SMALL, quarantine_s=0))
    cloud = Cloud(parts)
    for name in ("a", "b"):
        cloud.obtain(named(name))
    cloud.release("a")
    with pytest.raises(NothingFits, match="addresses of"):
        cloud.obtain_many([named("c"), named("a")])
    cloud.release("b")
    again = {
        machine.name: machine.address for machine in cloud.obtain_many([named("a"), named("c")])
    }
    assert again == {"a": "10.210.0.5", "c": "10.210.0.6"}


def test_two_of_a_batch_cannot_have_one_name_or_address() -> None:
    cloud = Cloud(parts_of())
    with pytest.raises(NameTaken, match="'a' is taken"):
        cloud.obtain_many([named("a"), named("a")])
    with pytest.raises(NameTaken, match="belongs to container/a"):
        cloud.obtain_many([named("a", "10.210.0.77"), named("b", "10.210.0.77")])
    with pytest.raises(NameTaken, match="an alias of another"):
        cloud.obtain_many([replace(named("a"), aliases=("b",)), named("b")])
    assert cloud.list() == ()
