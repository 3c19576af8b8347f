"""``secrets`` and ``configs``: files that are put into a container, and where they are from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from clocker.config.compose.files import Project
from clocker.config.compose.mounts import ELSEWHERE, NOT_THERE
from clocker.config.compose.scalars import mode, text, words
from clocker.config.problems import nearest
from clocker.config.tree import Node, Report
from clocker.model import Secret

_LARGEST_TEXT = 64 * 1024
"""What is larger is not kept on record."""


def declared(project: Project, environ: Mapping[str, str], report: Report) -> dict[str, Secret]:
    """By ``secrets/NAME`` and ``configs/NAME``."""
    found = {}
    for kind in ("secrets", "configs"):
        for name, node in project.parts[kind].items():
            secret = _declared(kind, name, node, project, environ, report)
            if secret is not None:
                found[f"{kind}/{name}"] = secret
    return found


def contents(
    service: Node, known: Mapping[str, Secret], project: Project, report: Report
) -> tuple[Secret, ...]:
    found: list[Secret] = []
    for kind, folder in (("secrets", ""), ("configs", "/")):
        listed = service.get(kind)
        for item in listed.list() if listed else ():
            for secret in _granted(kind, folder, item, known, project, report):
                if any(other.target == secret.target for other in found):
                    report.refuse(item, f"is a second file at {secret.target}")
                found.append(secret)
    return tuple(found)


def mounted(
    files: Sequence[tuple[Node, str, str]], project: Project, report: Report
) -> tuple[Secret, ...]:
    """Files of this machine that are mounted where nobody can change them: what is in them is
    put there. Of anything else the hosts have none."""
    found = []
    for node, source, target in files:
        path = project.path(node, source)
        content = _text_of(path)
        if content is None:
            report.refuse(node, NOT_THERE, ELSEWHERE)
        else:
            found.append(Secret(path.name, target=target, text=content))
    return tuple(found)


def _declared(
    kind: str,
    name: str,
    node: Node,
    project: Project,
    environ: Mapping[str, str],
    report: Report,
) -> Secret | None:
    given = {key: node.get(key) for key in ("file", "environment", "content", "x-command")}
    sources = {key: each for key, each in given.items() if each is not None}
    if len(sources) != 1:
        if node.get("external") is None and node.get("driver") is None:  # which was told
            report.refuse(node, "must have one source", "file, environment, or x-command: [...]")
        return None
    ((key, source),) = sources.items()
    if key == "content":
        return Secret(name, text=text(source.value))
    if key == "environment":
        return _of_variable(name, source, project, environ, report)
    if key == "x-command":
        nothing: tuple[str, ...] = ()
        argv = report.read(source, words, nothing)
        if not argv:
            report.refuse(source, "must be a command", "such as [pass, show, NAME]")
        return Secret(name, command=argv)
    return _of_file(kind, name, source, project, report)


def _of_variable(
    name: str, node: Node, project: Project, environ: Mapping[str, str], report: Report
) -> Secret | None:
    variable = text(node.value)
    if variable not in environ:
        also = variable in project.source(node).variables
        remedy = "a secret is not read from .env: " if also else ""
        report.refuse(node, f"the variable {variable} is not set", f"{remedy}export {variable}=...")
        return None
    return Secret(name, env=variable)


def _of_file(kind: str, name: str, node: Node, project: Project, report: Report) -> Secret | None:
    path = project.path(node, text(node.value))
    if not path.is_file():
        report.refuse(node, "there is no such file")
        return None
    # The engine is told of a configuration's text, so that a change of it is one of the service.
    content = _text_of(path) if kind == "configs" else None
    return Secret(name, file=str(path)) if content is None else Secret(name, text=content)


def _text_of(path: Path) -> str | None:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST_TEXT + 1)
        return content.decode() if len(content) <= _LARGEST_TEXT else None
    except (OSError, UnicodeDecodeError):
        return None


def _granted(
    kind: str,
    folder: str,
    item: Node,
    known: Mapping[str, Secret],
    project: Project,
    report: Report,
) -> list[Secret]:
    long = isinstance(item.value, dict)
    source = item.get("source") if long else item
    if source is None:
        report.refuse(item, "has no source")
        return []
    name = text(source.value)
    if name not in project.parts[kind] and name not in project.broken:
        near = nearest(name, project.parts[kind])
        remedy = f"did you mean {near}?" if near else f"write it below {kind}: {name}: {{...}}"
        report.refuse(source, f"no {kind[:-1]} is called {name!r}", remedy)
        return []
    if f"{kind}/{name}" not in known:
        return []  # what is wrong with it was told
    target = item.get("target") if long else None
    place = str(PurePosixPath(folder) / (text(target.value) if target else name))
    if not place.isprintable() or place.endswith("/") or "/../" in f"{place}/":
        report.refuse(target or source, "must be a path in the container")
    made = replace(known[f"{kind}/{name}"], target=place)
    return [replace(made, mode=report.read(item.get("mode") if long else None, mode, made.mode))]
