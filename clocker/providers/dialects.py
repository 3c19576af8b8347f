"""What differs between libcloud's drivers, as data: a new driver is a line in ``DIALECTS``.

What a line has nothing for, the driver cannot do: an entry that asks for it is refused before
anything is made (``arguments.py``), and ``examine`` says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.model import ProviderEntry
from clocker.providers.firewall import GroupCalls
from clocker.providers.groups import CloudStackGroups, Ec2Groups, GceFirewalls, OpenStackGroups
from clocker.providers.images import ImageWay
from clocker.providers.key_pairs import Handed, Kept, KeyWay
from clocker.providers.tagging import (
    Afterwards,
    Arguments,
    AsMapping,
    AsWords,
    Driver,
    InName,
    Machine,
    Tagging,
)
from clocker.providers.vendors import azure_arm, ec2, gce, others, quotas

CORES = (
    "cores",
    "cpu",
    "cpus",
    "vcpus",
    "vcpu",
    "vcpu_count",
    "guestCpus",
    "numberOfCores",
    "core_number",
    "cpuCores",
)


def _cores(size: Any) -> float:
    extra = size.extra or {}
    said = next((extra[key] for key in CORES if extra.get(key)), getattr(size, "vcpus", None))
    return float(said or 0)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one driver is spoken to. The functions make arguments of ``create_node``, unless they
    say otherwise.

    - ``tags``: how a machine carries and tells whose it is; ``filters``: arguments of
      ``list_nodes`` that make the provider select by tags (what it selects is checked again).
    - ``unique_names``: two machines may not have one name, even in different clouds.
    - ``key``: how the cloud's key gets in; ``user_data``: for a document, None: it takes none.
    - ``groups``: security groups that can be made; ``given_groups``: only existing ones, by name.
      ``group_arguments``: the arguments that either sets, also by the entry's own ``create``.
    - ``network``: for an entry and a place: the arguments, and the network that groups belong to.
    - ``token``: the argument for an idempotency token. ``spot``: what asks for spare capacity.
    - ``place``: for a location. ``place_is_word``: its name will do. ``place_needed``: whether a
      driver takes no answer for none. ``lists_by_place``: ``nodes`` takes each of the locations.
    - ``interfaces``: the kinds of address that a machine gets.
    - ``besides``: what else the driver must be told, for an entry and the machine's name.
      ``prepare``: done to a driver once.
    - ``nodes``, ``sizes``: the lists; ``destroy``, ``clean``: instead of, and besides, libcloud's.
      ``discard``: removes what is left of a machine, by its name, that was not made in the end.
    - ``quotas``: what the account may have, where it can be asked.
    - ``dead``: the provider's own words, in ``extra["status"]``, for a machine that is on its way
      out. ``failure``: why a machine in error is.
    - ``lag_s``: how long a machine that has been made may be missing from the provider's list."""

    tags: Tagging
    filters: Callable[[Mapping[str, str]], Arguments] = lambda _: {}
    unique_names: bool = False
    key: KeyWay = None
    user_data: Callable[[str], Arguments] | None = None
    groups: GroupCalls | None = None
    given_groups: Callable[[Sequence[str]], Arguments] | None = None
    group_arguments: frozenset[str] = frozenset()
    network: Callable[[Driver, ProviderEntry, Any], tuple[Arguments, str | None]] | None = None
    token: str | None = None
    spot: Mapping[str, Any] | None = None
    place: Callable[[Any], Arguments] = lambda place: {"location": place}
    place_is_word: bool = False
    place_needed: Callable[[Driver], bool] = lambda driver: False
    lists_by_place: bool = False
    interfaces: frozenset[str] = frozenset({"public", "private"})
    besides: Callable[[Driver, ProviderEntry, str], Arguments] = lambda driver, entry, name: {}
    prepare: Callable[[Driver], None] = lambda driver: None
    nodes: Callable[..., Sequence[Machine]] = lambda driver, place, **filters: driver.list_nodes(
        **filters
    )
    sizes: Callable[[Driver, Any], Sequence[Any]] = lambda driver, place: driver.list_sizes()
    images: ImageWay = ImageWay()
    destroy: Callable[[Driver, Machine], Any] = lambda driver, machine: driver.destroy_node(machine)
    discard: Callable[[Driver, ProviderEntry, str], None] = lambda driver, entry, name: None
    clean: Callable[[Driver], None] = lambda _: None
    cores: Callable[[Any], float] = _cores
    offered: Callable[[Any], bool] = lambda size: True
    size_architecture: Callable[[Any], str | None] = lambda size: None
    price: Callable[[Any], float | None] = lambda size: float(size.price) if size.price else None
    currency: str = "USD"
    quotas: quotas.Quotas | None = None
    default_size: str | None = None
    dead: frozenset[str] = frozenset()
    failure: Callable[[Machine], str] = lambda machine: ""
    poll_s: float = 2.0
    lag_s: float = 30.0


GENERIC = Dialect(
    tags=AsMapping("ex_metadata", ("tags", "metadata")),
    user_data=lambda text: {"ex_userdata": text},
)

CLOUDSTACK = Dialect(
    tags=Afterwards(others.cloudstack_tag),
    key=Kept(),
    user_data=lambda text: {"ex_userdata": text},
    groups=CloudStackGroups(),
    group_arguments=frozenset({"ex_security_groups"}),
    network=others.listed_networks("networks"),
    # The driver says otherwise that a machine is not to be started.
    besides=lambda driver, entry, name: {"ex_start_vm": True},
    quotas=quotas.cloudstack,
    images=ImageWay(words=lambda image: str(image.extra.get("displaytext") or image.name)),
)

DIALECTS: Mapping[str, Dialect] = {
    "clocker-local": Dialect(
        tags=AsMapping("ex_metadata", ("tags",)),
        filters=lambda tags: {"ex_filters": dict(tags)},
        user_data=lambda text: {"ex_userdata": text},
        images=ImageWay(
            default=lambda driver: driver.ex_default_image(),
            planned_default=lambda driver: driver.ex_planned_image(),
        ),
        default_size="unlimited",
        clean=lambda driver: driver.ex_remove_unused_network(),
        price=lambda _: 0.0,
        poll_s=0.05,
        lag_s=0.0,
    ),
    "ec2": Dialect(
        tags=AsMapping("ex_metadata", ("tags",)),
        filters=lambda tags: {"ex_filters": {f"tag:{key}": value for key, value in tags.items()}},
        key=Kept(),
        user_data=lambda text: {"ex_userdata": text},
        groups=Ec2Groups(),
        group_arguments=frozenset({"ex_security_groups", "ex_security_group_ids"}),
        network=ec2.network,
        token="ex_clienttoken",  # noqa: S106 - an idempotency token, no secret
        spot={"ex_spot": True},
        images=ec2.IMAGES,
        quotas=quotas.ec2,
        offered=lambda size: size.extra.get("currentGeneration") != "No",
        size_architecture=ec2.size_architecture,
        dead=frozenset({"shutting-down", "terminated"}),
    ),
    "gce": Dialect(
        tags=AsMapping("ex_labels", ("labels",), encoded=True, longest=63),
        unique_names=True,
        key=Handed(lambda key, user: {"ex_metadata": {"ssh-keys": f"{user}:{key}"}}),
        user_data=lambda text: {"ex_metadata": {"user-data": text}},
        groups=GceFirewalls(),
        group_arguments=frozenset({"ex_tags"}),
        network=gce.network,
        spot={"ex_preemptible": True},
        place_needed=lambda driver: driver.zone is None,
        nodes=gce.nodes,
        sizes=lambda driver, place: driver.list_sizes(place),
        images=gce.IMAGES,
        quotas=quotas.gce,
        size_architecture=gce.size_architecture,
    ),
    "azure_arm": Dialect(
        tags=AsMapping("ex_tags", ("tags",)),
        unique_names=True,
        key=Handed(azure_arm.key),
        user_data=lambda text: {"ex_customdata": text.encode()},
        network=azure_arm.network,
        place_needed=lambda driver: driver.default_location is None,
        interfaces=frozenset({"private"}),
        prepare=azure_arm.prepare,
        sizes=azure_arm.sizes,
        images=azure_arm.IMAGES,
        size_architecture=azure_arm.size_architecture,
        discard=azure_arm.discard,
    ),
    "openstack": Dialect(
        tags=AsMapping("ex_metadata", ("metadata",)),
        key=Kept(),
        user_data=lambda text: {"ex_userdata": text},
        groups=OpenStackGroups(),
        group_arguments=frozenset({"ex_security_groups"}),
        network=others.listed_networks("networks"),
        place=lambda place: {"ex_availability_zone": place},
        place_is_word=True,
        images=ImageWay(words=others.openstack_words),
        failure=lambda machine: str((machine.extra.get("fault") or {}).get("message") or ""),
    ),
    "digitalocean": Dialect(
        tags=AsWords(("ex_create_attr", "tags")),
        key=Kept(
            make=lambda driver, name, key, _: driver.create_key_pair(name, public_key=key),
            arguments=lambda pair: {"ex_create_attr": {"ssh_keys": [pair.extra["id"]]}},
        ),
        user_data=lambda text: {"ex_user_data": text},
        place_needed=lambda driver: True,
        sizes=lambda driver, place: driver.list_sizes(place),
        images=ImageWay(
            words=lambda image: f"{image.extra['distribution']} {image.name}",
            also_named=lambda image: str(image.extra.get("slug")),
        ),
    ),
    "linode": Dialect(
        tags=AsWords(("ex_tags",), longest=50),
        unique_names=True,
        key=Handed(lambda key, user: {"ex_authorized_keys": [key]}),
        user_data=lambda text: {"ex_userdata": text},
        place_needed=lambda driver: True,
        besides=others.linode_besides,
    ),
    "vultr": Dialect(
        tags=AsWords(("ex_tag",), found_in="tag", joined=","),
        key=Kept(arguments=lambda pair: {"ex_ssh_key_ids": [pair.extra["id"]]}),
        user_data=lambda text: {"ex_userdata": text},
        given_groups=lambda names: {"ex_firewall_group_id": names[0]},
        group_arguments=frozenset({"ex_firewall_group_id"}),
        network=others.listed_networks("ex_private_network_ids", lambda network: network.id),
        place_needed=lambda driver: True,
        sizes=others.vultr_sizes,
        price=lambda size: size.price / others.MONTH_H if size.price else None,
    ),
    "scaleway": Dialect(
        tags=AsWords(("ex_tags",)),
        # An account's keys are on all its machines.
        key=Kept(arguments=lambda pair: {}),
        place=lambda place: {"region": place},
        lists_by_place=True,
        nodes=lambda driver, place, **filters: driver.list_nodes(region=place),
        sizes=lambda driver, place: driver.list_sizes(region=place),
        images=ImageWay(
            search=lambda driver, place, wish: driver.list_images(region=place),
            architecture=lambda image: image.extra.get("arch"),
        ),
        size_architecture=lambda size: size.extra.get("arch"),
        destroy=others.scaleway_destroy,
        currency="EUR",
    ),
    "ovh": Dialect(
        tags=InName(),
        key=Kept(
            make=lambda driver, name, key, place: driver.import_key_pair_from_string(
                name, key, place
            ),
            listed=lambda driver, place: driver.list_key_pairs(ex_location=place),
        ),
        place_needed=lambda driver: True,
        interfaces=frozenset({"public"}),
        sizes=lambda driver, place: driver.list_sizes(place),
        images=ImageWay(search=lambda driver, place, wish: driver.list_images(place)),
    ),
    "upcloud": Dialect(
        tags=InName(),
        key=Handed(others.handed_key),
        place_needed=lambda driver: True,
        besides=others.upcloud_besides,
        sizes=lambda driver, place: driver.list_sizes(place),
        destroy=others.upcloud_destroy,
        # Hundredths of the account's currency.
        price=lambda size: size.price / 100 if size.price else None,
        currency="EUR",
    ),
    "exoscale": CLOUDSTACK,
    "cloudstack": CLOUDSTACK,
    "kamatera": Dialect(
        tags=InName(),
        key=Handed(others.handed_key),
        place_needed=lambda driver: True,
        nodes=lambda driver, place, **filters: driver.list_nodes(ex_full_details=True),
        sizes=lambda driver, place: driver.list_sizes(place),
        images=ImageWay(search=lambda driver, place, wish: driver.list_images(place)),
    ),
}


def dialect_of(driver: str) -> Dialect:
    """Of the driver with this name among libcloud's provider constants."""
    return DIALECTS.get(driver, GENERIC)
