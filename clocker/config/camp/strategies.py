"""The original's placement strategies and affinity rules as ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clocker.applications import container_name
from clocker.config.camp.described import kind_of, simple
from clocker.config.compose.scalars import number, whole
from clocker.config.problems import nearest
from clocker.config.rules import rule_spec
from clocker.config.tree import Node, Report
from clocker.model import RuleSpec

_SUFFIX = "PlacementStrategy"
_JAVA = re.compile(r"[a-z]\w*(\.\w+){2,}")
_PLAIN = {
    "BreadthFirst": "breadth_first",
    "DepthFirst": "depth_first",
    "Random": "random",
    "LeastContainers": "least_containers",
    "LowestCpuUsage": "lowest_cpu_usage",
    "ProvisioningFlags": "fits",
}
_MOST_CONTAINERS = 8
_MOST_CPU = 0.5
"""What the original took where nothing was said."""

Config = Mapping[str, Node]


def strategies(config: Config, report: Report) -> list[RuleSpec]:
    """Of a service or a cloud."""
    found: list[RuleSpec] = []
    for key in ("docker.container.strategy", "docker.container.strategies"):
        node = config.get(key)
        for item in node.list() if node is not None and node.value is not None else ():
            found += _strategy(item, config, report)
    return list(dict.fromkeys(found))


def affinity(
    config: Config, names: Mapping[str, str], application: str, report: Report
) -> list[RuleSpec]:
    """``names``: the services by their ids."""
    node = config.get("affinity.rules")
    texts = []
    for item in node.list() if node is not None and node.value is not None else ():
        for line in re.split(r"[\n,]", str(item.value)):
            if line.strip():
                texts.append(_sentence(item, line.strip(), names, application, report))
    kept = [text for text in texts if text]
    if not kept or node is None:
        return []
    options: dict[str, object] = {"sentences": kept[0] if len(kept) == 1 else kept}
    try:
        return [rule_spec({"affinity": options})]
    except ValueError as error:
        report.refuse(node, str(error), getattr(error, "remedy", None))
        return []


def _strategy(item: Node, config: Config, report: Report) -> list[RuleSpec]:
    spec = item.get("$brooklyn:object") or item
    kind = kind_of(spec) if isinstance(spec.value, dict) else spec
    name = simple(str(kind.value)) if kind is not None else ""
    options = {**config, **_options(spec)}
    short = name.removesuffix(_SUFFIX).removesuffix("Strategy")
    if short in _PLAIN:
        return [RuleSpec(_PLAIN[short], {})]
    makers: Mapping[str, Callable[[Config, Report], list[RuleSpec]]] = {
        "MaxContainers": _max_containers,
        "MaxCpuUsage": _max_cpu,
        "CpuUsage": _max_cpu,
        "Hostname": _hostname,
        "Label": _labels,
        "Group": _group,
        "AffinityRules": lambda options, report: [],  # they apply wherever they are written
    }
    if short in makers:
        return makers[short](options, report)
    near = nearest(short, (*_PLAIN, *makers))
    known = ", ".join(f"{each}{_SUFFIX}" for each in (*_PLAIN, *makers))
    remedy = f"did you mean {near}{_SUFFIX}?" if near else f"there are {known}"
    report.refuse(item, f"{name or 'it'} is no placement strategy", remedy)
    return []


def _options(spec: Node) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key in ("object.fields", "brooklyn.fields", "brooklyn.config"):
        section = spec.get(key)
        found.update(section.items() if section is not None else ())
    return found


def _max_containers(options: Config, report: Report) -> list[RuleSpec]:
    key = "docker.container.cluster.maxSize"
    node = options.get("maxContainers") or options.get(key)
    limit = report.read(node, whole, _MOST_CONTAINERS)
    return [RuleSpec("max_containers", {"limit": max(1, limit)})]


def _max_cpu(options: Config, report: Report) -> list[RuleSpec]:
    node = options.get("maxCpu") or options.get("docker.container.cluster.maxCpu")
    limit = report.read(node, number, _MOST_CPU)
    if node is not None and not 0 < limit <= 1:
        report.refuse(node, "must be a share of the CPU above 0, such as 0.5")
        return []
    return [RuleSpec("max_cpu_usage", {"limit": limit})]


def _hostname(options: Config, report: Report) -> list[RuleSpec]:
    node = options.get("docker.constraint.hostname") or options.get("hostname")
    if node is None:
        return []
    try:
        return [rule_spec({"hostname": {"pattern": str(node.value), "regex": True}})]
    except ValueError as error:
        report.refuse(node, str(error), getattr(error, "remedy", None))
        return []


def _labels(options: Config, report: Report) -> list[RuleSpec]:
    node = options.get("docker.constraint.labels") or options.get("labels")
    labels = [str(item.value) for item in node.list()] if node is not None else []
    if node is None or not labels:
        return []
    try:
        return [rule_spec({"host_labels": {"labels": labels[0] if len(labels) == 1 else labels}})]
    except ValueError as error:
        report.refuse(node, str(error), getattr(error, "remedy", None))
        return []


def _group(options: Config, report: Report) -> list[RuleSpec]:
    node = options.get("docker.constraint.exclusive")
    exclusive = node is not None and str(node.value).lower() == "true"
    together = RuleSpec("affinity", {"sentences": "APPLICATION"})
    return [together, RuleSpec("exclusive", {})] if exclusive else [together]


def _sentence(
    node: Node, text: str, names: Mapping[str, str], application: str, report: Report
) -> str:
    words = text.split()
    negated = words[0].upper() == "NOT"
    rest = words[1:] if negated else words
    kind = rest[0].upper() if rest else ""
    if kind == "PREDICATE":
        report.refuse(node, "PREDICATE is a Java class", "write a sentence about TYPE or LABEL")
        return ""
    if kind == "TYPE" and len(rest) == 2 and _JAVA.fullmatch(rest[1]):
        report.refuse(node, f"{rest[1]} is a Java class", "write the image: TYPE tomcat")
        return ""
    if kind == "ID" and len(rest) == 2 and rest[1] in names:
        name = container_name(application, names[rest[1]])
        return f"{'NOT ' if negated else ''}CONTAINER {name}"
    return text
