"""The networks of the application, and a service's places on them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Any

from clocker.config.compose.files import Project
from clocker.config.compose.scalars import number, text, truth
from clocker.config.problems import Unfit, nearest
from clocker.config.quantities import dns_label
from clocker.config.tree import Node, Report

DEFAULT = "default"
"""The network of all services that name none."""


@dataclass(frozen=True, slots=True)
class Networks:
    """``external``: the cloud's names of those that are not the application's own, by what the
    document calls them."""

    known: frozenset[str]
    external: Mapping[str, str]


@dataclass(slots=True)
class Places:
    """``networks``: by the document's names; empty for the default one."""

    networks: tuple[str, ...] = ()
    aliases: dict[str, None] = field(default_factory=dict)
    address: str | None = None


def declared(project: Project, report: Report) -> Networks:
    networks = project.parts["networks"]
    external: dict[str, str] = {}
    for key, node in networks.items():
        said, written = node.get("external"), node.get("name")
        if said is not None and isinstance(said.value, dict):
            external[key] = text(
                (said.get("name") or written or Node(said.document, (), key)).value
            )
        elif said is not None and report.read(said, truth, False):
            external[key] = text(written.value) if written else key
        elif written is not None:
            remedy = "make it with  clocker network create NAME,  and say  external: true"
            report.refuse(written, "is a name that other applications could have as well", remedy)
        called = replace(written or node, value=external.get(key, _own(key)))
        report.read(called, _label, "")
    if len({_own(key) for key in networks}) < len(networks):
        report.refuse(project.root, "two networks differ by nothing but signs", "rename one")
    return Networks(frozenset({*networks, DEFAULT, *project.broken}), external)


def places(service: Node, networks: Networks, report: Report) -> Places:
    found = Places()
    listed = service.get("networks")
    wanted = dict(listed.items()) if listed else {}
    for name, node in wanted.items():
        if name not in networks.known:
            near = nearest(name, networks.known)
            hint = f"did you mean {near}? " if near else ""
            remedy = f"{hint}write it below networks: {name}: {{}}"
            report.refuse(node, f"no network is called {name!r}", remedy)
        aliases = node.get("aliases")
        for alias in aliases.list() if aliases else ():
            found.aliases[report.read(alias, lambda v: _label(text(v)), "")] = None
    order = sorted(wanted, key=lambda name: -_priority(wanted[name], report))
    addressed = [name for name in order if wanted[name].get("ipv4_address") is not None]
    for name in addressed:
        _address(name, wanted[name], found, networks, report)
    # A fixed address is on the first network.
    found.networks = tuple(sorted(order, key=lambda name: name not in addressed[:1]))
    found.aliases.pop("", None)
    return found


def cloud_names(places: Places, networks: Networks) -> tuple[str, ...]:
    """As the model has them: the application's own as they are called here."""
    named = places.networks or ((DEFAULT,) if DEFAULT in networks.external else ())
    return tuple(networks.external.get(name, _own(name)) for name in named)


def own_names(names: Iterable[str], networks: Networks) -> tuple[str, ...]:
    """Of those, the ones that are the application's own."""
    return tuple(_own(name) for name in names if name not in networks.external)


def _own(name: str) -> str:
    """Nobody finds anything by it, so that it can be made a label."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _priority(node: Node, report: Report) -> float:
    for key in ("gw_priority", "priority"):
        if (found := node.get(key)) is not None:
            return report.read(found, number, 0.0)
    return 0.0


def _address(name: str, node: Node, found: Places, networks: Networks, report: Report) -> None:
    address = node.get("ipv4_address")
    if address is None:
        return
    if name not in networks.external:
        remedy = "make it with  clocker network create NAME --subnet CIDR,  and say  external: true"
        report.refuse(address, "is of a network whose subnet the cloud chooses", remedy)
    elif found.address is not None:
        report.refuse(address, "is a second fixed address", "leave one of them out")
    else:
        found.address = report.read(address, _ipv4, None)


def _ipv4(value: Any) -> str:
    try:
        return str(IPv4Address(str(value)))
    except ValueError:
        raise Unfit("must be an IPv4 address", "such as 10.210.0.9") from None


def _label(value: str) -> str:
    try:
        return dns_label(value)
    except ValueError as error:
        near = value.lower().replace("_", "-").replace(".", "-").strip("-")
        remedy = f"write {near}, here and where it is used" if near else None
        raise Unfit(str(error), remedy) from None
