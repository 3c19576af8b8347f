"""``deploy`` and what has been before it: replicas, resources, placement and restarts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from clocker.config.compose.scalars import mib, number, seconds, text, whole
from clocker.config.problems import Unfit
from clocker.config.tree import Node, Report
from clocker.model import Healing, Resources, Restart, RuleSpec

REPLICA = "replica"
"""The label by which the replicas of a service are told from all other containers, where a rule
counts them."""

_CONSTRAINT = re.compile(r"(node\.[A-Za-z0-9._/-]+|engine\.[A-Za-z0-9._/-]+)\s*(==|!=)\s*(.+?)\s*")
_CONDITIONS = ("no", "always", "on-failure", "unless-stopped")
_LEAST_RAM_MIB = 6
_MOST_REPLICAS = 10_000


def replicas(service: Node, report: Report) -> int:
    deployed, scaled = service.get("deploy", "replicas"), service.get("scale")
    counts = [report.read(node, whole, 1) for node in (deployed, scaled) if node is not None]
    if len(set(counts)) > 1 and scaled is not None:
        report.refuse(scaled, "is another number than deploy.replicas", "write one of the two")
    count = counts[0] if counts else 1
    if count > _MOST_REPLICAS:
        report.refuse(deployed or scaled or service, f"must be at most {_MOST_REPLICAS}")
    return min(count, _MOST_REPLICAS)


def resources(service: Node, report: Report) -> Resources:
    """A limit is what is booked, too; what is only reserved is a limit, too."""
    limits, reserved = ("deploy", "resources", "limits"), ("deploy", "resources", "reservations")
    cores = (
        report.read(service.get(*limits, "cpus"), number, 0.0)
        or report.read(service.get("cpus"), number, 0.0)
        or _quota(service, report)
        or report.read(service.get(*reserved, "cpus"), number, 0.0)
    )
    places = [(*limits, "memory"), ("mem_limit",), (*reserved, "memory"), ("mem_reservation",)]
    ram_mb = 0
    for place in places:
        node = service.get(*place)
        ram_mb = ram_mb or report.read(node, mib, 0)
        if node is not None and 0 < ram_mb < _LEAST_RAM_MIB:
            report.refuse(node, f"must be at least {_LEAST_RAM_MIB} MiB: an engine gives no less")
            break
    return Resources(cores=cores, ram_mb=ram_mb)


def restarts(service: Node, report: Report) -> tuple[Restart, Healing]:
    policy = service.get("deploy", "restart_policy")
    if policy is not None:
        return _of_policy(policy, report)
    node = service.get("restart")
    restart = report.read(node, _restart, Restart())
    # Whoever says no means it; whoever says nothing has Clocker's healing.
    stays = node is not None and restart.condition == "no"
    return restart, Healing(attempts=0) if stays else Healing()


def rules(service: Node, replica: str, report: Report) -> tuple[tuple[RuleSpec, ...], bool]:
    """And whether a rule counts the service's replicas by the label REPLICA."""
    counted = f"LABEL {REPLICA}={replica}"
    found: list[RuleSpec] = []
    constraints = service.get("deploy", "placement", "constraints")
    for node in constraints.list() if constraints else ():
        found += report.read(node, _constraint, ())
    own = len(found)
    preferences = service.get("deploy", "placement", "preferences")
    for node in preferences.list() if preferences else ():
        by = report.read(node.get("spread"), _spread, "host")
        found.append(RuleSpec("spread", {"by": by, "of": counted}))
    most = service.get("deploy", "placement", "max_replicas_per_node")
    if limit := report.read(most, whole, 0):
        found.append(RuleSpec("max_containers", {"limit": limit, "of": counted}))
    return tuple(found), len(found) > own


def _quota(service: Node, report: Report) -> float:
    quota = report.read(service.get("cpu_quota"), number, 0.0)
    return quota / (report.read(service.get("cpu_period"), number, 0.0) or 100_000.0)


def _restart(value: Any) -> Restart:
    condition, limited, attempts = text(value).partition(":")
    if condition not in _CONDITIONS or (limited and condition != "on-failure"):
        raise Unfit(f"must be one of {', '.join(_CONDITIONS)}, or on-failure:N", "put no in quotes")
    if limited and not attempts.isdecimal():
        raise Unfit("must have a number of attempts", "such as on-failure:3")
    return Restart(condition, whole(attempts) if limited else 0)


def _of_policy(policy: Node, report: Report) -> tuple[Restart, Healing]:
    condition = policy.get("condition")
    restart = report.read(condition, _condition, Restart("always"))
    if restart.condition == "no":
        return restart, Healing(attempts=0)
    healing = Healing()
    if (node := policy.get("max_attempts")) is not None:
        attempts = report.read(node, whole, 0)
        restart = Restart("on-failure", attempts) if attempts else restart
        healing = replace(healing, attempts=attempts)
    none: float | None = None
    window = report.read(policy.get("window"), seconds, none)
    delay = report.read(policy.get("delay"), seconds, none)
    healing = replace(healing, window_s=window, backoff_s=delay)
    return restart, healing


def _condition(value: Any) -> Restart:
    names = {"none": "no", "on-failure": "on-failure", "any": "always"}
    if value not in names:
        raise Unfit("must be none, on-failure or any")
    return Restart(names[value])


def _constraint(value: Any) -> tuple[RuleSpec, ...]:
    match = _CONSTRAINT.fullmatch(text(value))
    if match is None:
        raise Unfit("must be KEY == VALUE or KEY != VALUE", "such as node.labels.disk == ssd")
    key, equal, wanted = match[1], match[2] == "==", match[3]
    if key == "node.hostname" and equal:
        return (RuleSpec("hostname", {"pattern": _literally(wanted)}),)
    if key == "node.hostname":
        pattern = f"(?!{re.escape(wanted)}$).*"
        return (RuleSpec("hostname", {"pattern": pattern, "regex": True}),)
    if key.startswith("node.labels."):
        label = key.removeprefix("node.labels.")
        _check_label(wanted)
        return (RuleSpec("host_labels", {"labels": f"{label}{'=' if equal else '!='}{wanted}"}),)
    if key == "node.role" or (key, equal, wanted) == ("node.platform.os", True, "linux"):
        return ()  # there are no managers, and nothing but Linux
    raise Unfit(
        f"asks for {key}, which hosts do not have",
        "label the hosts, and write node.labels.KEY == VALUE",
    )


def _literally(name: str) -> str:
    if set(name) & set("*?["):
        raise Unfit("must be a host's name")
    return name


def _check_label(value: str) -> None:
    if "," in value or "\n" in value:
        raise Unfit("must have a value of one label")


def _spread(value: Any) -> str:
    key = text(value)
    if key.startswith("node.labels.") and len(key) > len("node.labels."):
        return f"label {key.removeprefix('node.labels.')}"
    if key in ("node.hostname", "node.id"):
        return "host"
    raise Unfit("must be node.labels.KEY or node.hostname")
