from __future__ import annotations

import inspect
import threading
from dataclasses import replace

import pytest
from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import InvalidCredsError, LibcloudError
from libcloud.compute.base import Node, NodeDriver
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState

from clocker.errors import (
    AuthenticationFailed,
    ConfigError,
    InfrastructureError,
    ProviderError,
    TimedOut,
    Unreachable,
)
from clocker.model import HostRequest, ImageWish, ProviderEntry, Resources, SizeWish
from clocker.providers import open_provider
from clocker.providers.choice import choose_sizes
from clocker.providers.compute import ComputeProvider
from clocker.providers.dialects import GENERIC, dialect_of
from clocker.providers.images import ImageWay, choose_image
from clocker.providers.translation import translated
from clocker.testing import RecordingProgress
from clocker.testing.node_driver import FakeNodeDriver, Infrastructure


class Time:
    """Passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def provider_of(world: Infrastructure, entry: ProviderEntry | None = None) -> ComputeProvider:
    time = Time()
    return ComputeProvider(
        entry or ProviderEntry("acme", "fake", image=ImageWish("img-1")),
        lambda: FakeNodeDriver(world),
        clock=time.clock,
        sleep=time.sleep,
        random=lambda: 0.5,
    )


def request(user_data: str | None = None, resources: Resources = Resources()) -> HostRequest:
    return HostRequest("id-1", "demo", "h1", resources, "acme", user_data=user_data)


def test_the_name_size_and_user_data_follow_from_the_request() -> None:
    world = Infrastructure()

    node = provider_of(world).obtain(request("#cloud-config\n", Resources(cores=2, ram_mb=1000)))

    assert node.name == "demo-h1"
    assert world.nodes[node.id].extra["size"] == "middle"
    assert world.user_data[node.id] == "#cloud-config\n"
    assert node.private_address == "10.0.0.1"


def test_the_private_address_is_used_where_the_entry_says_so() -> None:
    entry = ProviderEntry(
        "acme", "fake", image=ImageWish("debian"), interface="private", ssh_user="admin"
    )

    node = provider_of(Infrastructure(), entry).obtain(request())

    assert node.access is not None
    assert (node.access.address, node.access.user) == ("10.0.0.1", "admin")


def test_a_refused_creation_leaves_nothing() -> None:
    world = Infrastructure(errors={"create_node": [LibcloudError("quota")]})

    with pytest.raises(ProviderError, match="quota"):
        provider_of(world).obtain(request())

    assert not world.nodes


def test_a_machine_whose_creation_was_answered_by_silence_is_taken() -> None:
    world = Infrastructure(lost=[ConnectionResetError("reset")])

    node = provider_of(world).obtain(request())

    assert world.created == 1
    assert list(world.nodes) == [node.id]


def test_a_creation_that_did_not_take_place_is_looked_for_as_long_as_lists_lag() -> None:
    world = Infrastructure(errors={"create_node": [ConnectionResetError("reset")]})
    provider = provider_of(world)

    with pytest.raises(Unreachable):
        provider.obtain(request())

    assert GENERIC.lag_s <= provider.clock() < GENERIC.lag_s + 5
    assert not world.nodes


def test_what_could_not_be_removed_is_said() -> None:
    world = Infrastructure(boots=None, errors={"destroy_node": [LibcloudError("busy")]})

    with pytest.raises(TimedOut) as caught:
        provider_of(world).obtain(request())

    assert "busy" in "".join(caught.value.__notes__)


def test_a_failed_listing_destroys_nothing() -> None:
    world = Infrastructure()
    provider = provider_of(world)
    node = provider.obtain(request())
    world.errors["list_nodes"] = [LibcloudError("down")]

    with pytest.raises(ProviderError, match="down"):
        provider.obtain(request())

    assert list(world.nodes) == [node.id]


def test_a_machine_in_error_makes_way_for_a_new_one() -> None:
    world = Infrastructure()
    provider = provider_of(world)
    broken = provider.obtain(request())
    world.nodes[broken.id].state = NodeState.ERROR

    fresh = provider.obtain(request())

    assert fresh.id != broken.id
    assert list(world.nodes) == [fresh.id]


def test_a_stopped_machine_is_started() -> None:
    world = Infrastructure()
    provider = provider_of(world)
    node = provider.obtain(request())
    world.nodes[node.id].state = NodeState.STOPPED

    assert provider.obtain(request()).id == node.id
    assert world.nodes[node.id].state == NodeState.RUNNING


def test_of_two_machines_with_one_id_one_stays() -> None:
    world = Infrastructure()
    provider = provider_of(world)
    kept = provider.obtain(request())
    twin = FakeNodeDriver(world).create_node("twin", *_any(world))
    twin.extra["tags"] = dict(kept.tags)

    assert provider.obtain(request()).id == kept.id
    assert list(world.nodes) == [kept.id]


def test_a_machine_on_its_way_out_is_not_listed() -> None:
    world = Infrastructure()
    dialect = replace(GENERIC, dead=dialect_of("ec2").dead)
    provider = replace(provider_of(world), dialect=dialect)
    node = provider.obtain(request())
    world.nodes[node.id].extra["status"] = "shutting-down"

    assert provider.list("demo") == ()


def test_a_destroy_that_comes_too_late_is_a_success() -> None:
    class Overtaken(FakeNodeDriver):
        def destroy_node(self, node: Node) -> bool:
            super().destroy_node(node)
            return super().destroy_node(node)

    world = Infrastructure()
    provider = replace(provider_of(world), connect=lambda: Overtaken(world))
    node = provider.obtain(request())

    provider.release(node.id)

    assert not world.nodes


def test_a_driver_that_cannot_tag_is_refused_before_anything_is_made() -> None:
    class Tagless(FakeNodeDriver):
        def create_node(self, name, size, image, location=None, auth=None):  # type: ignore[no-untyped-def, override]
            raise AssertionError("must not be called")

    provider = ComputeProvider(
        ProviderEntry("acme", "fake", image=ImageWish("debian")), lambda: Tagless(Infrastructure())
    )

    with pytest.raises(ProviderError, match="cannot tag"):
        provider.obtain(request())


def test_each_thread_has_a_driver_of_its_own() -> None:
    drivers: list[NodeDriver] = []

    def connect() -> NodeDriver:
        drivers.append(FakeNodeDriver(Infrastructure()))
        return drivers[-1]

    provider = ComputeProvider(ProviderEntry("acme", "fake"), connect)
    for _ in range(2):
        provider.list("demo")
    thread = threading.Thread(target=provider.list, args=("demo",))
    thread.start()
    thread.join()

    assert len(drivers) == 2


@pytest.mark.parametrize(
    ("wanted", "resources", "chosen"),
    [
        (None, Resources(), "tiny"),
        (None, Resources(cores=2), "middle"),
        (None, Resources(ram_mb=9000), "huge"),
        ("huge", Resources(cores=1), "huge"),
    ],
)
def test_the_size(wanted: str | None, resources: Resources, chosen: str) -> None:
    driver = FakeNodeDriver(Infrastructure())

    wish = SizeWish((wanted,) if wanted else ())
    assert choose_sizes(driver.list_sizes(), wish, resources, GENERIC)[0].id == chosen


def test_no_size_is_large_enough() -> None:
    driver = FakeNodeDriver(Infrastructure())

    with pytest.raises(ProviderError, match=r"no size has 64 cores") as caught:
        choose_sizes(driver.list_sizes(), SizeWish(), Resources(cores=64), GENERIC)

    assert "huge" in str(caught.value)


def test_an_unknown_image_names_the_known_ones() -> None:
    with pytest.raises(ProviderError, match=r"no image 'plan9'") as caught:
        choose_image(ImageWay(), FakeNodeDriver(Infrastructure()), None, ImageWish("plan9"))

    assert "known: debian" in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "becomes"),
    [
        (InvalidCredsError("no"), AuthenticationFailed),
        (LibcloudError("no"), ProviderError),
        (BaseHTTPError(500, "no"), ProviderError),
        (Exception("no"), ProviderError),
        (TimeoutError("no"), Unreachable),
        (ConfigError("no"), ConfigError),
    ],
)
def test_no_vendor_exception_leaves(raised: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(becomes) as caught, translated("provider acme"):
        raise raised

    if issubclass(becomes, InfrastructureError):
        assert "provider acme: " in str(caught.value)


@pytest.mark.parametrize("address", ["/tokens/s3cret", "/api?userdata=s3cret&name=h1"])
def test_no_error_quotes_what_is_secret_in_an_address(address: str) -> None:
    lost = ConnectionError(f"Max retries exceeded with url: {address} (Caused by nothing)")

    with pytest.raises(Unreachable, match="Max retries") as caught, translated("provider acme"):
        raise lost

    assert "s3cret" not in str(caught.value)
    assert "Caused by nothing" in str(caught.value)


def test_an_unknown_driver_is_bad_input() -> None:
    with pytest.raises(ConfigError, match="no such driver: amazn"):
        open_provider(ProviderEntry("x", "amazn"), RecordingProgress())


def test_an_unknown_option_of_local_is_bad_input() -> None:
    entry = ProviderEntry("x", "local", options={"netwrok": "n"})

    with pytest.raises(ConfigError, match="netwrok"):
        open_provider(entry, RecordingProgress())


def _any(world: Infrastructure):  # type: ignore[no-untyped-def]
    driver = FakeNodeDriver(world)
    return driver.list_sizes()[0], driver.list_images()[0]


def test_the_ec2_dialect_speaks_of_arguments_that_its_driver_has() -> None:
    driver, dialect = get_driver("ec2"), dialect_of("ec2")

    creation = inspect.signature(driver.create_node).parameters
    listing = inspect.signature(driver.list_nodes).parameters

    assert dialect.user_data is not None
    wanted = {*dialect.tags.arguments("n", {}), *dialect.user_data(""), *(dialect.spot or {})}
    assert {*wanted, dialect.token, *dialect.group_arguments} <= set(creation)
    assert set(dialect.filters({"a": "b"})) <= set(listing)
    assert dialect.filters({"a": "b"}) == {"ex_filters": {"tag:a": "b"}}
