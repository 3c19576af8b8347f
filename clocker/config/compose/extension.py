"""``x-clocker`` of a service: what the specification has no word for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clocker.config.compose.scalars import whole
from clocker.config.problems import nearest
from clocker.config.rules import rule_spec
from clocker.config.tree import Node, Report
from clocker.model import RuleSpec

KEYS = ("rules", "minimum", "maximum", "headroom")


@dataclass(frozen=True, slots=True)
class Extension:
    rules: tuple[RuleSpec, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    headroom: int = 0


def extension(service: Node, report: Report) -> Extension:
    node = service.get("x-clocker")
    if node is None:
        return Extension()
    if not isinstance(node.value, dict):
        report.refuse(node, "must be a mapping of keys to values")
        return Extension()
    for name, item in node.items():
        if name not in KEYS:
            near = nearest(name, KEYS)
            remedy = f"did you mean {near}?" if near else f"known keys: {', '.join(KEYS)}"
            report.refuse(item, "unknown key", remedy)
    return Extension(
        rules=_rules(node.get("rules"), report),
        minimum=report.read(node.get("minimum"), whole, 0),
        maximum=_maximum(node.get("maximum"), report),
        headroom=report.read(node.get("headroom"), whole, 0),
    )


def _rules(node: Node | None, report: Report) -> tuple[RuleSpec, ...]:
    if node is None:
        return ()
    if not isinstance(node.value, list):
        report.refuse(node, "must be a list", "write [a, b]")
        return ()
    found: list[RuleSpec | None] = [_rule(item, report) for item in node.value]
    return tuple(spec for spec in found if spec is not None)


def _rule(item: Node, report: Report) -> RuleSpec | None:
    def convert(_: Any) -> RuleSpec:
        return rule_spec(item.plain())

    nothing: RuleSpec | None = None
    return report.read(item, convert, nothing)


def _maximum(node: Node | None, report: Report) -> int | None:
    return None if node is None else report.read(node, whole, 1)
