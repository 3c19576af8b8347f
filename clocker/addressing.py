"""Which address comes next, and which may be had at all. Pure: who owns what is the store's to
say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from socket import inet_aton

from clocker.errors import BadInput, NothingFits


def next_address(
    subnet: str,
    taken: Collection[str],
    last: str | None,
    *,
    reserved: Sequence[str] = (),
    resting: Mapping[str, float] | None = None,
) -> str:
    """The first free address of ``subnet`` after ``last``, wrapping round. ``resting``: addresses
    in quarantine, and for how many seconds more.

    Going round, instead of reusing the lowest free one, leaves a released address unused for as
    long as possible: caches and forwarding tables that still know its old owner go stale first.
    """
    return Search(subnet, taken, last, reserved=reserved, resting=resting).next()


class Search:
    """As ``next_address``, for several in a row: what it gives is taken from then on."""

    def __init__(
        self,
        subnet: str,
        taken: Collection[str],
        last: str | None,
        *,
        reserved: Sequence[str] = (),
        resting: Mapping[str, float] | None = None,
    ) -> None:
        self._first, self._count = _usable(subnet)
        self._start = int(IPv4Address(last)) - self._first + 1 if last else 0
        self._resting = resting or {}
        # Not IPv4Address: of a large subnet this is most of the time that a request takes.
        owned = (inet_aton(address) for address in (*taken, *self._resting))
        self._owned = {int.from_bytes(packed, "big") for packed in owned}
        self._held = len(set(taken))
        self._subnet = subnet
        self._reserved = reserved
        self._spans = _spans(reserved)

    def next(self) -> str:
        step = 0
        while step < self._count:
            candidate = self._first + (self._start + step) % self._count
            if end := _end_of_span(candidate, self._spans):
                step += min(end, self._first + self._count - 1) - candidate + 1
            elif candidate in self._owned:
                step += 1
            else:
                self._start = candidate - self._first + 1
                self._take(candidate)
                return str(IPv4Address(candidate))
        raise _exhausted(self._subnet, self._held, self._reserved, self._resting)

    def take(self, address: str) -> None:
        """Somebody has it now."""
        self._take(int(IPv4Address(address)))

    def _take(self, number: int) -> None:
        if number not in self._owned:
            self._owned.add(number)
            self._held += 1


def check_address(address: str, subnet: str, reserved: Sequence[str]) -> None:
    """BadInput for an address that nobody may ask for."""
    remedy = f"ask for another one of {subnet}, or for none to have one chosen"
    try:
        number = int(IPv4Address(address))
    except ValueError:
        raise BadInput(
            f"{address!r} is not an IPv4 address", where="address", remedy=remedy
        ) from None
    first, count = _usable(subnet)
    if not first <= number < first + count:
        raise BadInput(f"{address} is not one of {subnet}", where="address", remedy=remedy)
    if _end_of_span(number, _spans(reserved)):
        raise BadInput(f"{address} is reserved", where="network.reserved", remedy=remedy)


def span(text: str) -> str:
    """``FIRST-LAST`` of an address, a range or a CIDR; ValueError, its text a sentence."""
    sentence = "must be IPv4 addresses: 10.210.0.9, 10.210.0.1-10.210.0.20 or 10.210.0.0/28"
    low, dash, high = (part.strip() for part in text.partition("-"))
    try:
        if not dash:
            block = IPv4Network(low)
            return f"{block.network_address}-{block.broadcast_address}"
        first, last = IPv4Address(low), IPv4Address(high)
    except ValueError:
        raise ValueError(sentence) from None
    if first > last:
        raise ValueError("must begin with the lower address of a range")
    return f"{first}-{last}"


def is_within(span_text: str, subnet: str) -> bool:
    first, _, last = span_text.partition("-")
    network = IPv4Network(subnet)
    return IPv4Address(first) in network and IPv4Address(last) in network


def size(subnet: str, reserved: Sequence[str] = ()) -> int:
    """How many addresses may be given."""
    first, count = _usable(subnet)
    return count - _reserved_count(first, count, reserved)


def carve(pool: str, prefix: int, taken: Collection[str]) -> str:
    """The first block of ``pool`` with that prefix length that overlaps none of ``taken``."""
    whole, others = IPv4Network(pool), [IPv4Network(other) for other in taken]
    if not whole.prefixlen <= prefix <= 29:
        raise BadInput(
            f"a network of size /{prefix} cannot be carved from the pool {pool}",
            where="size",
            remedy=f"give a size from {max(whole.prefixlen, 8)} to 29",
        )
    start, step = int(whole.network_address), 2 ** (32 - prefix)
    while start < int(whole.broadcast_address):
        block = IPv4Network((start, prefix))
        clash = next((other for other in others if block.overlaps(other)), None)
        if clash is None:
            return str(block)
        # On to the first block behind it: a pool of /8 has a great many.
        behind = int(clash.broadcast_address) + 1
        start = max(start + step, -(-behind // step) * step)
    raise NothingFits(
        f"the pool {pool} has no block of size /{prefix} left besides {len(others)} networks",
        where="network.pool",
        remedy="ask for a smaller one (a larger number), remove networks, or give the cloud a "
        "larger pool",
    )


def check_subnet(subnet: str, pool: str, taken: Mapping[str, str]) -> str:
    """``subnet`` as it is written canonically. BadInput unless it is a block of ``pool`` that
    overlaps none of ``taken``, subnets by their network's name."""
    try:
        block = IPv4Network(subnet)
    except ValueError:
        raise BadInput(
            f"{subnet!r} is not an IPv4 CIDR without host bits",
            where="subnet",
            remedy="such as 10.210.16.0/24",
        ) from None
    whole = IPv4Network(pool)
    if not block.subnet_of(whole) or block.prefixlen > 29:
        raise BadInput(
            f"{block} is not a block of /29 or larger within the cloud's pool, which is {pool}",
            where="subnet",
            remedy="give another, or leave it out to have one carved",
        )
    for name, other in taken.items():
        if block.overlaps(IPv4Network(other)):
            raise BadInput(
                f"{block} overlaps {other}, which is the subnet of network {name!r}",
                where="subnet",
                remedy="give another, or leave it out to have one carved",
            )
    return str(block)


def mac_of(address: str) -> str:
    """The MAC that belongs to an address, as Docker derives it: caches stay right on a move."""
    octets = IPv4Address(address).packed
    return "02:42:" + ":".join(f"{octet:02x}" for octet in octets)


def _usable(subnet: str) -> tuple[int, int]:
    """The first address that may be given, and how many there are in a row."""
    network = IPv4Network(subnet)
    return int(network.network_address) + 1, network.num_addresses - 2


def _spans(reserved: Sequence[str]) -> list[tuple[int, int]]:
    ends = (text.partition("-") for text in reserved)
    return sorted((int(IPv4Address(low)), int(IPv4Address(high))) for low, _, high in ends)


def _end_of_span(number: int, spans: Sequence[tuple[int, int]]) -> int | None:
    return next((high for low, high in spans if low <= number <= high), None)


def _reserved_count(first: int, count: int, reserved: Sequence[str]) -> int:
    """Spans may overlap, and hold the ends of the subnet, which nobody gets anyway."""
    total, reached = 0, first - 1
    for low, high in _spans(reserved):
        top = min(high, first + count - 1)
        total += max(0, top - max(low, reached + 1) + 1)
        reached = max(reached, top)
    return total


def _exhausted(
    subnet: str, held: int, reserved: Sequence[str], resting: Mapping[str, float]
) -> NothingFits:
    first, count = _usable(subnet)
    shares = [f"{held} held", f"{_reserved_count(first, count, reserved)} reserved"]
    remedy = "remove containers, or give the cloud a larger subnet"
    if resting:
        soonest = max(0.0, min(resting.values()))
        shares.append(f"{len(resting)} in quarantine, the first of them free in {soonest:.0f} s")
        remedy = "wait, " + remedy
    return NothingFits(
        f"all {count} addresses of {subnet} are in use ({', '.join(shares)})",
        where="network.subnet",
        remedy=remedy,
    )
