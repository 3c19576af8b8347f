"""One service of a Compose file as one of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from clocker.config.added import with_added
from clocker.config.compose import building, contents, deploy, mounts, networks, running
from clocker.config.compose.files import Project
from clocker.config.compose.ports import ports
from clocker.config.compose.scalars import printable, seconds, truth
from clocker.config.compose.variables import environment, labels
from clocker.config.problems import Unfit
from clocker.config.quantities import dns_label
from clocker.config.tree import Node, Report
from clocker.model import ContainerRequest, Need, Secret, Service, Volume


@dataclass(frozen=True, slots=True)
class Context:
    """What all services share. ``environ``: the environment itself, without ``.env``."""

    application: str
    project: Project
    environ: Mapping[str, str]
    networks: networks.Networks
    volumes: mounts.Volumes
    contents: Mapping[str, Secret]
    aliases: Mapping[str, Mapping[str, None]]
    report: Report


@dataclass(frozen=True, slots=True)
class Made:
    """``places``: of its networks by the document's names. ``nameless``: volumes of its own."""

    service: Service
    places: networks.Places
    nameless: tuple[str, ...]


def service_of(name: str, node: Node, needs: tuple[Need, ...], context: Context) -> Made:
    report = context.report
    report.read(replace(node, value=name), _label, "")
    count = deploy.replicas(node, report)
    mounted = mounts.mounts(node, context.volumes, report)
    nameless = _named(name, mounted, count, report)
    places = networks.places(node, context.networks, report)
    request = _request(name, node, mounted, nameless, places, context)
    made = Service(
        name=name,
        request=request,
        replicas=count,
        needs=needs,
    )
    said = node.get("x-clocker")
    if said is not None:
        made = with_added(made, said, context.project.source(said).folder, report)
    return Made(made, places, tuple(volume.source for volume in nameless))


def _request(
    name: str,
    node: Node,
    mounted: mounts.Mounts,
    nameless: tuple[Volume, ...],
    places: networks.Places,
    context: Context,
) -> ContainerRequest:
    report = context.report
    replica = f"{context.application}.{name}"
    placed, counted = deploy.rules(node, replica, report)
    restart, healing = deploy.restarts(node, report)
    variables = environment(node, context.project, context.environ, report)
    own_labels = labels(node, context.project, report)
    return ContainerRequest(
        image=building.image(node, f"{context.application}-{name}", report),
        build=building.build(node, context.project, report),
        resources=deploy.resources(node, report),
        env=variables.env,
        secrets=(
            *variables.secrets,
            *contents.contents(node, context.contents, context.project, report),
            *contents.mounted(mounted.files, context.project, report),
        ),
        volumes=(*mounted.volumes, *nameless),
        labels={**own_labels, **({deploy.REPLICA: replica} if counted else {})},
        rules=placed,
        restart=restart,
        healing=healing,
        networks=networks.cloud_names(places, context.networks),
        aliases=_aliases(name, node, places, context),
        address=places.address,
        **_plain(node, mounted, report),
    )


def _plain(node: Node, mounted: mounts.Mounts, report: Report) -> dict[str, Any]:
    """What is the same in the model."""
    grace = report.read(node.get("stop_grace_period"), seconds, 10.0)
    return {
        "command": running.program(node, "command", report),
        "entrypoint": running.program(node, "entrypoint", report),
        "user": report.read(node.get("user"), printable, None) or None,
        "workdir": report.read(node.get("working_dir"), _absolute, None),
        "hostname": _hostname(node, report),
        "capabilities": running.capabilities(node, "cap_add", report),
        "privileged": report.read(node.get("privileged"), truth, False),
        "read_only": report.read(node.get("read_only"), truth, False),
        "health": running.health(node, report),
        "stop_signal": report.read(node.get("stop_signal"), _signal, None),
        "stop_grace_s": grace,
        "sandbox": running.sandbox(node, mounted.tmpfs, report),
        "ports": ports(node.get("ports"), report),
    }


def _aliases(name: str, node: Node, places: networks.Places, context: Context) -> tuple[str, ...]:
    found = {**places.aliases, **context.aliases.get(name, {})}
    container = node.get("container_name")
    if container is not None:
        found[context.report.read(container, _label, "")] = None
    return tuple(alias for alias in found if alias not in ("", name))


def _named(name: str, mounted: mounts.Mounts, count: int, report: Report) -> tuple[Volume, ...]:
    """A volume without a name is the service's own, and has its name and place for one."""
    made = []
    for node, target in mounted.nameless:
        if count > 1:
            report.refuse(node, "has no name, and every replica would have it", "name a volume")
        made.append(Volume(f"{name}{target.rstrip('/').replace('/', '-')}"[:100], target))
    return tuple(made)


def _hostname(node: Node, report: Report) -> str | None:
    own, domain = node.get("hostname"), node.get("domainname")
    if own is None:
        if domain is not None:
            report.refuse(domain, "is of no use without hostname", "write both")
        return None
    written = str(own.value) + (f".{domain.value}" if domain else "")
    return report.read(replace(own, value=written), _host_name, None)


def _host_name(value: Any) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?", str(value)):
        raise Unfit("must be 1 to 63 letters, digits, dots and hyphens")
    return str(value)


def _label(value: Any) -> str:
    try:
        return dns_label(str(value))
    except ValueError as error:
        near = str(value).lower().replace("_", "-").replace(".", "-").strip("-")
        raise Unfit(f"{error}", f"write {near}, here and where it is used") from None


def _absolute(value: Any) -> str:
    if not printable(value).startswith("/"):
        raise Unfit("must be an absolute path")
    return str(value)


def _signal(value: Any) -> str:
    if not re.fullmatch(r"(SIG)?[A-Z0-9+-]{2,12}|\d{1,2}", str(value)):
        raise Unfit("must be a signal", "such as SIGTERM")
    return str(value)
