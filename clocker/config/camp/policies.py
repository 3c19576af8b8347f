"""``brooklyn.policies`` of a service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from clocker.config.camp.described import kind_of, simple
from clocker.config.camp.keys import POLICIES
from clocker.config.compose.scalars import seconds, whole
from clocker.config.problems import nearest
from clocker.config.standing import Standing
from clocker.config.tree import Node, Report
from clocker.model import Healing

_WINDOW_S = 180.0
"""Within which the original restarted a service once."""
_BOUNDS = ("minPoolSize", "maxPoolSize")


@dataclass(frozen=True, slots=True)
class Bounds:
    healing: Healing = Healing()
    minimum: int = 0
    maximum: int | None = None


def policies(nodes: Sequence[Node], count: int, report: Report) -> Bounds:
    found = Bounds()
    for node in nodes:
        kind = kind_of(node)
        if kind is None:
            report.refuse(node, "has no type")
            continue
        found = _with(found, simple(str(kind.value)), node, count, report)
    return found


def _with(found: Bounds, name: str, node: Node, count: int, report: Report) -> Bounds:
    key = POLICIES.get(name)
    if key is None:
        near = nearest(name, POLICIES)
        remedy = f"did you mean {near}?" if near else f"there are {', '.join(POLICIES)}"
        report.refuse(node, f"{name} is a Java policy, which is not run", remedy)
        return found
    if key.standing is Standing.IGNORED:
        report.warn(node, f"{name} is not used: {key.how}")
        return found
    config = node.get("brooklyn.config") or node
    if name == "AutoScalerPolicy":
        return _bounded(found, config, count, report)
    if name == "ServiceRestarter":
        window = config.get("failOnRecurringFailuresInThisDuration")
        window_s = report.read(window, seconds, _WINDOW_S) or _WINDOW_S
        return replace(found, healing=replace(found.healing, attempts=1, window_s=window_s))
    return replace(found, healing=replace(found.healing, replace=True))


def _bounded(found: Bounds, config: Node, count: int, report: Report) -> Bounds:
    metric: Any = next((n for k, n in config.items() if k.startswith("metric")), None)
    if metric is not None:
        report.warn(metric, "is not used: nothing is scaled by a metric")
    minimum = report.read(config.get("minPoolSize"), whole, 1)
    most = config.get("maxPoolSize")
    maximum = None if most is None else report.read(most, whole, count)
    return replace(found, minimum=minimum, maximum=maximum)
