"""What differs between libcloud's drivers, as data: a new driver is a line in ``DIALECTS``.

What a line has nothing for, the driver cannot do: an entry that asks for it is refused before
anything is made (``arguments.py``), and ``examine`` says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.model import ProviderEntry
from clocker.providers.firewall import GroupCalls
from clocker.providers.groups import Ec2Groups
from clocker.providers.images import ImageWay
from clocker.providers.key_pairs import Kept, KeyWay
from clocker.providers.tagging import Arguments, AsMapping, Driver, Machine, Tagging
from clocker.providers.vendors import ec2

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
    - ``place``: for a location. ``place_is_word``: its name will do. ``place_needed``: none is no
      answer. ``lists_by_place``: ``nodes`` takes each of the entry's locations.
    - ``besides``: what else the driver must be told, for an entry and the machine's name.
    - ``nodes``, ``sizes``: the lists; ``destroy``, ``clean``: instead of, and besides, libcloud's.
    - ``dead``: the provider's own words, in ``extra["status"]``, for a machine that is on its way
      out. ``failure``: why a machine in error is. ``created_at``: seconds, if it can be told.
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
    place_needed: bool = False
    lists_by_place: bool = False
    besides: Callable[[Driver, ProviderEntry, str], Arguments] = lambda driver, entry, name: {}
    nodes: Callable[..., Sequence[Machine]] = lambda driver, place, **filters: driver.list_nodes(
        **filters
    )
    sizes: Callable[[Driver, Any], Sequence[Any]] = lambda driver, place: driver.list_sizes()
    images: ImageWay = ImageWay()
    destroy: Callable[[Driver, Machine], Any] = lambda driver, machine: driver.destroy_node(machine)
    clean: Callable[[Driver], None] = lambda _: None
    cores: Callable[[Any], float] = _cores
    offered: Callable[[Any], bool] = lambda size: True
    size_architecture: Callable[[Any], str | None] = lambda size: None
    price: Callable[[Any], float | None] = lambda size: float(size.price) if size.price else None
    currency: str = "USD"
    default_size: str | None = None
    dead: frozenset[str] = frozenset()
    failure: Callable[[Machine], str] = lambda machine: ""
    poll_s: float = 2.0
    lag_s: float = 30.0


GENERIC = Dialect(
    tags=AsMapping("ex_metadata", ("tags", "metadata")),
    user_data=lambda text: {"ex_userdata": text},
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
        offered=lambda size: size.extra.get("currentGeneration") != "No",
        size_architecture=ec2.size_architecture,
        dead=frozenset({"shutting-down", "terminated"}),
    ),
}


def dialect_of(driver: str) -> Dialect:
    """Of the driver with this name among libcloud's provider constants."""
    return DIALECTS.get(driver, GENERIC)
