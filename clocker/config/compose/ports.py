"""``ports``: short, ``[IP:][PUBLISHED:]TARGET[/PROTOCOL]`` with ranges, and long."""

from __future__ import annotations

import re
from typing import Any

from clocker.config.compose.scalars import text
from clocker.config.problems import Unfit
from clocker.config.tree import Node, Report
from clocker.model import Port

_SHORT = re.compile(
    r"(?:(?P<ip>\[[0-9a-fA-F:]+\]|[0-9a-fA-F.]+):(?=.*:|:))?"
    r"(?:(?P<published>\d{1,5}(?:-\d{1,5})?)?:)?"
    r"(?P<target>\d{1,5}(?:-\d{1,5})?)(?:/(?P<protocol>[a-z]+))?"
)
_ANYWHERE = ("", "0.0.0.0", "::", "[::]")  # noqa: S104 - what is asked for
_PROTOCOLS = ("tcp", "udp", "sctp")
_FORM = "such as 8080:80, 80, 53:53/udp or 3000-3005:3000-3005"


def ports(node: Node | None, report: Report) -> tuple[Port, ...]:
    found: dict[Port, None] = {}
    for item in node.list() if node else ():
        for port in _ports(item, report):
            found[port] = None
    fixed: dict[tuple[int, str], Port] = {}
    for port in found:
        if port.host_port and fixed.setdefault((port.host_port, port.protocol), port) != port:
            report.refuse(node, f"publishes two ports at {port.host_port}")  # type: ignore[arg-type]
    return tuple(found)


def _ports(item: Node, report: Report) -> tuple[Port, ...]:
    if isinstance(item.value, dict):
        target = item.get("target")
        if target is None:
            report.refuse(item, "has no target", "write the port of the container")
            return ()
        published, protocol = item.get("published"), item.get("protocol")
        return report.read(
            item,
            lambda _: _pairs(
                text(published.value) if published else "",
                text(target.value),
                text(protocol.value) if protocol else "tcp",
            ),
            (),
        )
    return report.read(item, _short, ())


def _short(value: Any) -> tuple[Port, ...]:
    match = _SHORT.fullmatch(text(value))
    if match is None:
        raise Unfit("must be [PUBLISHED:]TARGET[/PROTOCOL]", _FORM)
    if (match["ip"] or "") not in _ANYWHERE:
        raise Unfit(
            "must not name an address: a port is published on all of its host's",
            "leave the address out, or reach the container by its name on a network",
        )
    return _pairs(match["published"] or "", match["target"], match["protocol"] or "tcp")


def _pairs(published: str, target: str, protocol: str) -> tuple[Port, ...]:
    if protocol not in _PROTOCOLS:
        raise Unfit("must be of a protocol that is tcp, udp or sctp")
    inner = _range(target)
    if published in ("", "0"):
        return tuple(Port(port, 0, protocol) for port in inner)
    outer = _range(published)
    if len(outer) != len(inner):
        raise Unfit(
            "must publish as many ports as it has", "write one port, or none to have one chosen"
        )
    return tuple(Port(i, o, protocol) for i, o in zip(inner, outer, strict=True))


def _range(written: str) -> range:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", written)
    if match is None:
        raise Unfit("must be a port or a range of them", _FORM)
    first, last = int(match[1]), int(match[2] or match[1])
    if not 1 <= first <= last <= 65535:
        raise Unfit("must be ports from 1 to 65535", _FORM)
    return range(first, last + 1)
