"""``environment``, ``env_file``, ``labels`` and ``label_file``."""

from __future__ import annotations

from collections.abc import Mapping

from clocker.config.compose.dotenv import read_variables
from clocker.config.compose.files import Project
from clocker.config.compose.scalars import text, truth
from clocker.config.secret_variables import Environment, add_variable, is_secret
from clocker.config.tree import Node, Report

_OWN_LABELS = ("application", "service")


def environment(
    service: Node, project: Project, environ: Mapping[str, str], report: Report
) -> Environment:
    """What the files say, and above that what the service says."""
    found = Environment()
    listed = service.get("env_file")
    for item in listed.list() if listed else ():
        found.env.update(_of_file(item, project, report))
    own = service.get("environment")
    for name, node in own.items() if own else ():
        if not name or "=" in name or not name.isprintable():
            report.refuse(node, "must be a variable's name")
        else:
            _add(found, name, node, project, environ, report)
    return found


def labels(service: Node, project: Project, report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    listed = service.get("label_file")
    for item in listed.list() if listed else ():
        read = read_variables(project.path(item, text(item.value)), project.source(item).variables)
        report.problems += read.problems
        found |= {name: value or "" for name, value in read.values.items()}
    own = service.get("labels")
    for name, node in own.items() if own else ():
        if name.startswith("clocker.") or name in _OWN_LABELS:
            report.refuse(node, "is one of Clocker's own labels", "choose another")
        elif not text(node.value).isprintable():
            report.refuse(node, "must be one line of text without control characters")
        else:
            found[name] = text(node.value)
    return found


def _add(
    found: Environment,
    name: str,
    node: Node,
    project: Project,
    environ: Mapping[str, str],
    report: Report,
) -> None:
    found.env.pop(name, None)
    variables = project.source(node).variables
    if node.value is None:
        if name in environ:
            found.env[name] = None
        elif name in variables:
            add_variable(found, name, variables[name], node, environ, report)
        else:
            report.warn(node, "is not set: the container does not have it", f"export {name}=...")
        return
    value = text(node.value)
    if "\0" not in value:  # which was told
        add_variable(found, name, value, node, environ, report)


def _of_file(item: Node, project: Project, report: Report) -> dict[str, str | None]:
    path_node = item.get("path") if isinstance(item.value, dict) else item
    if path_node is None:
        return {}
    path = project.path(path_node, text(path_node.value))
    required = report.read(item.get("required"), truth, True)
    if not required and not path.exists():
        return {}
    form = item.get("format")
    variables = project.source(item).variables
    read = read_variables(path, variables, raw=form is not None and form.value == "raw")
    if not path.is_file():
        report.refuse(path_node, "there is no such file", "write it, or say  required: false")
        return {}
    report.problems += read.problems
    given = {n: variables.get(n) if v is None else v for n, v in read.values.items()}
    exposed = [name for name, value in given.items() if value and is_secret(name)]
    if exposed:
        report.warn(
            path_node, f"has {exposed[0]}, whose value would be on record", "use secrets for it"
        )
    return {name: value for name, value in given.items() if value is not None}
