"""Google Compute Engine: images by project, firewall rules by network tag."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clocker.errors import ProviderError
from clocker.model import ImageWish, ProviderEntry
from clocker.providers.images import ImageWay
from clocker.providers.tagging import Arguments, Driver, Machine

PROJECTS = {"debian": "debian-cloud", "ubuntu": "ubuntu-os-cloud"}
ARM = ("t2a-", "c4a-", "n4a-", "a4x-")


def search(driver: Driver, place: Any, wish: ImageWish) -> Sequence[Any]:
    project = PROJECTS.get(wish.distribution or "")
    if project is None:
        raise ProviderError(
            f"it is not known who publishes {wish.distribution} on GCE",
            remedy=f"give the image's name; known by distribution: {', '.join(PROJECTS)}",
        )
    return list(driver.list_images(ex_project=project))


IMAGES = ImageWay(
    search=search,
    fetched=r".+",
    fetch=lambda driver, place, wanted: driver.ex_get_image(wanted),
)


def network(driver: Driver, entry: ProviderEntry, place: Any) -> tuple[Arguments, str | None]:
    """Firewall rules belong to a network, which has a name even where none is given."""
    name = entry.network or "default"
    subnet = {"ex_subnetwork": entry.subnet} if entry.subnet else {}
    return {"ex_network": name, **subnet}, name


def nodes(driver: Driver, place: Any, **filters: Any) -> Sequence[Machine]:
    """Of all zones: a cloud's hosts may be in another one than the driver was told."""
    return list(driver.list_nodes(ex_zone="all"))


def size_architecture(size: Any) -> str:
    return "arm64" if str(size.name).startswith(ARM) else "x86_64"
