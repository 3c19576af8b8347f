"""``build``, and the image of a service that is built without one being named."""

from __future__ import annotations

import re
from typing import Any

from clocker.config.compose.files import Project
from clocker.config.compose.scalars import text
from clocker.config.problems import Unfit
from clocker.config.tree import Node, Report
from clocker.model import Build

_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@\[\]-]{0,254}")
_GIT = re.compile(r"(?:https?://[^#]+\.git|git://[^#]+|ssh://[^#]+|git@[^#]+)(#.*)?")
_URL = re.compile(r"https?://.+")


def build(service: Node, project: Project, report: Report) -> Build | None:
    node = service.get("build")
    if node is None:
        return None
    context = node.get("context")
    if context is None:
        report.refuse(node, "has no context", "write  context: .")
        return None
    dockerfile, target = node.get("dockerfile"), node.get("target")
    return Build(
        context=_context(context, project, report),
        dockerfile=text(dockerfile.value) if dockerfile else "Dockerfile",
        args=_arguments(node, project),
        target=text(target.value) if target else None,
    )


def image(service: Node, default: str, report: Report) -> str:
    node = service.get("image")
    if node is None:
        if service.get("build") is None and service.get("provider") is None:
            report.refuse(service, "has no image", "write image, or build")
        return default
    return report.read(node, _image, default)


def _image(value: Any) -> str:
    if not _IMAGE.fullmatch(text(value)):
        raise Unfit("must be an image", "write it as NAME, NAME:TAG or REGISTRY[:PORT]/NAME:TAG")
    return text(value)


def _context(node: Node, project: Project, report: Report) -> str:
    written = text(node.value)
    if _GIT.fullmatch(written):
        return f"git+{written}"
    if _URL.fullmatch(written):
        remedy = "name a folder, or a Git repository by its URL that ends in .git"
        report.refuse(node, "is an archive, and there is no checksum to hold it against", remedy)
    path = project.path(node, written)
    if not path.exists():
        report.refuse(node, "there is no such folder")
    return str(path.resolve())


def _arguments(node: Node, project: Project) -> dict[str, str]:
    """Without a value they have that of the environment."""
    args = node.get("args")
    found = {}
    for name, item in args.items() if args else ():
        variables = project.source(item).variables
        value = variables.get(name) if item.value is None else text(item.value)
        if value is not None:
            found[name] = value
    return found
