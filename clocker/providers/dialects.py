"""What differs between libcloud's drivers, as data: a new driver is a line in ``DIALECTS``."""

from __future__ import annotations

from collections.abc import Mapping

from clocker.providers.dialect import Dialect
from clocker.providers.groups import CloudStackGroups, Ec2Groups, GceFirewalls, OpenStackGroups
from clocker.providers.images import ImageWay
from clocker.providers.key_pairs import Handed, Kept
from clocker.providers.tagging import Afterwards, AsMapping, AsWords, InName
from clocker.providers.vendors import azure_arm, ec2, gce, others, quotas
from clocker.providers.volumes import Ec2Volumes

__all__ = ["DIALECTS", "GENERIC", "Dialect", "dialect_of"]

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
        volumes=Ec2Volumes(),
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
        place_is_region=True,
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
        place_is_region=True,
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
        place_is_region=True,
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
        place_is_region=True,
        sizes=others.vultr_sizes,
        price=lambda size: size.price / others.MONTH_H if size.price else None,
    ),
    "scaleway": Dialect(
        tags=AsWords(("ex_tags",)),
        # An account's keys are on all its machines.
        key=Kept(make=others.scaleway_pair, arguments=lambda pair: {}),
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
        place_is_region=True,
        interfaces=frozenset({"public"}),
        sizes=lambda driver, place: driver.list_sizes(place),
        # Those for Windows cost its licence.
        offered=lambda size: not size.name.startswith("win-"),
        images=ImageWay(search=lambda driver, place, wish: driver.list_images(place)),
    ),
    "upcloud": Dialect(
        tags=InName(),
        key=Handed(others.handed_key),
        place_needed=lambda driver: True,
        besides=others.upcloud_besides,
        sizes=lambda driver, place: driver.list_sizes(place),
        images=ImageWay(search=others.upcloud_images),
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
        nodes=others.kamatera_nodes,
        sizes=lambda driver, place: driver.list_sizes(place),
        images=ImageWay(search=lambda driver, place, wish: driver.list_images(place)),
    ),
}


def dialect_of(driver: str) -> Dialect:
    """Of the driver with this name among libcloud's provider constants."""
    return DIALECTS.get(driver, GENERIC)
