"""Azure: what libcloud's driver needs so that it takes user data and leaves no network card."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Sequence
from typing import Any

from clocker.errors import ConfigError, ProviderError
from clocker.model import ImageWish, ProviderEntry
from clocker.providers.images import DEFAULT_ARCHITECTURE, ImageWay
from clocker.providers.refusals import Gone
from clocker.providers.tagging import Arguments, Driver

# Publisher, offer and SKU, by distribution, version and architecture; the first is the newest.
URNS = {
    ("debian", "13", "x86_64"): ("Debian", "debian-13", "13-gen2"),
    ("debian", "13", "arm64"): ("Debian", "debian-13", "13-arm64"),
    ("debian", "12", "x86_64"): ("Debian", "debian-12", "12-gen2"),
    ("debian", "12", "arm64"): ("Debian", "debian-12", "12-arm64"),
    ("ubuntu", "24.04", "x86_64"): ("Canonical", "ubuntu-24_04-lts", "server"),
    ("ubuntu", "24.04", "arm64"): ("Canonical", "ubuntu-24_04-lts", "server-arm64"),
    ("ubuntu", "22.04", "x86_64"): (
        *("Canonical", "0001-com-ubuntu-server-jammy", "22_04-lts-gen2"),
    ),
}
ARM = re.compile(r"_[A-Z]+\d+[a-z]*p[a-z]*_v\d")


def search(driver: Driver, place: Any, wish: ImageWish) -> Sequence[Any]:
    """The lists of all publishers take minutes; these are known."""
    architecture = wish.architecture or DEFAULT_ARCHITECTURE
    for (distribution, version, runs_on), (publisher, offer, sku) in URNS.items():
        if (distribution, runs_on) == (wish.distribution, architecture) and (
            wish.version in (None, version)
        ):
            return list(driver.list_images(place, publisher, offer, sku, "latest"))
    raise ProviderError(
        f"it is not known what Azure calls {wish.distribution} {wish.version or ''}",
        remedy="give the image as PUBLISHER:OFFER:SKU:VERSION (`latest` will do as the version)",
    )


IMAGES = ImageWay(
    search=search,
    words=lambda image: re.sub(r"^0001-com-", "", f"{image.offer} {image.sku}"),
    architecture=lambda image: "arm64" if "arm64" in getattr(image, "sku", "") else None,
    fetched=r"[^:]+:[^:]+:[^:]+:[^:]+|https?://.+",
    fetch=lambda driver, place, wanted: driver.get_image(wanted, place),
)


def prepare(driver: Driver) -> None:
    """The driver makes bytes of its user data, which its own JSON does not take."""
    driver.connection.encode_data = lambda data: json.dumps(data, default=bytes.decode)


def key(line: str, user: str) -> Arguments:
    from libcloud.compute.base import NodeAuthSSHKey

    if user == "root":
        raise ConfigError(
            "Azure makes no machine whose first user is root",
            where="ssh_user",
            remedy="set `ssh_user` in the provider's entry, to azureuser for instance",
        )
    return {"auth": NodeAuthSSHKey(line), "ex_user_name": user}


def network(driver: Driver, entry: ProviderEntry, place: Any) -> tuple[Arguments, str | None]:
    subnet = {"ex_subnet": entry.subnet} if entry.subnet else {}
    return ({"ex_network": entry.network, **subnet} if entry.network else {}), None


def sizes(driver: Driver, place: Any) -> Sequence[Any]:
    """With the price that libcloud knows for the region: the driver itself says 0."""
    from libcloud.pricing import get_size_price

    region = str((place or driver.default_location).id)
    found = list(driver.list_sizes(place))
    for size in found:
        name = str(size.id).lower().replace("_", "")
        with contextlib.suppress(KeyError):
            size.price = get_size_price("compute", "azure_linux", name, region)
    return found


def size_architecture(size: Any) -> str:
    return "arm64" if ARM.search(str(size.id)) else "x86_64"


def discard(driver: Driver, entry: ProviderEntry, name: str) -> None:
    """The card that was made for a machine that was not; its name is the machine's own."""
    group = entry.create.get("ex_resource_group")
    for nic in driver.ex_list_nics(group) if group else []:
        if nic.name == f"{name}-nic":
            with contextlib.suppress(Gone):
                driver.ex_destroy_nic(nic)
