"""The layout of Docker's library: a folder with a Dockerfile for each variant of an image. Pure."""

from __future__ import annotations

import re

from clocker.contexts.tree import Kind, Tree, below, shown
from clocker.errors import BadInput
from clocker.model import Build

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")


def variants_of(tree: Tree, build: Build) -> dict[str, Tree]:
    """Each folder with a Dockerfile by the tag that it becomes: ``3.12/slim`` is ``3.12-slim``, the
    repository itself ``latest``. Hidden folders are none."""
    found: dict[str, Tree] = {}
    folders: dict[str, str] = {}
    for folder in _folders(tree, build.dockerfile):
        tag = folder.replace("/", "-") or "latest"
        if not _TAG.fullmatch(tag):
            raise BadInput(
                f"the folder {shown(folder)} cannot be a tag",
                where=build.context,
                remedy="tags have letters, digits, dots, hyphens and underscores",
            )
        if tag in folders:
            raise BadInput(
                f"{shown(folder)} and {shown(folders[tag])} would both be {tag}",
                where=build.context,
            )
        folders[tag] = folder
        found[tag] = below(tree, folder) if folder else dict(tree)
    if not found:
        raise BadInput(
            f"no folder in it has a {build.dockerfile}",
            where=build.context,
            remedy="name a checkout with a folder for each variant",
        )
    return found


def _folders(tree: Tree, dockerfile: str) -> list[str]:
    found = []
    for name, entry in tree.items():
        folder = "" if name == dockerfile else name.removesuffix(f"/{dockerfile}")
        hidden = any(part.startswith(".") for part in folder.split("/"))
        if folder != name and entry.kind is Kind.FILE and not hidden:
            found.append(folder)
    return sorted(found)
