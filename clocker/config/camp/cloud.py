"""The description of a Docker cloud in CAMP YAML as the clocker.yaml that it stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clocker.config.camp.described import kind_of, simple, slug
from clocker.config.camp.keys import CLOUD
from clocker.config.camp.load import read_blueprint
from clocker.config.camp.service import ram_mib
from clocker.config.camp.strategies import affinity, strategies
from clocker.config.compose.scalars import number, truth, whole
from clocker.config.document import Document, yaml_text
from clocker.config.quantities import CLOUD_NAME
from clocker.config.tree import Node, Report
from clocker.model import RuleSpec

_PROVIDERS = {
    "aws-ec2": "ec2",
    "google-compute-engine": "gce",
    "azurecompute": "azure",
    "azurecompute-arm": "azure",
    "openstack-nova": "openstack",
    "digitalocean": "digitalocean",
    "digitalocean2": "digitalocean",
    "localhost": "localhost",
    "byon": "static",
}
"""Locations of the original by entries of providers.yaml."""
_STORAGE = ("overlay2", "btrfs", "zfs", "vfs")
_HEAD = "# What {file} describes, as Clocker has it. docs/config.md explains every key.\n"


@dataclass(slots=True)
class _Cloud:
    """``notes``: what has no place in a clocker.yaml."""

    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def cloud_document(document: Document, environ: Mapping[str, str]) -> str:
    """The text of a clocker.yaml. ConfigError when the document describes no cloud, or several,
    or is wrong."""
    report = Report()
    found = read_blueprint(document, environ, report)
    if len(found.clouds) != 1 and not report.problems:
        remedy = "a blueprint of applications is deployed: clocker deploy FILE"
        report.refuse(found.root, "must describe one Docker cloud", remedy)
    report.close()
    made = _cloud(found.root, found.clouds[0], report)
    report.close()
    notes = "".join(f"# Not taken over: {note}\n" for note in made.notes)
    return _HEAD.format(file=document.file) + notes + yaml_text(made.data)


def _cloud(root: Node, node: Node, report: Report) -> _Cloud:
    section = node.get("brooklyn.config")
    config = {**_section(root.get("brooklyn.config")), **_section(section)}
    made = _Cloud()
    made.data["name"] = _name(root, config)
    made.data["hosts"] = _hosts(root, node, config, made, report)
    if options := _engine(config, made):
        made.data["engine"] = options
    made.data["network"] = _network(config, made.data["hosts"], report)
    made.data["rules"] = _rules(config, report)
    if headroom := _headroom(config, report):
        made.data["headroom"] = headroom
    if "docker.version" in config:
        version = config["docker.version"].value
        made.notes.append(f"docker.version {version}: hosts get their distribution's engine")
    left = [key for key in config if key not in CLOUD]
    made.notes += [f"{key} (line {config[key].problem('').line})" for key in left]
    return made


def _section(node: Node | None) -> dict[str, Node]:
    return {key: item for key, item in node.items() if item.value is not None} if node else {}


def _name(root: Node, config: Mapping[str, Node]) -> str:
    written = config.get("entity.dynamicLocation.name") or root.get("id") or root.get("name")
    name = slug(str(written.value) if written else "")[:20].strip("-").lstrip("-0123456789")
    return name if CLOUD_NAME.fullmatch(name) else "docker-cloud"


def _hosts(
    root: Node, node: Node, config: Mapping[str, Node], made: _Cloud, report: Report
) -> dict[str, Any]:
    count = report.read(config.get("docker.host.cluster.initial.size"), whole, 1)
    hosts: dict[str, Any] = {"provider": _provider(root, node, made), "count": count}
    grows = any(key.startswith("docker.container.cluster.headroom") for key in config)
    hosts["maximum"] = (
        1 if hosts["provider"] == "localhost" else max(1, count * (4 if grows else 1))
    )
    shape = {**_section(config.get("provisioning.properties")), **_flags(config)}
    if "minCores" in shape:
        hosts["cores"] = report.read(shape["minCores"], number, 0.0)
    if "minRam" in shape:
        hosts["ram"] = report.read(shape["minRam"], ram_mib, 0)
    made.notes += [f"{key} of the hosts" for key in shape if key not in ("minCores", "minRam")]
    return hosts


def _flags(config: Mapping[str, Node]) -> dict[str, Node]:
    return {
        **_section(config.get("docker.host.flags")),
        **_section(_host(config).get("docker.host.flags")),
    }


def _host(config: Mapping[str, Node]) -> dict[str, Node]:
    """The configuration of the hosts' entitySpec."""
    spec = config.get("docker.host.spec")
    inner = (spec.get("$brooklyn:entitySpec") or spec) if spec is not None else None
    return _section(inner.get("brooklyn.config")) if inner is not None else {}


def _provider(root: Node, node: Node, made: _Cloud) -> str:
    for place in (node, root):
        for key in ("location", "locations"):
            found = place.get(key)
            if found is None:
                continue
            first = found.list()[0] if found.list() else found
            written = next(iter(dict(first.items())), None) or str(first.value)
            parts = re.split(r"[:(]", written)
            kind = parts[1] if parts[0] == "jclouds" and len(parts) > 1 else parts[0]
            name = _PROVIDERS.get(kind, slug(kind) or "local")
            made.notes.append(f"the location {parts[0]}:{kind}: look at {name} in providers.yaml")
            return name
    return "local"


def _engine(config: Mapping[str, Node], made: _Cloud) -> dict[str, Any]:
    """The original's overlay is the overlay2 of now; others of its drivers are no more."""
    node = {**_host(config), **config}.get("docker.host.driver.storage")
    written = str(node.value) if node is not None else ""
    driver = {"overlay": "overlay2"}.get(written, written)
    if driver and driver not in _STORAGE:
        made.notes.append(f"docker.host.driver.storage {driver}: engines have it no more")
        return {}
    return {"options": {"storage-driver": driver}} if driver else {}


def _network(
    config: Mapping[str, Node], hosts: Mapping[str, Any], report: Report
) -> dict[str, Any]:
    spec = config.get("sdn.provider.spec")
    inner = (spec.get("$brooklyn:entitySpec") or spec) if spec is not None else None
    kind = kind_of(inner) if inner is not None else None
    weave = kind is not None and simple(str(kind.value)).startswith("Weave")
    enabled = report.read(config.get("sdn.enable") or config.get("weave.enabled"), truth, True)
    weave = (weave or "weave.enabled" in config) and enabled
    alone = hosts["maximum"] == 1 and not enabled
    network: dict[str, Any] = {"driver": "weave" if weave else "bridge" if alone else "vxlan"}
    cidr = config.get("sdn.network.cidr") or config.get("weave.cidr")
    if cidr is not None:
        network["pool"] = str(cidr.value)
    return network


def _rules(config: Mapping[str, Node], report: Report) -> list[Any]:
    found = strategies(config, report)
    named = {spec.name for spec in found}
    most = config.get("docker.container.cluster.maxSize")
    if most is not None and "max_containers" not in named:
        found.append(RuleSpec("max_containers", {"limit": report.read(most, whole, 1)}))
    busy = config.get("docker.container.cluster.maxCpu")
    if busy is not None and "max_cpu_usage" not in named:
        found.append(RuleSpec("max_cpu_usage", {"limit": report.read(busy, number, 1.0)}))
    found += affinity(config, {}, "", report)
    return ["fits", *(_written(spec) for spec in found if spec.name != "fits")]


def _written(spec: RuleSpec) -> Any:
    return {spec.name: dict(spec.options)} if spec.options else spec.name


def _headroom(config: Mapping[str, Node], report: Report) -> dict[str, Any]:
    count = config.get("docker.container.cluster.headroom.count")
    percent = config.get("docker.container.cluster.headroom.percent")
    if count is not None and (found := report.read(count, whole, 0)):
        return {"count": found}
    if percent is not None and (share := report.read(percent, number, 0.0)):
        return {"percent": round(share * 100, 6)}
    return {}
