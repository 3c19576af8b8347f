"""The volumes of a service."""

from __future__ import annotations

import re
from typing import Any

from clocker.config.camp.context import Context
from clocker.config.camp.described import Described
from clocker.config.tree import Node, Report
from clocker.model import Volume

_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def volumes(service: Described, count: int, context: Context) -> tuple[Volume, ...]:
    found: list[Volume] = []
    for key in ("docker.container.volumes", "docker.container.volumes.export"):
        node = service.config.get(key)
        if node is not None:
            found += _exported(node, service, count, context)
    node = service.config.get("docker.host.volumes")
    for source, item in node.items() if node is not None else ():
        target = context.values.constant(item, service) or ""
        if "://" in source:
            context.report.refuse(
                item, "is an archive, which would be unpacked on a host", "build it into the image"
            )
        elif _are_paths(item, (source, target), context.report):
            found.append(Volume(source, target))
    return tuple({volume.target: volume for volume in found}.values())


def _exported(node: Node, service: Described, count: int, context: Context) -> list[Volume]:
    found = []
    listed = [(None, item) for item in node.list()] if not isinstance(node.value, dict) else None
    for source, item in listed if listed is not None else node.items():
        written = context.values.constant(item, service) or ""
        parts = written.split(":") if source is None else [source, written]
        made = _volume(item, parts, service, count, context)
        found += [made] if made else []
    return found


def _volume(
    item: Node, parts: list[str], service: Described, count: int, context: Context
) -> Volume | None:
    report = context.report
    if len(parts) == 1 and _are_paths(item, (parts[0],), report):
        if count > 1:
            report.refuse(item, "has no name, and every member would have it", "NAME:/PLACE")
        name = f"{service.name}{parts[0].rstrip('/').replace('/', '-')}"[:100]
        context.volumes[name] = None
        return Volume(name, parts[0])
    if len(parts) not in (2, 3) or (len(parts) == 3 and parts[2] not in ("ro", "rw")):
        if len(parts) != 1:
            report.refuse(item, "must be /PLACE or SOURCE:/PLACE", "such as data:/var/lib/data")
        return None
    source, target, read_only = parts[0], parts[1], parts[2:] == ["ro"]
    if source.startswith("/"):
        return Volume(source, target, read_only) if _are_paths(item, parts[:2], report) else None
    if not _VOLUME.fullmatch(source):
        report.refuse(item, "must begin with a volume's name or an absolute path on the hosts")
        return None
    context.volumes[source] = None
    return Volume(source, target, read_only) if _are_paths(item, (target,), report) else None


def _are_paths(node: Node, paths: Any, report: Report) -> bool:
    if all(path.startswith("/") and path.isprintable() for path in paths):
        return True
    report.refuse(node, "must have absolute paths", "such as /var/lib/data")
    return False
