"""Which image, size and location of an infrastructure an entry of ``providers.yaml`` means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clocker.errors import ProviderError
from clocker.model import ImageWish, Resources, SizeWish
from clocker.providers.dialects import Dialect


def choose_image(driver: Any, wish: ImageWish, dialect: Dialect) -> Any:
    wanted = wish.name
    if wanted is None:
        if dialect.default_image is None:
            raise ProviderError(
                "no image is given", remedy="set `image` in the provider's entry (a name or an id)"
            )
        return dialect.default_image(driver)
    if dialect.image_by_id and wanted.startswith("ami-"):
        return getattr(driver, dialect.image_by_id)(wanted)
    return _named(driver.list_images(), wanted, "image")


def choose_location(driver: Any, wanted: str) -> Any:
    return _named(driver.list_locations(), wanted, "location")


def choose_size(driver: Any, wish: SizeWish, resources: Resources, dialect: Dialect) -> Any:
    """The one of that name or id; else the smallest that has the resources."""
    sizes = driver.list_sizes()
    wanted = wish.names[0] if wish.names else None
    if wanted is None and resources == Resources():
        wanted = dialect.default_size
    if wanted is not None:
        return _named(sizes, wanted, "size")
    fitting = [s for s in sizes if resources.within(resources_of(s, dialect))]
    if not fitting:
        raise ProviderError(
            f"no size has {resources.cores:g} cores and {resources.ram_mb} MiB RAM",
            remedy=f"ask for less, or set `size` to one of: {_names(sizes)}",
        )
    return min(fitting, key=lambda s: _order(s, dialect))


def resources_of(size: Any, dialect: Dialect) -> Resources:
    """What a machine of this size has; 0 is as libcloud says it: no limit."""
    return Resources(
        cores=_cores(size, dialect) or float("inf"),
        ram_mb=size.ram or 10**9,
        disk_mb=int(size.disk or 0) * 1024 or 10**12,
    )


def _named(things: Iterable[Any], wanted: str, what: str) -> Any:
    known = list(things)
    for thing in known:
        if str(thing.id) == wanted:
            return thing
    named = [thing for thing in known if thing.name == wanted]
    if len(named) == 1:
        return named[0]
    if named:
        raise ProviderError(
            f"{len(named)} {what}s are named {wanted!r}",
            remedy=f"give the id: {', '.join(str(t.id) for t in named[:10])}",
        )
    raise ProviderError(f"there is no {what} {wanted!r}", remedy=f"known: {_names(known)}")


def _names(things: Iterable[Any]) -> str:
    names = sorted({str(thing.name) for thing in things})
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") or "none"


def _order(size: Any, dialect: Dialect) -> tuple[float, int, float, str]:
    offer = resources_of(size, dialect)
    return offer.cores, offer.ram_mb, float(size.price or 0), str(size.id)


def _cores(size: Any, dialect: Dialect) -> float:
    for key in dialect.cores_in:
        if size.extra.get(key):
            return float(size.extra[key])
    return 0.0
