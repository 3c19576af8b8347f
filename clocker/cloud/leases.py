"""Addresses, leased to names in the transaction that decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clocker.addressing import Search, check_address, size
from clocker.errors import BadInput, NameTaken
from clocker.interfaces import Parts, Transaction
from clocker.model import DEFAULT_NETWORK, Lease

# Twice what a Linux bridge or an ARP cache remembers of an address that fell silent.
REMEMBERED_S = 600.0


@dataclass(frozen=True, slots=True)
class Leased:
    """``used_before``: somebody may still know the address at another place."""

    address: str
    used_before: bool


def lease(
    parts: Parts,
    tx: Transaction,
    owner: str,
    *,
    wanted: str | None = None,
    network: str = DEFAULT_NETWORK,
    subnet: str | None = None,
) -> Leased:
    """An address for ``owner``: the ``wanted`` one, else the one that it had last, else the next
    in turn. A released address rests for the cloud's quarantine before another owner gets it.
    BadInput or NameTaken for a wanted one that cannot be had; NothingFits."""
    addresses = Addresses(parts, tx)
    leased = addresses.lease(owner, wanted=wanted, network=network, subnet=subnet)
    addresses.store()
    return leased


class Addresses:
    """As ``lease``, for several in one transaction: what is leased is read once, and kept in step
    with what this leases, which ``store`` puts on record. Whatever else leases or releases
    meanwhile, it does not see."""

    def __init__(self, parts: Parts, tx: Transaction) -> None:
        rules = parts.spec.network
        _forget_old(tx, parts.clock() - max(rules.quarantine_s, REMEMBERED_S))
        self._parts, self._tx = parts, tx
        self._held = tx.leases()
        self._released = tx.released_leases()
        self._networks: dict[str, _OfNetwork] = {}
        self._new: list[Lease] = []

    def lease(
        self,
        owner: str,
        *,
        wanted: str | None = None,
        network: str = DEFAULT_NETWORK,
        subnet: str | None = None,
    ) -> Leased:
        reserved = self._parts.spec.network.reserved
        subnet = subnet or self._parts.spec.network.subnet
        there = self._networks.get(network) or self._load(network, subnet)
        if wanted is not None:
            check_address(wanted, subnet, reserved)
            rests = _rests(self._parts, there.released, besides=owner)
            _refuse_taken(wanted, owner, there.held, rests)
        own = [item for item in there.of_owner.get(owner, ()) if item.address in there.released]
        former = None if wanted else _former(own, subnet, reserved)
        address = wanted or former
        if address is None:
            address = there.last = there.search.next()
        there.search.take(address)
        used_before = there.released.pop(address, None) is not None
        there.held[address] = owner
        self._new.append(Lease(network, address, owner))
        return Leased(address, used_before)

    def store(self) -> None:
        self._tx.put_leases(self._new)
        self._new = []
        for network, there in self._networks.items():
            if there.last:
                self._tx.set_setting(_last_key(network), there.last)

    def _load(self, network: str, subnet: str) -> _OfNetwork:
        held = {item.address: item.owner for item in self._held if item.network == network}
        released = {item.address: item for item in self._released if item.network == network}
        of_owner: dict[str, list[Lease]] = {}
        for item in released.values():
            of_owner.setdefault(item.owner, []).append(item)
        search = Search(
            subnet,
            held,
            self._tx.setting(_last_key(network)),
            reserved=self._parts.spec.network.reserved,
            resting=_rests(self._parts, released),
        )
        self._networks[network] = _OfNetwork(held, released, of_owner, search)
        return self._networks[network]


@dataclass(slots=True)
class _OfNetwork:
    """``held``: owners by address. ``of_owner``: what each had last, and let go of. ``last``: the
    one that was chosen last."""

    held: dict[str, str]
    released: dict[str, Lease]
    of_owner: dict[str, list[Lease]]
    search: Search
    last: str | None = None


def addresses_free(parts: Parts, tx: Transaction) -> int:
    """How many addresses of the default network could be given now."""
    rules = parts.spec.network
    released = {i.address: i for i in tx.released_leases() if i.network == DEFAULT_NETWORK}
    taken = {i.address for i in tx.leases() if i.network == DEFAULT_NETWORK}
    taken |= set(_rests(parts, released))
    counted = [a for a in taken if _may_be_given(a, rules.subnet, rules.reserved)]
    return size(rules.subnet, rules.reserved) - len(counted)


def _last_key(network: str) -> str:
    return "last-address" if network == DEFAULT_NETWORK else f"last-address/{network}"


def _forget_old(tx: Transaction, before: float) -> None:
    """A look is cheaper than a change that changes nothing."""
    if any((item.released_at or before) < before for item in tx.released_leases()):
        tx.forget_leases(before)


def _rests(
    parts: Parts, released: Mapping[str, Lease], besides: str | None = None
) -> dict[str, float]:
    """The addresses in quarantine, and for how many seconds more."""
    until = parts.spec.network.quarantine_s - parts.clock()
    left = {
        address: until + item.released_at
        for address, item in released.items()
        if item.released_at is not None and item.owner != besides
    }
    return {address: seconds for address, seconds in left.items() if seconds > 0}


def _former(own: Sequence[Lease], subnet: str, reserved: tuple[str, ...]) -> str | None:
    """What the owner had last; the rules may have changed meanwhile."""
    latest = max(own, key=lambda item: item.released_at or 0.0, default=None)
    if latest is None or not _may_be_given(latest.address, subnet, reserved):
        return None
    return latest.address


def _may_be_given(address: str, subnet: str, reserved: tuple[str, ...]) -> bool:
    try:
        check_address(address, subnet, reserved)
    except BadInput:
        return False
    return True


def _refuse_taken(
    address: str, owner: str, held: Mapping[str, str], resting: Mapping[str, float]
) -> None:
    remedy = "ask for another address, or for none to have one chosen"
    if held.get(address, owner) != owner:
        raise NameTaken(f"{address} belongs to {held[address]}", where="address", remedy=remedy)
    if address in resting:
        raise NameTaken(
            f"{address} was released a moment ago; it rests for {resting[address]:.0f} s more",
            where="network.quarantine",
            remedy=f"wait, or {remedy}",
        )
