"""How a machine is obtained: which size and place are tried, and what is left where that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError
from libcloud.compute.base import Node, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from clocker.errors import (
    NoCapacity,
    ProviderError,
    QuotaExceeded,
    Throttled,
    TimedOut,
)
from clocker.model import HostRequest, ImageWish, ProviderEntry, Resources, SizeWish, Verdict
from clocker.providers.compute import ComputeProvider
from clocker.providers.dialects import GENERIC, Dialect
from clocker.providers.refusals import AlreadyThere
from clocker.providers.tagging import Afterwards
from clocker.providers.vendors.quotas import Quota
from clocker.testing.node_driver import FakeNodeDriver, Infrastructure

SHORT = "InsufficientInstanceCapacity: none left"
QUOTA = "VcpuLimitExceeded: too many"
SIZES = {"small": (2, 2048, 0.02), "medium": (4, 8192, 0.04), "large": (8, 16384, 0.08)}


@dataclass
class World(Infrastructure):
    """``refuses``: by size and place, what creating there is answered."""

    refuses: dict[tuple[str, str], str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    untaggable: int = 0
    listings: int = 0
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Shop(FakeNodeDriver):
    """Sizes with prices, in two zones."""

    infrastructure: World

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        return [
            NodeSize(name, name, ram, 10, 0, price, self, extra={"cpu": cores})
            for name, (cores, ram, price) in SIZES.items()
        ]

    def list_locations(self) -> list[NodeLocation]:
        return [NodeLocation(name, name, "", self) for name in ("a", "b")]

    def create_node(
        self,
        name: str,
        size: NodeSize,
        image: NodeImage,
        location: NodeLocation | None = None,
        auth: Any = None,
        ex_userdata: str | None = None,
        ex_metadata: Any = None,
    ) -> Node:
        where = (size.id, location.id if location else "")
        self.infrastructure.asked.append(where)
        if where in self.infrastructure.refuses:
            raise BaseHTTPError(400, self.infrastructure.refuses[where])
        return super().create_node(name, size, image, location, auth, ex_userdata, ex_metadata)

    def ex_create_tags(self, node: Node, tags: dict[str, str]) -> bool:
        if self.infrastructure.untaggable:
            self.infrastructure.untaggable -= 1
            raise BaseHTTPError(500, "InternalError: not now")
        self.infrastructure.nodes[node.id].extra["tags"] = dict(tags)
        return True


ENTRY = ProviderEntry("acme", "shop", image=ImageWish("debian"), locations=("a", "b"))
REQUEST = HostRequest("0123456789abcdef", "demo", "h1", Resources(), "acme", timeout_s=100)


def provider(
    world: World,
    *,
    driver: Callable[[World], Any] = Shop,
    dialect: Dialect = GENERIC,
    said: list[str] | None = None,
    **changes: Any,
) -> ComputeProvider:
    heard = [] if said is None else said
    return ComputeProvider(
        replace(ENTRY, **changes),
        lambda: driver(world),
        dialect,
        clock=lambda: world.now,
        sleep=world.sleep,
        random=lambda: 1.0,
        say=lambda host, text: heard.append(f"{host}: {text}"),
    )


def everywhere(error: str) -> dict[tuple[str, str], str]:
    return {(size, zone): error for size in SIZES for zone in ("a", "b")}


def test_the_cheapest_that_fits_then_the_next_then_the_next_zone() -> None:
    world = World(refuses={("medium", "a"): SHORT, ("large", "a"): SHORT})
    said: list[str] = []

    provider(world, said=said).obtain(replace(REQUEST, resources=Resources(cores=3)))

    assert world.asked == [("medium", "a"), ("large", "a"), ("medium", "b")]
    assert said == [f"h1: acme: {size} in a: {SHORT}" for size in ("medium", "large")]


def test_named_sizes_are_tried_in_their_order() -> None:
    world = World(refuses={("large", "a"): SHORT})

    provider(world, size=SizeWish(("large", "small"))).obtain(REQUEST)

    assert world.asked == [("large", "a"), ("small", "a")]


def test_no_capacity_anywhere_names_every_try() -> None:
    world = World(refuses=everywhere(SHORT))

    with pytest.raises(NoCapacity) as caught:
        provider(world, size=SizeWish(("small", "large"))).obtain(REQUEST)

    assert len(world.asked) == 4
    assert all(f"{s} in {z}" in caught.value.what for s in ("small", "large") for z in "ab")
    assert not world.nodes


def test_of_a_quota_only_smaller_sizes_are_tried() -> None:
    world = World(refuses=everywhere(QUOTA))

    with pytest.raises(QuotaExceeded):
        provider(world, size=SizeWish(("medium", "large", "small"))).obtain(REQUEST)

    assert world.asked == [("medium", "a"), ("small", "a")]


def test_a_zone_of_the_request_is_the_only_one() -> None:
    world = World(refuses=everywhere(SHORT))

    with pytest.raises(NoCapacity):
        provider(world, size=SizeWish(("small",))).obtain(replace(REQUEST, zone="b"))

    assert world.asked == [("small", "b")]


def test_another_refusal_ends_it_at_once() -> None:
    world = World(refuses=everywhere("InvalidParameterValue: nonsense"))

    with pytest.raises(ProviderError, match="nonsense"):
        provider(world).obtain(REQUEST)

    assert len(world.asked) == 1


def test_a_machine_that_its_cloud_cannot_place_makes_way_for_the_next_size() -> None:
    """OpenStack says yes, and the machine fails afterwards."""

    class Unplaced(Shop):
        def list_nodes(self) -> list[Node]:
            nodes = super().list_nodes()
            for node in nodes:
                if node.extra["size"] == "small":
                    node.state = NodeState.ERROR
                    node.extra["fault"] = {"message": "No valid host was found."}
            return nodes

    world = World()
    dialect = replace(GENERIC, failure=lambda machine: machine.extra["fault"]["message"])

    node = provider(world, driver=Unplaced, dialect=dialect).obtain(REQUEST)

    assert [size for size, _ in world.asked] == ["small", "medium"]
    assert list(world.nodes) == [node.id]


def test_who_is_asked_too_often_is_asked_again_within_the_deadline() -> None:
    world = World(errors={"create_node": [BaseHTTPError(429, "slow down") for _ in range(3)]})

    provider(world).obtain(REQUEST)

    assert 0 < world.now < REQUEST.timeout_s
    assert len(world.nodes) == 1


def test_who_is_asked_too_often_for_too_long_leaves_nothing() -> None:
    world = World(errors={"create_node": [BaseHTTPError(429, "slow down") for _ in range(99)]})

    with pytest.raises(Throttled):
        provider(world).obtain(REQUEST)

    assert world.now < REQUEST.timeout_s
    assert not world.nodes


def test_a_machine_that_was_made_before_the_answer_was_busy_is_not_made_twice() -> None:
    world = World(lost=[BaseHTTPError(503, "busy")])

    provider(world).obtain(REQUEST)

    assert world.created == 1


def test_a_machine_that_is_not_listed_for_long_is_destroyed_all_the_same() -> None:
    class Blind(Shop):
        def list_nodes(self) -> list[Node]:
            super().list_nodes()
            return []

    world = World()

    with pytest.raises(TimedOut, match="not listed"):
        provider(world, driver=Blind).obtain(REQUEST)

    assert world.created == 1
    assert not world.nodes


def without_address(world: World, node_id: str) -> None:
    """As one that was stopped, and waits for an address again."""
    node = world.nodes[node_id]
    node.state, node.public_ips, node.private_ips = NodeState.PENDING, [], []
    world.boots = None


def test_the_machine_on_record_is_spared_when_it_has_no_address_in_time() -> None:
    world = World()
    node = provider(world).obtain(REQUEST)
    without_address(world, node.id)

    with pytest.raises(TimedOut):
        provider(world).obtain(replace(REQUEST, node_id=node.id))

    assert list(world.nodes) == [node.id]


def test_a_machine_that_is_on_no_record_is_no_use_without_an_address() -> None:
    world = World()
    node = provider(world).obtain(REQUEST)
    without_address(world, node.id)

    with pytest.raises(TimedOut):
        provider(world).obtain(REQUEST)

    assert not world.nodes


def test_the_machine_on_record_stays_though_it_is_listed_later_than_another_one() -> None:
    class Late(Shop):
        """Of which the first listing lacks the machine on record."""

        def list_nodes(self) -> list[Node]:
            nodes = super().list_nodes()
            self.infrastructure.listings += 1
            return nodes if self.infrastructure.listings > 1 else nodes[1:]

    world = World()
    recorded = provider(world).obtain(REQUEST)

    node = provider(world, driver=Late).obtain(replace(REQUEST, node_id=recorded.id))

    assert world.created == 2
    assert node.id == recorded.id
    assert list(world.nodes) == [recorded.id]


@pytest.mark.parametrize("listed_from", [2, 3])
def test_a_failure_that_finds_the_machine_on_record_spares_it(listed_from: int) -> None:
    class Late(Shop):
        def list_nodes(self) -> list[Node]:
            nodes = super().list_nodes()
            self.infrastructure.listings += 1
            return nodes if self.infrastructure.listings >= listed_from else nodes[1:]

    discarded: list[str] = []
    dialect = replace(GENERIC, discard=lambda driver, entry, name: discarded.append(name))
    world = World()
    recorded = provider(world).obtain(REQUEST)
    without_address(world, recorded.id)

    with pytest.raises(TimedOut):
        again = provider(world, driver=Late, dialect=dialect)
        again.obtain(replace(REQUEST, node_id=recorded.id))

    assert list(world.nodes) == [recorded.id]
    assert not discarded


def test_a_machine_without_its_tags_is_not_taken() -> None:
    class Forgetful(Shop):
        def create_node(self, *args: Any, **kwargs: Any) -> Node:
            node = super().create_node(*args, **kwargs)
            del node.extra["tags"]["team"]
            return node

    world = World()

    with pytest.raises(TimedOut, match="does not carry the tag team"):
        provider(world, driver=Forgetful, tags={"team": "blue"}).obtain(REQUEST)

    assert not world.nodes


AFTERWARDS = replace(
    GENERIC, tags=Afterwards(lambda driver, machine, tags: driver.ex_create_tags(machine, tags))
)


def test_tags_that_are_a_second_call_are_written() -> None:
    world = World()

    node = provider(world, dialect=AFTERWARDS).obtain(REQUEST)

    assert node.name == "clocker--demo--h1--0123456789abcdef"
    assert world.nodes[node.id].extra["tags"]["clocker-host"] == REQUEST.id
    assert [each.id for each in provider(world, dialect=AFTERWARDS).list("demo")] == [node.id]


def test_a_machine_whose_tags_cannot_be_written_is_destroyed() -> None:
    world = World(untaggable=99)

    with pytest.raises(ProviderError, match="not now"):
        provider(world, dialect=AFTERWARDS).obtain(REQUEST)

    assert not world.nodes


def test_a_machine_whose_maker_died_before_its_tags_were_written_is_found_by_its_name() -> None:
    world = World(untaggable=1)
    driver = Shop(world)
    name = "clocker--demo--h1--0123456789abcdef"
    made = driver.create_node(name, driver.list_sizes()[0], driver.list_images()[0])
    world.untaggable = 0

    node = provider(world, dialect=AFTERWARDS).obtain(REQUEST)

    assert node.id == made.id
    assert world.nodes[node.id].extra["tags"]["clocker-host"] == REQUEST.id
    assert world.created == 1


def test_what_is_left_of_a_machine_that_was_not_made_is_discarded() -> None:
    discarded: list[str] = []
    dialect = replace(
        GENERIC,
        unique_names=True,
        discard=lambda driver, entry, name: discarded.append(name),
    )

    with pytest.raises(NoCapacity):
        provider(World(refuses=everywhere(SHORT)), dialect=dialect).obtain(REQUEST)

    assert set(discarded) == {"demo-h1-9f9f5111"}


@pytest.mark.parametrize(
    ("wish", "resources", "sizes"),
    [
        (SizeWish(), Resources(), ["small", "medium", "large"]),
        (SizeWish(least=Resources(cores=3)), Resources(ram_mb=9000), ["large"]),
        (SizeWish(price_hour=0.05), Resources(), ["small", "medium"]),
        (SizeWish(("large", "small"), price_hour=0.05), Resources(), ["small"]),
    ],
)
def test_a_plan_is_what_would_be_tried(
    wish: SizeWish, resources: Resources, sizes: list[str]
) -> None:
    world = World()

    offer = provider(world, size=wish).plan(replace(REQUEST, resources=resources))

    assert (offer.size, offer.zone) == (sizes[0], "a")
    assert offer.price_hour == SIZES[sizes[0]][2]
    tried = [f"{size} in {zone}" for zone in ("a", "b") for size in sizes]
    assert offer.alternatives == tuple(tried[1:6])
    assert not world.nodes


def test_a_price_that_nothing_meets_is_told_with_the_cheapest() -> None:
    with pytest.raises(ProviderError, match=r"at most 0\.01 an hour: the cheapest costs 0\.02"):
        provider(World(), size=SizeWish(price_hour=0.01)).plan(REQUEST)


def verdicts(made: ComputeProvider) -> dict[str, Verdict]:
    return {check.subject: check.verdict for check in made.examine(REQUEST)}


def test_what_is_found_about_an_account() -> None:
    world = World()

    found = verdicts(provider(world))

    assert found == {
        "credentials": Verdict.FINE,
        "quota": Verdict.UNKNOWN,
        "image": Verdict.FINE,
        "size": Verdict.FINE,
        "key": Verdict.FINE,
        "firewall": Verdict.UNKNOWN,
        "user data": Verdict.FINE,
        "tags": Verdict.FINE,
    }
    assert not world.nodes


def test_without_credentials_nothing_else_is_asked() -> None:
    def refused(world: World) -> Shop:
        raise LibcloudError("no such user")

    assert verdicts(provider(World(), driver=refused)) == {"credentials": Verdict.WRONG}


def test_what_is_wrong_is_found_and_not_raised() -> None:
    found = verdicts(provider(World(), image=ImageWish("plan9"), spot=True))

    assert found["image and size"] is Verdict.WRONG


def test_a_quota_that_is_used_up_is_wrong() -> None:
    full, free = Quota("CPUS", 24, 24), Quota("INSTANCES", 8, 2)
    dialect = replace(GENERIC, quotas=lambda driver: [full, free])

    (check,) = (
        c for c in provider(World(), dialect=dialect).examine(REQUEST) if c.subject == "quota"
    )

    assert (check.verdict, check.text) == (Verdict.WRONG, "CPUS: 24 of 24 used")


def test_a_refusal_of_the_account_is_no_machine() -> None:
    """Kinds that only the providers know are ProviderErrors for everybody else."""
    world = World(errors={"create_node": [AlreadyThere("there is one of that name")]})

    with pytest.raises(ProviderError):
        provider(world).obtain(REQUEST)

    assert not world.nodes
