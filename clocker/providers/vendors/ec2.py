"""Amazon EC2: images by owner and filter, subnets, architectures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clocker.errors import ProviderError
from clocker.model import ImageWish, ProviderEntry
from clocker.providers.groups import DEFAULT_VPC
from clocker.providers.images import DEFAULT_ARCHITECTURE, ImageWay
from clocker.providers.tagging import Arguments, Driver

# The accounts in which the distributions publish, and what they call their images.
OWNERS = {
    "debian": ("136693071363", "debian-{version}-{architecture}-*"),
    "ubuntu": (
        "099720109477",
        "ubuntu/images/hvm-ssd*/ubuntu-*-{version}-{architecture}-server-*",
    ),
}
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def search(driver: Driver, place: Any, wish: ImageWish) -> Sequence[Any]:
    """Never all images of EC2, of which there are tens of thousands."""
    if wish.name is not None:
        return list(driver.list_images(ex_filters={"name": wish.name}))
    if wish.distribution not in OWNERS:
        known = ", ".join(OWNERS)
        raise ProviderError(
            f"it is not known who publishes {wish.distribution} on EC2",
            remedy=f"give the image's id (ami-...); known by name: {known}",
        )
    owner, pattern = OWNERS[wish.distribution]
    architecture = wish.architecture or DEFAULT_ARCHITECTURE
    name = pattern.format(
        version=wish.version or "*", architecture=ARCHITECTURES.get(architecture, architecture)
    )
    filters = {"name": name, "architecture": architecture, "state": "available"}
    return list(driver.list_images(ex_owner=owner, ex_filters=filters))


IMAGES = ImageWay(
    search=search,
    architecture=lambda image: image.extra.get("architecture"),
    fetched=r"ami-.+",
)


def network(driver: Driver, entry: ProviderEntry, place: Any) -> tuple[Arguments, str | None]:
    """A subnet by name or id, or one of the network (a VPC) in the zone. Neither is given: the
    account's default VPC, in which groups go by their names."""
    if not entry.network and not entry.subnet:
        return {}, DEFAULT_VPC
    zone = place.availability_zone.name if place is not None else None
    fitting = [
        subnet
        for subnet in driver.ex_list_subnets()
        if entry.subnet in (None, subnet.id, subnet.name)
        and zone in (None, subnet.extra["zone"])
        and (not entry.network or _is_of(driver, subnet, entry.network))
    ]
    if not fitting:
        wanted = entry.subnet or f"in {entry.network}"
        raise ProviderError(
            f"there is no subnet {wanted}{f' in the zone {zone}' if zone else ''}",
            remedy="set `subnet` in the provider's entry to the name or id of one that there is",
        )
    subnet = min(fitting, key=lambda each: str(each.id))
    public = {"ex_assign_public_ip": True} if entry.interface == "public" else {}
    return {"ex_subnet": subnet, **public}, str(subnet.extra["vpc_id"])


def size_architecture(size: Any) -> str:
    processor = str(size.extra.get("physicalProcessor") or size.extra.get("processor") or "")
    return "arm64" if "Graviton" in processor or "Apple" in processor else "x86_64"


def _is_of(driver: Driver, subnet: Any, network: str) -> bool:
    if subnet.extra["vpc_id"] == network:
        return True
    names = {vpc.id: vpc.name for vpc in driver.ex_list_networks()}
    return names.get(subnet.extra["vpc_id"]) == network
