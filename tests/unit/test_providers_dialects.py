"""Every line of the table of dialects, held against the driver that it speaks of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from libcloud.compute.base import NodeDriver, NodeLocation
from libcloud.compute.drivers.digitalocean import DigitalOcean_v2_NodeDriver
from libcloud.compute.drivers.linode import LinodeNodeDriverV4
from libcloud.compute.drivers.openstack import OpenStack_2_NodeDriver
from libcloud.compute.drivers.vultr import VultrNodeDriverV2
from libcloud.compute.providers import get_driver

from clocker.errors import ConfigError, ProviderError
from clocker.model import FirewallWish, HostRequest, ProviderEntry, Resources
from clocker.providers.arguments import Asking, machine_name, merged, tags_of, token_of
from clocker.providers.choice import Choice
from clocker.providers.dialects import DIALECTS, GENERIC, Dialect
from clocker.providers.firewall import Group
from clocker.providers.key_pairs import Handed, Kept
from clocker.providers.local_driver import LocalNodeDriver
from clocker.providers.machines import Machines
from clocker.providers.tagging import decode, encode
from clocker.providers.vendors import azure_arm
from clocker.testing.node_driver import FakeNodeDriver, Infrastructure

CLASSES: Mapping[str, type[NodeDriver]] = {
    "clocker-local": LocalNodeDriver,
    "digitalocean": DigitalOcean_v2_NodeDriver,
    "linode": LinodeNodeDriverV4,
    "openstack": OpenStack_2_NodeDriver,
    "vultr": VultrNodeDriverV2,
}
USER = "admin"
LINE = "ssh-ed25519 AAAA"
REQUEST = HostRequest(
    "0123456789abcdef",
    "demo",
    "h1",
    Resources(),
    "acme",
    tags={"clocker-gateway": "10.32.0.1", "clocker-key": "fedcba9876543210"},
)


def driver_class(name: str) -> type[NodeDriver]:
    return CLASSES.get(name) or get_driver(name)


def spoken(name: str, dialect: Dialect) -> dict[str, Any]:
    """All that the line can have to say to ``create_node`` at once."""
    entry = ProviderEntry("acme", name, ssh_user=USER, spot=True)
    pair = SimpleNamespace(name="pair", extra={"id": "1"})
    key = {}
    if isinstance(dialect.key, Handed):
        key = dialect.key.arguments(LINE, USER)
    elif isinstance(dialect.key, Kept):
        key = dialect.key.arguments(pair)
    place = "zone" if dialect.place_is_word else NodeLocation("z", "zone", "", None)  # type: ignore[arg-type]
    group = Group("g-1", "group", vendor=SimpleNamespace(name="group"))
    network: dict[str, Any] = {}
    if name in ("gce", "azure_arm"):
        wish = ProviderEntry("acme", name, network="net", subnet="sub")
        network = dialect.network(None, wish, None)[0] if dialect.network else {}
    return merged(
        dialect.tags.arguments("demo-h1", tags_of(entry, REQUEST)),
        key,
        dialect.user_data("#cloud-config\n") if dialect.user_data else {},
        dialect.groups.arguments([group], None) if dialect.groups else {},
        dialect.groups.arguments([group], "net") if dialect.groups else {},
        dialect.given_groups(["group"]) if dialect.given_groups else {},
        network,
        dict(dialect.spot or {}),
        {dialect.token: "t"} if dialect.token else {},
        dialect.place(place),
        dialect.besides(None, entry, "demo-h1"),
        {"size": None, "image": None},
    )


@pytest.mark.parametrize("name", DIALECTS)
def test_create_node_knows_all_that_the_line_says(name: str) -> None:
    dialect = DIALECTS[name]
    parameters = inspect.signature(driver_class(name).create_node).parameters

    assert set(spoken(name, dialect)) <= set(parameters)
    assert dialect.group_arguments <= set(parameters)


# What only the entry can know.
TOLD_BY_THE_ENTRY = {"azure_arm": {"ex_resource_group"}}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_line_says_all_that_create_node_must_be_told(name: str) -> None:
    parameters = inspect.signature(driver_class(name).create_node).parameters
    needed = {key for key, each in parameters.items() if each.default is each.empty} - {"self"}

    assert needed <= set(spoken(name, DIALECTS[name])) | TOLD_BY_THE_ENTRY.get(name, set())


@pytest.mark.parametrize("name", DIALECTS)
def test_the_methods_that_the_line_calls_are_there(name: str) -> None:
    dialect, driver = DIALECTS[name], driver_class(name)
    wanted = ["list_nodes", "list_sizes", "list_images", "list_locations", "destroy_node"]
    if isinstance(dialect.key, Kept):
        wanted += ["list_key_pairs", "delete_key_pair"]
    if name in ("openstack", "cloudstack", "exoscale", "vultr"):
        wanted += ["ex_list_networks"]

    missing = [
        method for method in wanted if getattr(driver, method) is getattr(NodeDriver, method, None)
    ]

    # A pair that cannot be deleted would be left behind.
    assert not missing


@pytest.mark.parametrize("name", DIALECTS)
def test_tags_come_back_as_they_were_said(name: str) -> None:
    dialect = DIALECTS[name]
    tags = tags_of(ProviderEntry("acme", name), REQUEST)
    said = dialect.tags.arguments(machine_name(REQUEST, unique=dialect.unique_names), tags)

    found = dialect.tags.read(_as_listed(name, said, dialect, tags))

    assert found == tags


@given(st.text())
def test_whatever_is_encoded_is_read_back(text: str) -> None:
    assert decode(encode(text)) == text
    assert re.fullmatch(r"[a-z0-9_-]*", encode(text))


@pytest.mark.parametrize("name", DIALECTS)
def test_a_machine_of_somebody_elses_has_no_tags_of_ours(name: str) -> None:
    machine = SimpleNamespace(name="demo-h1", extra={"tags": [], "metadata": {}, "tag": ""})

    assert not any(key.startswith("clocker") for key in DIALECTS[name].tags.read(machine))


@pytest.mark.parametrize(
    ("driver", "changes", "key"),
    [
        ("linode", {"spot": True}, "spot"),
        ("ovh", {"interface": "private"}, "interface"),
        ("azure_arm", {"interface": "public"}, "interface"),
        ("digitalocean", {"network": "n"}, "network"),
        ("kamatera", {"user_data": "#!/bin/sh"}, "user_data"),
        ("scaleway", {"firewall": FirewallWish(groups=("g",))}, "firewall.groups"),
        ("linode", {"firewall": FirewallWish(sources=("10.0.0.0/8",))}, "firewall.from"),
        ("vultr", {"firewall": FirewallWish(published=True)}, "firewall.published"),
    ],
)
def test_what_would_be_lost_is_refused(driver: str, changes: dict[str, Any], key: str) -> None:
    asking = Asking(None, DIALECTS[driver], ProviderEntry("acme", driver, **changes))

    with pytest.raises(ConfigError) as caught:
        asking.refuse_what_is_lost()

    assert str(caught.value).startswith(f"provider acme: {key}: ")
    assert "remedy" in str(caught.value)


def test_tags_of_the_entry_are_not_lost_where_a_name_is_all() -> None:
    tags = {**tags_of(ProviderEntry("acme", "ovh"), REQUEST), "team": "blue"}

    with pytest.raises(ProviderError, match="team would be lost"):
        DIALECTS["ovh"].tags.arguments("demo-h1", tags)


def test_an_argument_that_the_entry_must_give_is_named() -> None:
    entry = ProviderEntry("acme", "fake")
    asking = Asking(Demanding(Infrastructure()), GENERIC, entry)

    with pytest.raises(ConfigError, match="must be told ex_resource_group"):
        asking.arguments(REQUEST, Choice(None, None))


def test_an_argument_that_create_node_does_not_know_is_named() -> None:
    entry = ProviderEntry("acme", "fake", create={"ex_disk": 3})
    asking = Asking(FakeNodeDriver(Infrastructure()), GENERIC, entry)

    with pytest.raises(ConfigError, match="does not know 'ex_disk'"):
        asking.arguments(REQUEST, Choice(None, None))


def test_what_the_entry_creates_with_is_kept_beside_ours() -> None:
    found = merged(
        {"ex_create_attr": {"tags": ["theirs"], "ipv6": True}, "ex_disk": 3},
        {"ex_create_attr": {"tags": ["ours", "theirs"]}},
        {"ex_disk": 4},
    )

    assert found == {"ex_create_attr": {"tags": ["theirs", "ours"], "ipv6": True}, "ex_disk": 4}


def test_another_size_or_place_has_another_token() -> None:
    small, large = SimpleNamespace(id="small"), SimpleNamespace(id="large")
    choices = [Choice(small, None), Choice(large, None), Choice(small, None, None, "b")]

    tokens = {token_of(REQUEST, choice) for choice in choices}

    assert len(tokens) == 3
    assert all(len(token) <= 64 for token in tokens)
    assert token_of(REQUEST, choices[0]) == token_of(REQUEST, choices[0])


def test_azures_user_data_passes_its_json() -> None:
    driver = SimpleNamespace(connection=SimpleNamespace())
    azure_arm.prepare(driver)

    assert (
        driver.connection.encode_data({"customData": b"I2Nsb3Vk"}) == '{"customData": "I2Nsb3Vk"}'
    )


class Demanding(FakeNodeDriver):
    def create_node(self, name, size, image, ex_resource_group, ex_metadata=None):  # type: ignore[no-untyped-def, override]
        raise AssertionError("must not be called")


def _as_listed(name: str, said: dict[str, Any], dialect: Dialect, tags: dict[str, str]) -> Any:
    """A machine as the driver lists it that was made with these arguments."""
    extra: dict[str, Any] = {
        "labels": said.get("ex_labels"),
        "metadata": said.get("ex_metadata"),
        "tag": said.get("ex_tag"),
        "tags": said.get("ex_tags") or (said.get("ex_create_attr") or {}).get("tags"),
    }
    if name in ("ec2", "clocker-local"):
        extra["tags"] = said["ex_metadata"]
    machine = SimpleNamespace(id="1", name=said["name"], extra=extra)

    class Written:
        def ex_create_tags(self, ids: list[str], kind: str, written: dict[str, str]) -> bool:
            machine.extra["tags"] = written
            return True

    dialect.tags.complete(Written(), machine, tags)
    return machine


@pytest.mark.parametrize(
    ("name", "extra", "region", "zone"),
    [
        ("digitalocean", {"region": "Frankfurt 1"}, "Frankfurt 1", None),
        ("linode", {"location": "eu-central"}, "eu-central", None),
        ("ovh", {"region": "GRA11"}, "GRA11", None),
        ("ec2", {"availability": "eu-central-1a"}, "eu-central-1", "eu-central-1a"),
        ("gce", {"zone": SimpleNamespace(name="europe-west3-a")}, "eu-central-1", "europe-west3-a"),
        ("openstack", {"availability_zone": "nova"}, "eu-central-1", "nova"),
    ],
)
def test_where_a_machine_is(
    name: str, extra: dict[str, Any], region: str, zone: str | None
) -> None:
    driver = SimpleNamespace(region="eu-central-1")
    machine = SimpleNamespace(
        id=1, name="n", extra=extra, public_ips=["2001:db8::1", "192.0.2.1"], private_ips=[]
    )

    node = Machines(driver, DIALECTS[name], ProviderEntry("acme", name)).node(machine)

    assert (node.region, node.zone) == (region, zone)
    assert node.access is not None
    assert node.access.address == node.private_address == "192.0.2.1"
