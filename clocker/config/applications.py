"""A file that describes an application, in whichever form it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from clocker.config.document import APPLICATION, Document, read_document
from clocker.config.problems import Problem, refusal
from clocker.model import Application


@dataclass(frozen=True, slots=True)
class LoadedApplication:
    """``form``: ``blueprint``, ``compose`` or ``camp``. ``warnings``: what the document says and
    is not done, where that changes nothing that matters."""

    application: Application
    form: str
    warnings: tuple[Problem, ...] = ()


Load: TypeAlias = Callable[[Document, Mapping[str, str], str | None], LoadedApplication]
"""Of a document that was read, the environment for its ``${VAR}``, and the name that the
application is to have instead of the document's. ConfigError with everything that is wrong."""

_FORMS: Mapping[str, str] = {
    "blueprint": "clocker.config.blueprint:load_blueprint",
    "camp": "clocker.config.camp.load:load_camp",
    "compose": "clocker.config.compose.load:load_compose",
}
"""Where each form is read, as ``module:function``: only one of them is needed."""


def load_application(
    path: Path | str, environ: Mapping[str, str], name: str | None = None
) -> LoadedApplication:
    """The application that the file describes; ``name``: instead of the document's. ConfigError
    with file, line, path and remedy of everything that is wrong."""
    source = read_document(Path(path), dialect=APPLICATION)
    module, _, function = _FORMS[form_of(source)].partition(":")
    load: Load = getattr(import_module(module), function)
    return load(source, environ, name)


def form_of(source: Document) -> str:
    """By what only that form has: our own begins with ``application``, CAMP lists its services,
    Compose maps them."""
    if "application" in source.data:
        return "blueprint"
    services = source.data.get("services")
    if isinstance(services, list):
        return "camp"
    if isinstance(services, dict) or "include" in source.data:
        return "compose"
    sentence = "is no description of an application: it has no services"
    remedy = "write  application: NAME  and  services: {...}, a Compose file or CAMP YAML"
    raise refusal([Problem(source.file, sentence, 1, remedy=remedy)])
