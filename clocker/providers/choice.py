"""What is asked of an infrastructure, in the order in which it is tried: sizes in places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from clocker.errors import ConfigError, ProviderError
from clocker.model import HostRequest, ProviderEntry, Resources, SizeWish
from clocker.providers.dialect import Dialect
from clocker.providers.images import architecture_of, choose_image, named, names_of
from clocker.providers.tagging import Driver

# Of the sizes that have what is asked, the cheapest ones are worth a try, not all.
MOST_SIZES = 4
UNLIMITED = Resources(float("inf"), 10**9, 10**12)


@dataclass(frozen=True, slots=True)
class Choice:
    """``place`` is the driver's own location, or a word, or None: the account's default."""

    size: Any
    image: Any
    place: Any = None
    zone: str | None = None

    def __str__(self) -> str:
        return f"{self.size.name} in {self.zone}" if self.zone else str(self.size.name)


def choices(
    driver: Driver,
    dialect: Dialect,
    entry: ProviderEntry,
    request: HostRequest,
    *,
    planning: bool = False,
) -> Iterator[Choice]:
    """First every size in the first place, then the next place. ProviderError where nothing
    fits. ``planning``: nothing is made for it, not even an image."""
    zones = (request.zone,) if request.zone else entry.locations or (None,)
    for zone in zones:
        place = place_of(driver, dialect, zone)
        image = choose_image(dialect.images, driver, place, entry.image, planning=planning)
        architecture = architecture_of(dialect.images, image, entry.image)
        known = dialect.sizes(driver, place)
        for size in choose_sizes(known, entry.size, request.resources, dialect, architecture):
            yield Choice(size, image, place, zone or _name_of(place))


def choose_sizes(
    known: Sequence[Any],
    wish: SizeWish,
    resources: Resources,
    dialect: Dialect,
    architecture: str | None = None,
) -> Sequence[Any]:
    """Those that are named, in their order; else the cheapest that have what is asked."""
    least = _most(wish.least, resources)
    names = wish.names
    if not names and least == Resources() and wish.price_hour is None and dialect.default_size:
        names = (dialect.default_size,)
    if names:
        return _affordable([named(known, name, "size") for name in names], wish, dialect)
    fitting = [
        size
        for size in known
        if least.within(room_of(size, dialect))
        and dialect.offered(size)
        and architecture in (None, dialect.size_architecture(size) or architecture)
    ]
    if not fitting:
        raise ProviderError(
            f"no size has {least.cores:g} cores, {least.ram_mb} MiB RAM "
            f"and {least.disk_mb} MiB disk{f' for {architecture}' if architecture else ''}",
            remedy=f"ask for less, or set `size` to one of: {names_of(known)}",
        )
    fitting.sort(key=lambda size: _order(size, dialect))
    return _affordable(fitting, wish, dialect)[:MOST_SIZES]


def resources_of(size: Any, dialect: Dialect) -> Resources:
    """What a machine of this size has; 0 where there is no limit, or nobody knows."""
    return Resources(dialect.cores(size), int(size.ram or 0), int(size.disk or 0) * 1024)


def room_of(size: Any, dialect: Dialect) -> Resources:
    has = resources_of(size, dialect)
    return Resources(
        has.cores or UNLIMITED.cores,
        has.ram_mb or UNLIMITED.ram_mb,
        has.disk_mb or UNLIMITED.disk_mb,
    )


def place_of(driver: Driver, dialect: Dialect, zone: str | None) -> Any:
    """What the driver takes for a location that is given by name or id, or for none."""
    if dialect.place_is_word:
        return zone
    if zone is not None:
        return named(driver.list_locations(), zone, "location")
    if not dialect.place_needed(driver):
        return None
    known = driver.list_locations()
    if len(known) == 1:
        return known[0]
    raise ConfigError(
        "this driver must be told where",
        where="location",
        remedy=f"set `location` in the provider's entry to one of: {names_of(known)}",
    )


def _name_of(place: Any) -> str | None:
    return None if place is None else str(getattr(place, "name", place))


def _affordable(sizes: Sequence[Any], wish: SizeWish, dialect: Dialect) -> Sequence[Any]:
    limit = wish.price_hour
    if limit is None:
        return sizes
    prices = [(size, dialect.price(size)) for size in sizes]
    found = [size for size, price in prices if price is not None and price <= limit]
    if not found:
        known = [price for _, price in prices if price is not None]
        cheapest = f"the cheapest costs {min(known):g}" if known else "no price is known"
        raise ProviderError(
            f"no size that fits costs at most {limit:g} an hour: {cheapest}",
            remedy="raise the price in `size`, or ask for less",
        )
    return found


def _most(one: Resources, other: Resources) -> Resources:
    return replace(
        one,
        cores=max(one.cores, other.cores),
        ram_mb=max(one.ram_mb, other.ram_mb),
        disk_mb=max(one.disk_mb, other.disk_mb),
    )


def _order(size: Any, dialect: Dialect) -> tuple[float, float, int, str]:
    """By price; those without one after the others, by what they have."""
    price = dialect.price(size)
    room = room_of(size, dialect)
    return (float("inf") if price is None else price), room.cores, room.ram_mb, str(size.id)
