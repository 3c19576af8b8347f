"""A blueprint in CAMP YAML, read whole: one application, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from clocker.applications import flaws
from clocker.config.added import with_added
from clocker.config.applications import LoadedApplication
from clocker.config.camp.context import Context
from clocker.config.camp.described import Blueprint, Described, blueprint, slug
from clocker.config.camp.service import service_of
from clocker.config.camp.values import Values
from clocker.config.document import Document
from clocker.config.environment import with_environment
from clocker.config.quantities import dns_label
from clocker.config.shared_volumes import together
from clocker.config.tree import Node, Report, tree
from clocker.model import Application, Service

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_PLACES = {
    "needs": ("docker.container.links", "launch.latch", "clocker.service"),
    "env": ("docker.container.environment",),
    "replicas": ("initialSize",),
    "minimum": ("clocker.service",),
    "maximum": ("clocker.service",),
    "secrets": ("clocker.service",),
}


def load_camp(
    document: Document, environ: Mapping[str, str], name: str | None = None
) -> LoadedApplication:
    """``name``: instead of the document's. ConfigError with everything that is wrong."""
    report = Report()
    found = read_blueprint(document, environ, report)
    for node in found.clouds:
        report.refuse(
            node,
            "describes a Docker cloud, and no application",
            f"clocker init --from {document.file}  writes the clocker.yaml that it stands for",
        )
    application = _application(found, _name(found, name, report), environ, report)
    report.close()
    return LoadedApplication(application, "camp", tuple(report.warnings))


def read_blueprint(document: Document, environ: Mapping[str, str], report: Report) -> Blueprint:
    """The document with its ``${VAR}`` put in, taken apart."""
    data, unset = with_environment(document, document.data, (), environ)
    report.problems += unset
    references = _references(document.data, (), {})
    return blueprint(tree(document, data, (), references), report)


def _references(
    value: object, at: tuple[int | str, ...], found: dict[tuple[int | str, ...], str]
) -> dict[tuple[int | str, ...], str]:
    """The texts that are one reference, by place."""
    if isinstance(value, dict):
        for key, item in value.items():
            _references(item, (*at, key), found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _references(item, (*at, index), found)
    elif isinstance(value, str) and (match := _REFERENCE.fullmatch(value)):
        found[at] = match[1]
    return found


def _name(found: Blueprint, name: str | None, report: Report) -> str:
    if name is not None:
        node = replace(found.root, value=name)
        return report.read(node, lambda value: dns_label(str(value)), "application")
    for key in ("id", "name"):
        written = found.root.get(key)
        if written is not None and slug(str(written.value)):
            return slug(str(written.value))
    return slug(Path(found.root.document.file).stem) or "application"


def _application(
    found: Blueprint, name: str, environ: Mapping[str, str], report: Report
) -> Application:
    context = Context(
        application=name,
        folder=Path(found.root.document.file).absolute().parent,
        environ=environ,
        values=Values(found, report),
        names={each: service.name for service in found.services for each in service.ids},
        networks=tuple(dict.fromkeys(found.networks)),
        report=report,
    )
    made = [_service(service, context) for service in found.services]
    services = together([_with_aliases(service, context) for service in made], name)
    used = {network for service in services for network in service.request.networks}
    own = (*context.networks, *(("default",) if "default" in used else ()))
    application = Application(name, services, own, tuple(context.volumes), found.root.document.file)
    _tell_flaws(application, found, report)
    return application


def _service(service: Described, context: Context) -> Service:
    made = service_of(service, context)
    added = service.config.get("clocker.service")
    return with_added(made, added, context.folder, context.report)


def _with_aliases(service: Service, context: Context) -> Service:
    aliases = tuple(context.aliases.get(service.name, ()))
    return replace(service, request=replace(service.request, aliases=aliases))


def _tell_flaws(application: Application, found: Blueprint, report: Report) -> None:
    services = {service.name: service for service in found.services}
    for flaw in flaws(application):
        service = services.get(flaw.service or "")
        if service is not None and flaw.part != "name":  # which was told
            report.refuse(_place(service, flaw.part), flaw.sentence, flaw.remedy)


def _place(service: Described, part: str) -> Node:
    return next(
        (service.config[key] for key in _PLACES.get(part, ()) if key in service.config),
        service.node,
    )
