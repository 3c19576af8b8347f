"""An account at an infrastructure, what it offers, and what was found at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clocker.model.resources import Resources

HOURS_PER_MONTH = 730


@dataclass(frozen=True, slots=True)
class ImageWish:
    """What a host starts from: ``name`` (or an id), or else the newest image that fits
    ``distribution`` (debian, ubuntu), ``version`` (12, 24.04) and ``architecture`` (x86_64,
    arm64). Nothing at all: the provider's default, where it has one."""

    name: str | None = None
    distribution: str | None = None
    version: str | None = None
    architecture: str | None = None


@dataclass(frozen=True, slots=True)
class SizeWish:
    """``names``: names or ids, tried in this order; empty: the cheapest that has ``least`` and
    what the request asks for. ``price_hour``: the most that a host may cost; None: any."""

    names: tuple[str, ...] = ()
    least: Resources = Resources()
    price_hour: float | None = None


@dataclass(frozen=True, slots=True)
class FirewallWish:
    """``groups``: existing security groups to use as they are, and none is made. Otherwise one
    is made for the cloud: SSH from ``sources`` (CIDRs; empty: this machine's own address), the
    overlay's port among the hosts, and with ``published`` the containers' published ports."""

    groups: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    published: bool = False


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """An entry of ``providers.yaml``. ``arguments``: for the libcloud driver's constructor,
    secrets already resolved. ``locations``: zones by name or id, tried in this order. ``spot``:
    capacity that may be taken back. ``network``, ``subnet``: names or ids. ``user_data``: a
    document of the user's for cloud-init, besides Clocker's own. ``create``: passed through to
    ``create_node``. ``interface``: which address Clocker connects to, ``public`` or
    ``private``. ``options``: the provider's own (for ``local``: network, internal, image)."""

    name: str
    driver: str
    arguments: Mapping[str, object] = field(default_factory=dict, repr=False)
    create: Mapping[str, object] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)
    image: ImageWish = ImageWish()
    size: SizeWish = SizeWish()
    locations: tuple[str, ...] = ()
    network: str | None = None
    subnet: str | None = None
    spot: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    firewall: FirewallWish = FirewallWish()
    user_data: str | None = field(default=None, repr=False)
    ssh_user: str = "root"
    interface: str = "public"


class Source(StrEnum):
    """Who may reach an opened port."""

    CONTROLLER = "controller"
    HOSTS = "hosts"
    ANYONE = "anyone"


@dataclass(frozen=True, slots=True)
class Opening:
    """Ports ``first`` to ``last`` of a host, which the firewall must let ``source`` reach."""

    protocol: str
    first: int
    last: int
    source: Source


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider would make for a request. ``price_hour``: in ``currency``, None where
    nobody knows; a host that costs nothing has 0. ``alternatives``: the sizes and zones that
    would be tried next, as sentences."""

    provider: str
    size: str
    image: str
    resources: Resources
    region: str | None = None
    zone: str | None = None
    price_hour: float | None = None
    currency: str = "USD"
    spot: bool = False
    alternatives: tuple[str, ...] = ()


class Verdict(StrEnum):
    FINE = "fine"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # the provider has no way to ask


@dataclass(frozen=True, slots=True)
class Check:
    """What was found about one ``subject`` (credentials, quota, image, size, key, firewall)."""

    subject: str
    verdict: Verdict
    text: str
    remedy: str | None = None


class RemnantKind(StrEnum):
    MACHINE = "machine"
    KEY_PAIR = "key pair"
    SECURITY_GROUP = "security group"
    VOLUME = "volume"
    NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Remnant:
    """A thing at a provider that carries a cloud's tags, or, where such things carry none, the
    name that only this cloud gives. ``created_at``: seconds since the epoch, None where the
    provider does not say."""

    kind: RemnantKind
    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: float | None = None


def shared_name(cloud: str, mark: str) -> str:
    """Of what all machines of a cloud share (a key pair, a group). ``mark``: 16 hex digits that
    tell the cloud from others of its name in the same account, as the tag ``clocker-key`` does."""
    return f"clocker-{cloud}-{mark}"


def shared_mark(cloud: str, name: str) -> str | None:
    """The mark in the ``name`` of something shared; None when it is not this cloud's."""
    found = re.fullmatch(rf"clocker-{re.escape(cloud)}-([0-9a-f]{{16}})", name)
    return found[1] if found else None
