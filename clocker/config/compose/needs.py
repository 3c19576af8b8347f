"""``depends_on`` and ``links``: what a service needs, and profiles: which services there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from clocker.config.compose.files import Project
from clocker.config.compose.scalars import text, truth
from clocker.config.problems import nearest
from clocker.config.quantities import dns_label
from clocker.config.tree import Node, Report
from clocker.model import Condition, Need

_CONDITIONS = {
    "service_started": Condition.STARTED,
    "service_healthy": Condition.HEALTHY,
    "service_completed_successfully": Condition.COMPLETED,
}


def enabled(services: Mapping[str, Node], profiles: Collection[str]) -> dict[str, Node]:
    """Those of no profile, and those of one that is chosen."""
    return {name: node for name, node in services.items() if _is_enabled(node, profiles)}


def needs(
    service: Node, there: Mapping[str, Node], project: Project, report: Report
) -> tuple[Need, ...]:
    """``there``: the services of the chosen profiles."""
    found: dict[str, Need] = {}
    depends = service.get("depends_on")
    for name, node in depends.items() if depends else ():
        if _is_known(name, node, there, project, report):
            condition = node.get("condition")
            found[name] = Need(
                name,
                _CONDITIONS.get(text(condition.value) if condition else "", Condition.STARTED),
                report.read(node.get("restart"), truth, False),
            )
    links = service.get("links")
    for node in links.list() if links else ():
        name = text(node.value).partition(":")[0]
        if _is_known(name, node, there, project, report):
            found.setdefault(name, Need(name))
    return tuple(found.values())


def link_aliases(services: Mapping[str, Node], report: Report) -> dict[str, dict[str, None]]:
    """By service: what others call it in their links."""
    found: dict[str, dict[str, None]] = {}
    for node in services.values():
        links = node.get("links")
        for item in links.list() if links else ():
            name, _, alias = text(item.value).partition(":")
            if alias and alias != name and name in services:
                report.read(replace(item, value=alias), dns_label, "")
                found.setdefault(name, {})[alias] = None
    return found


def _is_enabled(service: Node, profiles: Collection[str]) -> bool:
    own = service.get("profiles")
    names = {text(node.value) for node in own.list()} if own else set()
    return not names or "*" in profiles or not names.isdisjoint(profiles)


def _is_known(
    name: str, node: Node, there: Mapping[str, Node], project: Project, report: Report
) -> bool:
    every = project.parts["services"]
    if name in there:
        return True
    if name in project.broken or not report.read(node.get("required"), truth, True):
        return False
    if name in every:
        profiles = every[name].get("profiles")
        listed = ", ".join(text(n.value) for n in profiles.list()) if profiles else ""
        report.refuse(
            node,
            f"{name} is of a profile that is not chosen",
            f"export COMPOSE_PROFILES={listed.split(', ', maxsplit=1)[0]}, or say  required: false",
        )
        return False
    near = nearest(name, every) if len(every) < 1000 else None
    report.refuse(node, f"no service is called {name!r}", f"did you mean {near}?" if near else None)
    return False
