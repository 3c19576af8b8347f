"""Addresses, leased to names in the transaction that decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clocker.addressing import check_address, next_address, size
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
    rules, now = parts.spec.network, parts.clock()
    subnet = subnet or rules.subnet
    _forget_old(tx, now - max(rules.quarantine_s, REMEMBERED_S))
    held = {item.address: item.owner for item in tx.leases() if item.network == network}
    released = {item.address: item for item in tx.released_leases() if item.network == network}
    if wanted is not None:
        check_address(wanted, subnet, rules.reserved)
        _refuse_taken(wanted, owner, held, _rests(parts, released, besides=owner))
    former = None if wanted else _former(owner, released, subnet, rules.reserved)
    address = wanted or former
    if address is None:
        key = "last-address" if network == DEFAULT_NETWORK else f"last-address/{network}"
        address = next_address(
            subnet,
            held,
            tx.setting(key),
            reserved=rules.reserved,
            resting=_rests(parts, released),
        )
        tx.set_setting(key, address)
    tx.put_lease(Lease(network, address, owner))
    return Leased(address, address in released)


def addresses_free(parts: Parts, tx: Transaction) -> int:
    """How many addresses of the default network could be given now."""
    rules = parts.spec.network
    released = {i.address: i for i in tx.released_leases() if i.network == DEFAULT_NETWORK}
    taken = {i.address for i in tx.leases() if i.network == DEFAULT_NETWORK}
    taken |= set(_rests(parts, released))
    counted = [a for a in taken if _may_be_given(a, rules.subnet, rules.reserved)]
    return size(rules.subnet, rules.reserved) - len(counted)


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


def _former(
    owner: str, released: Mapping[str, Lease], subnet: str, reserved: tuple[str, ...]
) -> str | None:
    """What the owner had last; the rules may have changed meanwhile."""
    own = [item for item in released.values() if item.owner == owner]
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
