"""One service of a blueprint as one of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from clocker.config.camp.context import Context
from clocker.config.camp.described import Described, slug
from clocker.config.camp.mounts import volumes
from clocker.config.camp.policies import policies
from clocker.config.camp.ports import ports
from clocker.config.camp.strategies import affinity, strategies
from clocker.config.compose.merging import pairs
from clocker.config.compose.scalars import mib, number, seconds, truth, whole
from clocker.config.secret_variables import Environment, add_variable
from clocker.config.tree import Node, Report
from clocker.model import (
    Build,
    ContainerRequest,
    Need,
    Resources,
    Sandbox,
    Service,
    ServiceValue,
    Text,
)

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@\[\]-]{0,254}")
_LATCHES = ("launch.latch", "start.latch", "install.latch", "customize.latch")
_BOOKED = ("minRam", "minCores")
_OTHER_HOSTS = "hosts are described in clocker.yaml: hosts.cores, hosts.ram, and its provider"


def service_of(service: Described, context: Context) -> Service:
    report, config = context.report, service.config
    count = _replicas(service, report)
    bounds = policies(service.policies, count, report)
    env, texts = _environment(service, context)
    command = _words("docker.container.commands", service, context)
    plain = command is None or all(_is_plain(word) for word in command)
    request = ContainerRequest(
        image=_image(service, context),
        build=_build(service, context),
        resources=_resources(service, context),
        env=env.env,
        secrets=tuple(env.secrets),
        ports=ports(config, context.values, service, report),
        volumes=volumes(service, count, context),
        command=_joined(command) if plain else None,
        entrypoint=_joined(_words("docker.container.entrypoint", service, context)),
        privileged=report.read(config.get("docker.container.privileged"), truth, False),
        ssh=report.read(config.get("docker.useSsh"), truth, False),
        timeout_s=report.read(config.get("start.timeout"), seconds, 120.0) or 120.0,
        rules=(
            *strategies(config, report),
            *affinity(config, context.names, context.application, report),
        ),
        networks=_networks(service, context),
        healing=bounds.healing,
        sandbox=_sandbox(config, report),
    )
    return Service(
        name=service.name,
        request=request,
        replicas=count,
        needs=_needs(service, context),
        env=texts,
        command=None if plain else command,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
    )


def _replicas(service: Described, report: Report) -> int:
    node = service.cluster.get("initialSize") or service.cluster.get("cluster.initial.size")
    return min(report.read(node, whole, 1), 10_000)


def _image(service: Described, context: Context) -> str:
    config, values, report = service.config, context.values, context.report
    written = values.constant(config.get("docker.image.name"), service)
    tag = values.constant(config.get("docker.image.tag"), service)
    identity = values.constant(
        config.get("docker.image.id") or config.get("docker.imageId"), service
    )
    if service.kind.startswith("docker:"):
        written = service.kind.removeprefix("docker:")
    elif identity:
        written = identity
    elif written and tag:
        written = f"{written}:{tag}"
    elif not written and config.get("docker.dockerfile.url") is not None:
        name = values.constant(config.get("docker.dockerfile.name"), service)
        written = slug(name or "") or f"{context.application}-{service.name}"
    registry = values.constant(config.get("docker.registry.url"), service)
    if registry and written:
        written = f"{re.sub('^https?://', '', registry).strip('/')}/{written}"
    if not written or not _IMAGE.fullmatch(written):
        what = "has no image" if not written else "must be an image"
        place = service.node.get("type") or service.node
        report.refuse(place, what, "write  docker:NAME:TAG, or docker.image.name")
        return "image"
    return written


def _build(service: Described, context: Context) -> Build | None:
    config, values, report = service.config, context.values, context.report
    node = config.get("docker.dockerfile.url")
    url = values.constant(node, service)
    if node is None or not url:
        return None
    checksum = values.constant(config.get("docker.dockerfile.checksum"), service)
    substitutions = config.get("docker.dockerfile.substitutions")
    given = {
        name: values.constant(item, service) or ""
        for name, item in (substitutions.items() if substitutions else ())
    }
    if url.startswith(("http://", "https://")):
        if not checksum:
            remedy = "write  docker.dockerfile.checksum: sha256:...  or name a file"
            report.refuse(
                node, "is downloaded, and there is no checksum to hold it against", remedy
            )
        return Build(url, checksum=checksum, substitutions=given)
    if url.startswith("classpath:"):
        report.refuse(node, "is within a Java archive", "write the Dockerfile beside this file")
        return None
    path = context.folder / Path(unquote(re.sub("^file:(//)?", "", url)))
    if not path.exists():
        report.refuse(node, "there is no such file or folder")
    return Build(str(path.resolve()), checksum=checksum, substitutions=given)


def _resources(service: Described, context: Context) -> Resources:
    report, config = context.report, service.config
    booked = config.get("provisioning.properties")
    found = dict(booked.items()) if booked is not None else {}
    for name, node in found.items():
        if name not in _BOOKED:
            report.refuse(node, "is of a host, and not of a container", _OTHER_HOSTS)
    cores = report.read(config.get("docker.cpus"), number, 0.0)
    memory = report.read(config.get("docker.memory"), mib, 0)
    return Resources(
        cores=cores or report.read(found.get("minCores"), number, 0.0),
        ram_mb=memory or report.read(found.get("minRam"), ram_mib, 0),
    )


def ram_mib(value: Any) -> int:
    """The original counts in MB where no unit is written."""
    return mib(f"{value}m" if str(value).isdecimal() else value)


def _environment(service: Described, context: Context) -> tuple[Environment, dict[str, Text]]:
    """Those that are known, and those with values that are known later."""
    found, texts = Environment(), {}
    node = service.config.get("docker.container.environment")
    for name, item in pairs(node).items() if node is not None else ():
        if not name or "=" in name or not name.isprintable():
            context.report.refuse(item, "must be a variable's name")
            continue
        text = context.values.text(item, service)
        if not _is_plain(text):
            texts[name] = text
        elif "\0" in str(text[0]):
            context.report.refuse(item, "must not have a NUL character")
        else:
            add_variable(found, name, str(text[0]), item, context.environ, context.report)
    return found, texts


def _is_plain(text: Text) -> bool:
    return not any(isinstance(piece, ServiceValue) for piece in text)


def _words(key: str, service: Described, context: Context) -> tuple[Text, ...] | None:
    node = service.config.get(key)
    if node is None or node.value is None:
        return None
    return tuple(context.values.text(item, service) for item in node.list())


def _joined(words: tuple[Text, ...] | None) -> tuple[str, ...] | None:
    return None if words is None else tuple("".join(map(str, word)) for word in words)


def _networks(service: Described, context: Context) -> tuple[str, ...]:
    """The one that all services share comes first."""
    node = service.config.get("network.list")
    names = []
    for item in node.list() if node is not None and node.value is not None else ():
        name = slug(context.values.constant(item, service) or "")
        if not name:
            context.report.refuse(item, "must be a network's name")
        elif name not in context.networks:
            context.report.refuse(
                item, f"no network is called {name!r}", "describe it: type: ...VirtualNetwork"
            )
        names.append(name)
    return ("default", *dict.fromkeys(names)) if names else ()


def _needs(service: Described, context: Context) -> tuple[Need, ...]:
    found: dict[str, Need] = {}
    for latch in _LATCHES:
        node = service.config.get(latch)
        for need in context.values.needs(node) if node is not None else ():
            found[need.service] = need
    links = service.config.get("docker.container.links")
    for alias, node in _links(links) if links is not None else ():
        target = context.values.target(node)
        if target is None:
            continue
        found.setdefault(target, Need(target))
        if alias and slug(alias) != target:
            if slug(alias) != alias:
                context.report.refuse(
                    node, f"the alias {alias!r} is no name", f"write {slug(alias)}"
                )
            context.aliases.setdefault(target, {})[alias] = None
    return tuple(found.values())


def _links(node: Node) -> list[tuple[str, Node]]:
    """``{ALIAS: SERVICE}``, or a list of services or of such mappings."""
    if isinstance(node.value, dict) and not any(k.startswith("$brooklyn:") for k in node.value):
        return list(node.items())
    found = []
    for item in node.list():
        nested = isinstance(item.value, dict) and item is not node
        found += _links(item) if nested else [("", item)]
    return found


def _sandbox(config: Mapping[str, Node], report: Report) -> Sandbox:
    held = report.read(config.get("docker.container.interactive"), truth, False)
    return Sandbox(terminal=held, stdin=held)
