"""The networks that join containers across hosts, and their names: one table each, then the
entry points ``clocker.network`` and ``clocker.names``."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from clocker.errors import BadInput
from clocker.interfaces import Names, Network
from clocker.model import CloudSpec

NETWORKS = {
    "vxlan": "clocker.network.vxlan:VxlanNetwork",
    "bridge": "clocker.network.bridge:BridgeNetwork",
    "weave": "clocker.network.weave:WeaveNetwork",
}
NAMES = {"dnsmasq": "clocker.network.dnsmasq:DnsmasqNames"}


def open_network(spec: CloudSpec) -> Network:
    made: Network = _class(NETWORKS, "clocker.network", spec.network.driver)(spec)
    return made


def open_names(spec: CloudSpec) -> Names:
    made: Names = _class(NAMES, "clocker.names", "dnsmasq")(spec)
    return made


def _class(table: Mapping[str, str], group: str, name: str) -> Any:
    if name in table:
        module, _, attribute = table[name].partition(":")
        return getattr(import_module(module), attribute)
    for point in entry_points(group=group, name=name):
        return point.load()
    known = sorted({*table, *(point.name for point in entry_points(group=group))})
    near = get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadInput(
        f"no network driver is called {name!r}",
        where="network.driver",
        remedy=f"{hint}known drivers: {', '.join(known)}",
    )
