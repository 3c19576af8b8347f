"""What may be a name, an alias or a label: refused before anything is booked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clocker.errors import BadInput
from clocker.model import DEFAULT_NETWORK

_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")
_LABEL_KEY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._/-]{0,126}[A-Za-z0-9])?")
_REMEDY = "use 1 to {most} lower-case letters, digits and inner hyphens, as in a host name"
_LONGEST_NETWORK = 32


def check_name(name: str, what: str = "container") -> None:
    if not _DNS_LABEL.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a {what}'s name", where="name", remedy=_REMEDY.format(most=63)
        )


def check_network_name(name: str) -> None:
    remedy = _REMEDY.format(most=_LONGEST_NETWORK)
    if not _DNS_LABEL.fullmatch(name) or len(name) > _LONGEST_NETWORK:
        raise BadInput(f"{name!r} cannot be a network's name", where="network", remedy=remedy)
    if name == DEFAULT_NETWORK:
        raise BadInput(
            "every cloud has the network 'default' already",
            where="network",
            remedy="choose another name; its subnet is network.subnet in clocker.yaml",
        )


def check_aliases(aliases: Sequence[str], name: str | None) -> None:
    for alias in aliases:
        if not _DNS_LABEL.fullmatch(alias):
            raise BadInput(
                f"{alias!r} cannot be an alias", where="alias", remedy=_REMEDY.format(most=63)
            )
        if alias == name:
            raise BadInput(f"{alias!r} is the container's name already", where="alias")
    if len(aliases) != len(set(aliases)):
        raise BadInput("the same alias is given twice", where="alias")


def check_hostname(hostname: str | None) -> None:
    if hostname is not None and not _HOSTNAME.fullmatch(hostname):
        raise BadInput(
            f"{hostname!r} cannot be a host's name",
            where="hostname",
            remedy="use 1 to 63 letters, digits, dots and hyphens",
        )


def check_labels(labels: Mapping[str, str]) -> None:
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key):
            raise BadInput(
                f"{key!r} cannot be a label's name",
                where="label",
                remedy="use letters, digits, dots, slashes, hyphens and underscores",
            )
        if key.startswith("clocker."):
            raise BadInput(
                f"{key!r} is one of Clocker's own labels", where="label", remedy="choose another"
            )
        if not value.isprintable():
            raise BadInput(
                f"the label {key!r} has a value with control characters in it",
                where="label",
                remedy="leave out newlines and other characters that cannot be printed",
            )
