"""``openPorts``, ``directPorts`` and ``portBindings``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from clocker.config.camp.described import Described
from clocker.config.camp.values import Values
from clocker.config.tree import Node, Report
from clocker.model import Port

_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5})|\+)?")
_MOST = 1000


def ports(
    config: Mapping[str, Node], values: Values, service: Described, report: Report
) -> tuple[Port, ...]:
    """Each of the container's once: what is bound comes before what is published anywhere."""
    found: dict[int, Port] = {}
    for key in ("docker.container.openPorts", "docker.openPorts", "docker.open.ports"):
        for port in _listed(config.get(key), values, service, report):
            found[port] = Port(port)
    for key in ("docker.container.directPorts", "docker.directPorts", "docker.direct.ports"):
        for port in _listed(config.get(key), values, service, report):
            found[port] = Port(port, port)
    node = config.get("docker.container.portBindings")
    if node is not None and not isinstance(node.value, dict):
        report.refuse(node, "must be a mapping", "write  {8080: 80}, the host's port first")
        return tuple(found.values())
    for outer, item in node.items() if node is not None else ():
        inner = values.constant(item, service) or ""
        if not (_is_port(outer) and _is_port(inner)):
            report.refuse(item, "must be a port of the host and one of the container")
        else:
            found[int(inner)] = Port(int(inner), int(outer))
    fixed = [port.host_port for port in found.values() if port.host_port]
    if node is not None and len(fixed) != len(set(fixed)):
        report.refuse(node, "publishes two ports at the same port of the host")
    return tuple(found.values())


def _listed(node: Node | None, values: Values, service: Described, report: Report) -> Iterator[int]:
    """A list, or texts such as ``80,443`` and ``8000-8010``; of ``8080+`` the first."""
    for item in node.list() if node is not None and node.value is not None else ():
        written = values.constant(item, service) or ""
        for part in written.strip("[] ").split(","):
            match = _RANGE.fullmatch(part.strip())
            first = int(match[1]) if match else 0
            last = int(match[2] or first) if match else 0
            if not 1 <= first <= last <= 65535 or last - first >= _MOST:
                report.refuse(item, "must be ports from 1 to 65535", "such as [80, 8000-8010]")
            else:
                yield from range(first, last + 1)


def _is_port(text: str) -> bool:
    return text.isdecimal() and len(text) < 6 and 1 <= int(text) <= 65535
