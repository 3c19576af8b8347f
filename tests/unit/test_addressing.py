from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clocker.addressing import (
    Search,
    check_address,
    is_within,
    mac_of,
    next_address,
    size,
    span,
)
from clocker.errors import BadInput, NothingFits

SUBNET = "10.1.0.0/28"
USABLE = range(1, 15)


def address(number: int) -> str:
    return str(IPv4Address("10.1.0.0") + number)


def test_the_first_address_is_the_first() -> None:
    assert next_address("10.1.0.0/29", (), None) == "10.1.0.1"


@pytest.mark.parametrize(
    ("taken", "last", "reserved", "resting", "found"),
    [
        ([1], 3, [], [], 4),  # a released address is the last to be used again
        ([1], 14, [], [], 2),
        ([], None, ["10.1.0.1-10.1.0.9"], [], 10),
        ([], 12, ["10.1.0.13-10.1.0.255"], [], 1),  # a range that goes on beyond the end
        ([], 12, ["10.1.0.13-10.1.0.14", "10.1.0.1-10.1.0.3"], [], 4),
        ([10], 8, ["10.1.0.9-10.1.0.9"], [11, 12], 13),
        ([], 3, ["10.1.0.4-10.1.0.6", "10.1.0.5-10.1.0.8"], [], 9),  # ranges that overlap
        ([], 200, [], [], 5),  # the subnet was another one before
    ],
)
def test_which_comes_next(
    taken: list[int], last: int | None, reserved: list[str], resting: list[int], found: int
) -> None:
    chosen = next_address(
        SUBNET,
        [address(n) for n in taken],
        last and address(last),
        reserved=reserved,
        resting={address(n): 5.0 for n in resting},
    )
    assert chosen == address(found)


def test_a_full_subnet_says_so() -> None:
    taken = [str(address) for address in IPv4Network("10.1.0.0/30").hosts()]
    with pytest.raises(NothingFits, match=r"all 2 addresses of 10.1.0.0/30 .*2 held, 0 reserved"):
        next_address("10.1.0.0/30", taken, None)


def test_one_that_rests_is_waited_for() -> None:
    resting = {address(n): float(20 + n) for n in range(5, 15)}
    with pytest.raises(NothingFits) as caught:
        next_address(
            SUBNET,
            [address(n) for n in (3, 4)],
            None,
            reserved=["10.1.0.0-10.1.0.2"],
            resting=resting,
        )
    assert "2 held, 2 reserved, 10 in quarantine, the first of them free in 25 s" in str(
        caught.value
    )
    assert caught.value.remedy and caught.value.remedy.startswith("wait")


numbers = st.sets(st.sampled_from(USABLE))
spans = st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)).map(sorted), max_size=3)


@given(numbers, numbers, spans, st.none() | st.integers(0, 40))
def test_never_one_that_may_not_be_given(
    taken: set[int], resting: set[int], reserved: list[list[int]], last: int | None
) -> None:
    kept = {n for low, high in reserved for n in range(low, high + 1)}
    free = set(USABLE) - taken - resting - kept
    texts = [f"{address(low)}-{address(high)}" for low, high in reserved]
    assert size(SUBNET, texts) == len(set(USABLE) - kept)

    def choose() -> str:
        return next_address(
            SUBNET,
            {address(n) for n in taken},
            None if last is None else address(last),
            reserved=texts,
            resting={address(n): 1.0 for n in resting - taken},
        )

    if not free:
        pytest.raises(NothingFits, choose)
        return
    assert choose() in {address(n) for n in free}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("10.1.0.16", "is not one of 10.1.0.0/28"),
        ("10.1.0.0", "is not one of"),
        ("10.1.0.15", "is not one of"),
        ("10.1.0.2", "is reserved"),
        ("10.1.0.5; reboot", "is not an IPv4 address"),
        ("10.1.0.5\n10.1.0.6", "is not an IPv4 address"),
        ("010.1.0.5", "is not an IPv4 address"),
        ("::1", "is not an IPv4 address"),
        ("", "is not an IPv4 address"),
    ],
)
def test_what_nobody_may_ask_for(asked: str, sentence: str) -> None:
    check_address("10.1.0.3", SUBNET, ["10.1.0.1-10.1.0.2"])
    with pytest.raises(BadInput) as caught:
        check_address(asked, SUBNET, ["10.1.0.1-10.1.0.2"])
    assert sentence in caught.value.what
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.1.0.9", "10.1.0.9-10.1.0.9"),
        ("10.1.0.1-10.1.0.9", "10.1.0.1-10.1.0.9"),
        ("10.1.0.1 - 10.1.0.9", "10.1.0.1-10.1.0.9"),
        ("10.1.0.16/28", "10.1.0.16-10.1.0.31"),
    ],
)
def test_how_addresses_are_written(text: str, found: str) -> None:
    assert span(text) == found
    assert is_within(found, "10.1.0.0/27")
    assert not is_within(found, "10.2.0.0/27")


@pytest.mark.parametrize("text", ["", "-", "10.1.0.9-", "10.1.0.9-10.1.0.1", "10.1.0.1/28", "a"])
def test_what_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="^must "):
        span(text)


def test_the_mac_follows_from_the_address() -> None:
    assert mac_of("10.210.3.255") == "02:42:0a:d2:03:ff"


@given(
    st.sets(st.sampled_from(USABLE), max_size=8),
    st.none() | st.sampled_from(USABLE),
    st.lists(st.sampled_from(USABLE), max_size=4),
)
def test_a_search_gives_what_one_would_get_one_by_one(
    taken: set[int], last: int | None, wanted: list[int]
) -> None:
    """Also when others take what they ask for in between."""
    owned, latest = {address(n) for n in taken}, last and address(last)
    search = Search(SUBNET, owned, latest)
    for number in wanted:
        search.take(address(number))
        owned.add(address(number))
        if len(owned) < len(USABLE):
            found = search.next()
            assert found == next_address(SUBNET, owned, latest)
            owned.add(found)
            latest = found
    while len(owned) < len(USABLE):
        owned.add(search.next())
    with pytest.raises(NothingFits):
        search.next()
