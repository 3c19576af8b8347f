"""What there is to say about one driver of libcloud's. What a dialect has nothing for, the driver
cannot do: an entry that asks for it is refused before anything is made (``arguments.py``), and
``examine`` says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clocker.model import ProviderEntry
from clocker.providers.firewall import GroupCalls
from clocker.providers.images import ImageWay
from clocker.providers.key_pairs import KeyWay
from clocker.providers.tagging import Arguments, Driver, Machine, Tagging
from clocker.providers.vendors.quotas import Quotas
from clocker.providers.volumes import VolumeCalls

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
    - ``volumes``: of its machines, where they may be left when a machine is gone.
    - ``network``: for an entry and a place: the arguments, and the network that groups belong to.
    - ``token``: the argument for an idempotency token. ``spot``: what asks for spare capacity.
    - ``place``: for a location. ``place_is_word``: its name will do. ``place_needed``: whether a
      driver takes no answer for none. ``place_is_region``: and not a zone of one.
      ``lists_by_place``: ``nodes`` takes each of the locations.
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
    volumes: VolumeCalls | None = None
    network: Callable[[Driver, ProviderEntry, Any], tuple[Arguments, str | None]] | None = None
    token: str | None = None
    spot: Mapping[str, Any] | None = None
    place: Callable[[Any], Arguments] = lambda place: {"location": place}
    place_is_word: bool = False
    place_needed: Callable[[Driver], bool] = lambda driver: False
    place_is_region: bool = False
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
    quotas: Quotas | None = None
    default_size: str | None = None
    dead: frozenset[str] = frozenset()
    failure: Callable[[Machine], str] = lambda machine: ""
    poll_s: float = 2.0
    lag_s: float = 30.0
