"""Where a host is: in which region, zone and country, and at which provider."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import ClassVar

from clocker.errors import BadInput
from clocker.model import ContainerRequest, Host, HostView
from clocker.placement.countries import ALIASES, country_of

_JOINTS = re.compile(r"\s*,\s*(?:or\s+|and\s+)?|\s+or\s+|\s+and\s+", re.IGNORECASE)
_PHRASE = re.compile(r"\s*(?:(not)\s+)?(?:in\s+)?(\S.*?)\s*", re.IGNORECASE)
_PLACE = re.compile(r"(?!(?:in|not)$)[A-Za-z0-9*?][A-Za-z0-9._*?/-]*")


@dataclass(frozen=True, slots=True)
class Places:
    """``names`` in small letters; ``*`` and ``?`` stand for other letters in them."""

    names: tuple[str, ...]
    negated: bool = False

    def refusal(self, what: str, value: str | None) -> str | None:
        if value is None:
            return f"its {what} is not known"
        there = any(fnmatchcase(value.lower(), name) for name in self.names)
        return f"its {what} is {value}" if there is self.negated else None


@dataclass(frozen=True, slots=True)
class Region:
    """``places``: ``in eu-* or us-east-1``, ``not in us-*``, or a list of regions."""

    places: str | tuple[str, ...]

    reads: ClassVar[tuple[str, ...]] = ()
    needs_offer: ClassVar[bool] = True
    settled_by_making: ClassVar[bool] = True

    def __post_init__(self) -> None:
        phrase(self.places)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return phrase(self.places).refusal("region", view.host.region)


@dataclass(frozen=True, slots=True)
class Zone:
    places: str | tuple[str, ...]

    reads: ClassVar[tuple[str, ...]] = ()
    needs_offer: ClassVar[bool] = True
    settled_by_making: ClassVar[bool] = True

    def __post_init__(self) -> None:
        phrase(self.places)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return phrase(self.places).refusal("zone", view.host.zone)


@dataclass(frozen=True, slots=True)
class Provider:
    """By its name in ``providers.yaml``."""

    places: str | tuple[str, ...]

    reads: ClassVar[tuple[str, ...]] = ()
    settled_by_making: ClassVar[bool] = True

    def __post_init__(self) -> None:
        phrase(self.places)

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        return phrase(self.places).refusal("provider", view.host.provider)


@dataclass(frozen=True, slots=True)
class Country:
    """Two-letter codes of ISO 3166: ``in DE or NL``, ``not in US``."""

    places: str | tuple[str, ...]

    reads: ClassVar[tuple[str, ...]] = ()
    needs_offer: ClassVar[bool] = True
    settled_by_making: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in phrase(self.places).names:
            if not re.fullmatch("[a-z]{2}", name):
                raise BadInput(
                    f"rule 'country': {name!r} is no country's code",
                    where="rules",
                    remedy="give the two letters of ISO 3166, such as  country: in DE or NL",
                )

    def refusal(self, view: HostView, request: ContainerRequest) -> str | None:
        wanted = phrase(self.places)
        names = tuple(ALIASES.get(name.upper(), name).lower() for name in wanted.names)
        return Places(names, wanted.negated).refusal("country", country_of(view.host))


@lru_cache(maxsize=1024)
def phrase(places: str | tuple[str, ...]) -> Places:
    """``[not] [in] A or B``; a tuple: any of these. BadInput."""
    text = places if isinstance(places, str) else " or ".join(places)
    found = _PHRASE.fullmatch(text)
    names = _JOINTS.split(found[2]) if found else []
    if not found or not all(_PLACE.fullmatch(name) for name in names):
        raise BadInput(
            f"{text!r} does not say where",
            where="rules",
            remedy="write  in A or B,  not in A or B,  or a list of names",
        )
    return Places(tuple(name.lower() for name in names), found[1] is not None)


def group_of(host: Host, key: str) -> str | None:
    """The host's value of ``host``, ``zone``, ``region``, ``provider``, ``country`` or ``label
    KEY``; None when it has none."""
    if key.startswith("label "):
        return host.labels.get(key.removeprefix("label ").strip())
    values = {
        "host": host.name,
        "zone": host.zone,
        "region": host.region,
        "provider": host.provider,
    }
    return country_of(host) if key == "country" else values[key]
