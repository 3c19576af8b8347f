"""Small things about infrastructures that are otherwise a line of the table."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from clocker.errors import ConfigError, ProviderError
from clocker.model import ImageWish, ProviderEntry
from clocker.providers.images import named
from clocker.providers.tagging import Arguments, Driver, Machine, Tags

MONTH_H = 730.0


def handed_key(line: str, user: str) -> Arguments:
    from libcloud.compute.base import NodeAuthSSHKey

    return {"auth": NodeAuthSSHKey(line)}


def listed_networks(argument: str, words: Callable[[Any], Any] = lambda network: network) -> Any:
    """For drivers that have networks by id or name, and no choice of a subnet."""

    def network(driver: Driver, entry: ProviderEntry, place: Any) -> tuple[Arguments, str | None]:
        if entry.subnet:
            raise ConfigError(
                f"libcloud's driver {entry.driver} takes a network, and chooses the subnet",
                where=f"provider {entry.name}: subnet",
                remedy="name the `network` alone",
            )
        if not entry.network:
            return {}, None
        return {argument: [words(named(driver.ex_list_networks(), entry.network, "network"))]}, None

    return network


def linode_besides(driver: Driver, entry: ProviderEntry, name: str) -> Arguments:
    """A root password must be; nobody ever learns this one."""
    private = {"ex_private_ip": True} if entry.interface == "private" else {}
    return {"root_pass": secrets.token_urlsafe(32), **private}


def vultr_sizes(driver: Driver, place: Any) -> Sequence[Any]:
    """Virtual ones that the place has."""
    found = driver.list_sizes(ex_list_bare_metals=False)
    return [size for size in found if place is None or place.id in size.extra["locations"]]


def scaleway_destroy(driver: Driver, machine: Machine) -> bool:
    """The driver's own asks whatever zone was asked last. Volumes go with the machine."""
    return bool(
        driver.connection.request(
            f"/servers/{machine.id}/action",
            region=machine.extra["region"],
            data=json.dumps({"action": "terminate"}),
            method="POST",
        ).success()
    )


def scaleway_pair(driver: Driver, name: str, key: str, place: Any) -> Any:
    """The driver says whether it was made, not what."""
    from libcloud.compute.base import KeyPair

    driver.import_key_pair_from_string(name, key)
    return KeyPair(name, key, fingerprint="", driver=driver)


def upcloud_destroy(driver: Driver, machine: Machine) -> bool:
    """The driver's own leaves the disks, which cost."""
    server = driver.connection.request(f"1.2/server/{machine.id}").object["server"]
    devices = server.get("storage_devices", {}).get("storage_device", [])
    if not driver.destroy_node(machine):
        return False
    for device in devices:
        if device["type"] == "disk":
            driver.connection.request(f"1.2/storage/{device['storage']}", method="DELETE")
    return True


def upcloud_images(driver: Driver, place: Any, wish: ImageWish) -> Sequence[Any]:
    """The driver's list has installers, on CD, too."""
    return [image for image in driver.list_images() if image.extra["type"] == "template"]


def upcloud_besides(driver: Driver, entry: ProviderEntry, name: str) -> Arguments:
    return {"ex_hostname": name, "ex_username": entry.ssh_user}


def kamatera_nodes(driver: Driver, place: Any, **filters: Any) -> Sequence[Machine]:
    """In full, for the addresses. Asked so about no machine, Kamatera answers with an error."""
    try:
        return list(driver.list_nodes(ex_full_details=True))
    except ProviderError as error:
        if "No servers found" in error.what:
            return []
        raise


def cloudstack_tag(driver: Driver, machine: Machine, tags: Tags) -> None:
    if not driver.ex_create_tags([machine.id], "UserVm", dict(tags)):
        raise ProviderError(f"the tags of machine {machine.id} were not written")


def openstack_words(image: Any) -> str:
    """An image may say in its own fields what it is."""
    distribution, version = image.extra.get("os_distro"), image.extra.get("os_version")
    return f"{distribution} {version or ''} {image.name}" if distribution else str(image.name)
