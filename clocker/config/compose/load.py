"""A Compose file, read whole: one application, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from clocker.applications import flaws
from clocker.config.applications import LoadedApplication
from clocker.config.compose import contents, mounts, networks
from clocker.config.compose.dotenv import read_variables
from clocker.config.compose.files import Abandoned, Project, load_project
from clocker.config.compose.interpolation import substituted
from clocker.config.compose.needs import enabled, link_aliases, needs
from clocker.config.compose.scalars import text
from clocker.config.compose.service import Context, Made, service_of
from clocker.config.document import Document
from clocker.config.problems import Unfit
from clocker.config.quantities import dns_label
from clocker.config.shared_volumes import together
from clocker.config.tree import Node, Report
from clocker.model import Application

_PROJECT_NAME = "COMPOSE_PROJECT_NAME"
_PLACES = {
    "needs": ("depends_on",),
    "env": ("environment",),
    "replicas": ("deploy", "replicas"),
    "minimum": ("x-clocker", "scale"),
    "maximum": ("x-clocker", "scale"),
    "address": ("networks",),
    "secrets": ("secrets",),
}


def load_compose(
    document: Document, environ: Mapping[str, str], name: str | None = None
) -> LoadedApplication:
    """``name``: instead of the document's. The services of the profiles in COMPOSE_PROFILES.
    ConfigError with everything that is wrong."""
    report = Report()
    try:
        called = name or environ.get(_PROJECT_NAME) or _name_in(document, environ)
        project = load_project(document, {**environ, _PROJECT_NAME: called}, report)
        application = _application(called, project, environ, report)
    except Abandoned:
        application = None
    report.close()
    assert application is not None  # noqa: S101 - else a problem was reported
    return LoadedApplication(application, "compose", tuple(report.warnings))


def _name_in(document: Document, environ: Mapping[str, str]) -> str:
    """What the document says, or ``.env`` beside it; else what its folder is called, as far as a
    name can be that."""
    beside = Path(document.file).absolute().parent / ".env"
    said = read_variables(beside, environ).values.get(_PROJECT_NAME) if beside.is_file() else None
    written = said or document.data.get("name")
    if isinstance(written, str) and written:
        try:
            return substituted(written, environ, {})
        except ValueError:
            return written  # what is wrong with it is told with all else
    folder = Path(document.file).absolute().parent.name.lower()
    return re.sub(r"[^a-z0-9-]+", "-", folder).strip("-")[:40].strip("-") or "application"


def _application(
    name: str, project: Project, environ: Mapping[str, str], report: Report
) -> Application:
    written = project.root.get("name") or project.root
    report.read(replace(written, value=name), _application_name, "")
    every = project.parts["services"]
    if not (every or report.problems):
        report.refuse(project.root, "has no services", "write  services: {web: {image: nginx}}")
    chosen = project.source(project.root).variables.get("COMPOSE_PROFILES", "")
    profiles = {profile.strip() for profile in chosen.split(",")}
    there = enabled(every, profiles - {""})
    context = Context(
        application=name,
        project=project,
        environ=environ,
        networks=networks.declared(project, report),
        volumes=mounts.declared(project, report),
        contents=contents.declared(project, environ, report),
        aliases=link_aliases(there, report),
        report=report,
    )
    made = [
        service_of(service, node, needs(node, there, project, report), context)
        for service, node in there.items()
    ]
    application = Application(
        name=name,
        services=together([each.service for each in made], name),
        networks=_own_networks(made, context),
        volumes=(*context.volumes.own, *(v for each in made for v in each.nameless)),
        origin=project.root.document.file,
    )
    _tell_flaws(application, there, report)
    return application


def _tell_flaws(application: Application, services: Mapping[str, Node], report: Report) -> None:
    """What is wrong with an application in whichever form, at the place where this one says it."""
    for flaw in flaws(application):
        node = services.get(flaw.service or "")
        if node is not None:
            place = node.get(*_PLACES.get(flaw.part, ())) or node
            report.refuse(place, flaw.sentence, flaw.remedy)


def _own_networks(made: list[Made], context: Context) -> tuple[str, ...]:
    """Those that a service is on, in the document's order; the default one where it is named
    beside others."""
    used = {name for each in made for name in each.places.networks}
    known = dict.fromkeys((*context.project.parts["networks"], networks.DEFAULT))
    return networks.own_names((name for name in known if name in used), context.networks)


def _application_name(value: object) -> str:
    try:
        return dns_label(text(value))
    except ValueError as error:
        near = re.sub(r"[^a-z0-9-]+", "-", text(value).lower()).strip("-")
        raise Unfit(f"the application's name {error}", f"write  name: {near}") from None
