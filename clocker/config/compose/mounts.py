"""``volumes`` and ``tmpfs`` of a service, and the volumes of the application."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from clocker.config.compose.files import Project
from clocker.config.compose.scalars import mib, mode, text, truth
from clocker.config.problems import nearest
from clocker.config.tree import Node, Report
from clocker.model import Volume

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_MODES = frozenset({"rw", "ro", "z", "Z", "cached", "delegated", "consistent"})
NOT_THERE = "is of this machine, and the hosts do not have it"
ELSEWHERE = (
    "a file of text: mount it :ro; else name a volume, build it into an image, or give an absolute "
    "path on the hosts"
)


@dataclass(slots=True)
class Mounts:
    """``nameless``: the places whose volumes have no name. ``files``: of this machine, which the
    hosts do not have, by their places."""

    volumes: list[Volume] = field(default_factory=list)
    tmpfs: dict[str, str] = field(default_factory=dict)
    nameless: list[tuple[Node, str]] = field(default_factory=list)
    files: list[tuple[Node, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Volumes:
    """``names``: as the cloud or the application knows them, by what the document calls them.
    ``own``: those that are the application's. ``broken``: what cannot be found because of what is
    wrong with it."""

    names: Mapping[str, str]
    own: tuple[str, ...]
    broken: frozenset[str] = frozenset()


def declared(project: Project, report: Report) -> Volumes:
    names: dict[str, str] = {}
    own = []
    for key, node in project.parts["volumes"].items():
        external, written = node.get("external"), node.get("name")
        if external is not None and isinstance(external.value, dict):
            written = external.get("name") or written
        outside = external is not None and (
            isinstance(external.value, dict) or report.read(external, truth, False)
        )
        name = text(written.value) if written else key
        if not _NAME.fullmatch(name):
            report.refuse(written or node, "must be a volume's name", "letters, digits, . _ and -")
        names[key] = name
        if not outside and written is None:
            own.append(name)
    return Volumes(names, tuple(own), frozenset(project.broken))


def mounts(service: Node, volumes: Volumes, report: Report) -> Mounts:
    found = Mounts()
    listed = service.get("volumes")
    for item in listed.list() if listed else ():
        if isinstance(item.value, dict):
            _long(item, found, volumes, report)
        else:
            _short(item, found, volumes, report)
    listed = service.get("tmpfs")
    for item in listed.list() if listed else ():
        path, _, options = text(item.value).partition(":")
        if _is_path(item, path, report):
            found.tmpfs[path] = options
    targets = Counter([v.target for v in found.volumes] + list(found.tmpfs))
    for target, count in targets.items():
        if count > 1:
            report.refuse(service.get("volumes") or service, f"mounts {target} twice")
    return found


def _short(item: Node, found: Mounts, volumes: Volumes, report: Report) -> None:
    parts = text(item.value).split(":")
    if len(parts) == 1:
        if _is_path(item, parts[0], report):
            found.nameless.append((item, parts[0]))
        return
    options = set(parts[2].split(",")) if len(parts) == 3 else set()
    if len(parts) > 3 or not parts[0] or not parts[1]:
        report.refuse(item, "must be SOURCE:TARGET[:ro]", "such as data:/var/lib/data")
        return
    if unknown := sorted(options - _MODES):
        report.refuse(item, f"has the option {unknown[0]!r}, which is not supported", "ro or rw")
    _add(item, parts[0], parts[1], "ro" in options, found, volumes, report)


def _long(item: Node, found: Mounts, volumes: Volumes, report: Report) -> None:
    kind, source, target = item.get("type"), item.get("source"), item.get("target")
    if target is None or not _is_path(target, text(target.value), report):
        if target is None:
            report.refuse(item, "has no target", "write its place in the container")
        return
    place = text(target.value)
    read_only = report.read(item.get("read_only"), truth, False)
    sort = text(kind.value) if kind else ""
    if sort == "tmpfs":
        found.tmpfs[place] = _tmpfs_options(item, read_only, report)
    elif sort == "volume" and source is None:
        found.nameless.append((item, place))
    elif sort in ("volume", "bind") and source is not None:
        name = text(source.value)
        if sort == "volume" and not _NAME.fullmatch(name):
            report.refuse(source, "must be a volume's name", "for a path, say  type: bind")
            return
        if sort == "bind" and _NAME.fullmatch(name):
            name = f"./{name}"
        _add(source, name, place, read_only, found, volumes, report)
    elif sort == "bind":
        report.refuse(item, "has no source", "write a path on the hosts")
    else:
        report.refuse(kind or item, "must be volume, bind or tmpfs", "others are not supported")


def _add(
    item: Node,
    source: str,
    target: str,
    read_only: bool,
    found: Mounts,
    volumes: Volumes,
    report: Report,
) -> None:
    if not _is_path(item, target, report):
        return
    if source.startswith("/"):
        found.volumes.append(Volume(source, target, read_only))
    elif source.startswith((".", "~")) or "/" in source or "\\" in source:
        if read_only:  # a file that cannot be changed may as well be a copy
            found.files.append((item, source, target))
        else:
            report.refuse(item, NOT_THERE, ELSEWHERE)
    elif source in volumes.broken:
        return
    elif source not in volumes.names:
        near = nearest(source, volumes.names)
        hint = f"did you mean {near}? " if near else ""
        report.refuse(
            item, f"no volume is called {source!r}", f"{hint}write it below volumes: {source}: {{}}"
        )
    else:
        found.volumes.append(Volume(volumes.names[source], target, read_only))


def _tmpfs_options(item: Node, read_only: bool, report: Report) -> str:
    options = ["ro"] if read_only else []
    if size := report.read(item.get("tmpfs", "size"), mib, 0):
        options.append(f"size={size}m")
    if (node := item.get("tmpfs", "mode")) is not None:
        options.append(f"mode={report.read(node, mode, 0):04o}")
    return ",".join(options)


def _is_path(item: Node, path: str, report: Report) -> bool:
    if path.startswith("/") and path.isprintable() and ":" not in path:
        return True
    report.refuse(item, "must have an absolute path in the container", "such as /var/lib/data")
    return False
