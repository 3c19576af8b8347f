"""What there is in the catalogue, for people to look at: references, never secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clocker.config import providers
from clocker.config.catalogue import Catalogue, Layered, catalogue
from clocker.config.document import dotted, yaml_text
from clocker.config.environment import references
from clocker.config.literals import masked
from clocker.config.problems import Problem
from clocker.config.references import CommandReference, FileReference, References
from clocker.errors import NotFound

_REGIONS = ("region", "ex_force_service_region", "datacenter")


@dataclass(frozen=True, slots=True)
class Reference:
    """What an argument's value comes from. ``kind``: variable, file or command; ``name``: the
    variable's, the file's path, or the command's first word. ``is_set``: whether it leads to a
    value now; None for a command, which is not run to find out. ``remedy``: what should be done
    about it."""

    argument: str
    kind: str
    name: str
    is_set: bool | None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class ProviderListing:
    """``region``: as written. ``extends``: the names of the entries above it. ``problems``: what
    is wrong with it, besides references that are not set. ``entry``: the whole, with all that it
    extends, and secrets as references; ``text``: the same as YAML."""

    name: str
    driver: str
    region: str | None
    locations: tuple[str, ...]
    file: str
    extends: tuple[str, ...]
    references: tuple[Reference, ...]
    problems: tuple[Problem, ...]
    entry: Mapping[str, Any]
    text: str


def list_providers(
    cloud_file: Path, environ: Mapping[str, str], names: Sequence[str] = ()
) -> tuple[ProviderListing, ...]:
    """Those ``names``, or all of the catalogue. NotFound."""
    known = catalogue(cloud_file, environ)
    return tuple(_listing(known, name, environ) for name in names or known.names())


def _listing(known: Catalogue, name: str, environ: Mapping[str, str]) -> ProviderListing:
    document, problems = known.entry(name)
    if document is None:
        what, remedy = known.unknown(name, name)
        raise NotFound(what, remedy=remedy)
    problems = problems or providers.find(known, name, environ).problems
    raw = document.data[name] if isinstance(document.data[name], dict) else {}
    entry = _shown(raw)
    arguments = entry.get("arguments")
    return ProviderListing(
        name=name,
        driver=str(raw.get("driver") or "-"),
        region=_region(arguments if isinstance(arguments, dict) else {}),
        locations=_texts(raw.get("location")),
        file=document.file,
        extends=tuple(layer for _, layer in document.layers[1:]),
        references=tuple(_references(document, name, environ)),
        problems=tuple(problems),
        entry=entry,
        text=yaml_text({name: entry}),
    )


def _shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    driver = str(raw.get("driver"))
    shown = {key: masked(driver, value) for key, value in raw.items() if key != "extends"}
    if isinstance(raw.get("user_data"), str):
        shown["user_data"] = "(not shown)"
    return shown


def _region(arguments: Mapping[str, Any]) -> str | None:
    return next((str(arguments[key]) for key in _REGIONS if arguments.get(key)), None)


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return () if value is None else (str(value),)


def _references(document: Layered, name: str, environ: Mapping[str, str]) -> Iterator[Reference]:
    loc = (name, "arguments")
    read = References(document, environ)
    arguments = read.within(document.raw(loc), loc)
    missing = {problem.path: problem.remedy for problem in read.unset}
    yield from _in(arguments, ("arguments",), environ, missing)


def _in(
    value: Any,
    loc: tuple[int | str, ...],
    environ: Mapping[str, str],
    missing: Mapping[str, str | None],
) -> Iterator[Reference]:
    place = dotted(loc[1:])
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inner:
            yield from _in(item, (*loc, key), environ, missing)
    elif isinstance(value, FileReference):
        is_set = value.what not in missing
        remedy = _others_may_read(value.path) if is_set else missing[value.what]
        yield Reference(place, "file", str(value.path), is_set, remedy)
    elif isinstance(value, CommandReference):
        yield Reference(place, "command", value.argv[0], None)
    elif isinstance(value, str):
        for variable, default in references(value):
            is_set = variable in environ if default is None else True
            remedy = None if is_set else f"export {variable}=..."
            yield Reference(place, "variable", variable, is_set, remedy)


def _others_may_read(path: Path) -> str | None:
    try:
        return f"chmod 600 {path}" if path.stat().st_mode & 0o077 else None
    except OSError:  # it has gone meanwhile
        return None
