"""What a cloud's security group must let through, and how it is made once for all its hosts."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clocker.errors import ConfigError, ProviderError
from clocker.model import FirewallWish, Opening, Source
from clocker.providers.refusals import AlreadyThere, Gone
from clocker.providers.tagging import Arguments, Driver

ANYWHERE = "0.0.0.0/0"
# The hosts of a cloud are made side by side, and some providers let two groups have one name.
MAKING = threading.Lock()


@dataclass(frozen=True, slots=True, order=True)
class Rule:
    """Ports ``first`` to ``last`` are open to ``source``: a CIDR, or None for the group itself."""

    protocol: str
    first: int
    last: int
    source: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """As it is found. ``vendor``: the driver's own object for it."""

    id: str
    name: str
    rules: frozenset[Rule] = frozenset()
    vendor: Any = None


class GroupCalls(Protocol):
    """What a driver has for security groups. ``network``: where they are made, None for the
    account's default; drivers whose groups belong to no network ignore it."""

    def listed(self, driver: Driver, network: str | None) -> Sequence[Group]:
        """All of that network; of every one for None."""
        ...

    def make(self, driver: Driver, name: str, network: str | None) -> None: ...

    def allow(self, driver: Driver, group: Group, rule: Rule) -> None: ...

    def delete(self, driver: Driver, group: Group) -> None: ...

    def arguments(self, groups: Sequence[Group], network: str | None) -> Arguments:
        """Of ``create_node``, for a machine in these groups."""
        ...


def rules_for(
    openings: Sequence[Opening], wish: FirewallWish, interface: str, own_address: str | None
) -> tuple[Rule, ...]:
    """``own_address``: what this machine sends from. ConfigError where nobody can know what
    the hosts will see it as."""
    sources = wish.sources or _own_source(interface, own_address, openings)
    found = []
    for opening in openings:
        where: tuple[str | None, ...]
        if opening.source is Source.CONTROLLER:
            where = sources
        elif opening.source is Source.HOSTS:
            where = (None,)
        else:
            where = (ANYWHERE,) if wish.published else ()
        found += [Rule(opening.protocol, opening.first, opening.last, each) for each in where]
    return tuple(dict.fromkeys(found))


def ensure_group(
    calls: GroupCalls, driver: Driver, name: str, network: str | None, rules: Sequence[Rule]
) -> Group:
    """The group with at least these rules, whoever made it. Where names may be given twice, the
    group with the lowest id is the one, and its twin is removed."""
    groups = _named(calls, driver, name, network)
    if not groups:
        with MAKING:
            groups = _made(calls, driver, name, network)
    if not groups:
        raise ProviderError(f"the security group {name} was made, but is not listed")
    group, *twins = groups
    for twin in twins:
        with contextlib.suppress(Gone):
            calls.delete(driver, twin)
    for rule in rules:
        if rule not in group.rules:
            with contextlib.suppress(AlreadyThere):
                calls.allow(driver, group, rule)
    return group


def own_address() -> str | None:
    """What this machine sends from; connecting a datagram socket sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _made(calls: GroupCalls, driver: Driver, name: str, network: str | None) -> list[Group]:
    if groups := _named(calls, driver, name, network):
        return groups  # by another thread, meanwhile
    with contextlib.suppress(AlreadyThere):
        calls.make(driver, name, network)
    return _named(calls, driver, name, network)


def _named(calls: GroupCalls, driver: Driver, name: str, network: str | None) -> list[Group]:
    found = [group for group in calls.listed(driver, network) if group.name == name]
    return sorted(found, key=lambda group: group.id)


def _own_source(
    interface: str, address: str | None, openings: Sequence[Opening]
) -> tuple[str, ...]:
    if not any(opening.source is Source.CONTROLLER for opening in openings):
        return ()
    known = address is not None and (
        interface == "private" or ipaddress.ip_address(address).is_global
    )
    if known:
        return (f"{address}/32",)
    raise ConfigError(
        f"this machine's address as the hosts will see it is not known ({address or 'none'} is "
        "its own), so that SSH could be opened for nobody but all",
        where="firewall.from",
        remedy="name the addresses that Clocker connects from, as [203.0.113.7/32]; or set "
        "`interface: private` where this machine is in the hosts' network",
    )
