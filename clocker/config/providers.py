"""An entry of ``providers.yaml``, checked and turned into the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clocker.config.catalogue import Catalogue, Layered
from clocker.config.check import fitted
from clocker.config.environment import with_environment
from clocker.config.literals import literals
from clocker.config.problems import Problem
from clocker.config.provider_document import ProviderDocument, SizeDocument
from clocker.config.references import References, beside
from clocker.model import FirewallWish, ImageWish, ProviderEntry, Resources, SizeWish

PATH_OPTIONS = {"static": ("inventory", "claims")}

_MOST_USER_DATA_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """``entry``: None when there is no such one, or it has ``problems`` or leads to what is
    ``unset``: variables and files that are not there now."""

    entry: ProviderEntry | None = None
    unset: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find(catalogue: Catalogue, name: str, environ: Mapping[str, str]) -> Found:
    """The entry with references to files and commands still in its arguments; only in this one
    are those to the environment resolved."""
    document, problems = catalogue.entry(name)
    if document is None or problems:
        return Found(problems=problems)
    value, loc = document.data[name], (name, "arguments")
    read = References(document, environ)
    unset, problems = read.unset, read.problems
    if isinstance(value, dict):
        arguments = read.within(value.get("arguments", {}), loc)
        problems += literals(document, value, loc[:1])
        value, more = with_environment(
            document, {**value, "arguments": arguments}, loc[:1], environ
        )
        unset += more
    made, wrong = fitted(document, ProviderDocument, value, (name,), unset)
    problems += wrong
    if made is None:
        return Found(None, unset, problems)
    user_data, unreadable = _user_data(document, made, name)
    problems += unreadable
    if unset or problems:
        return Found(None, unset, problems)
    return Found(_entry(name, made, _options(document, made, name), user_data))


def _entry(
    name: str, made: ProviderDocument, options: Mapping[str, object], user_data: str | None
) -> ProviderEntry:
    return ProviderEntry(
        name=name,
        driver=made.driver,
        arguments=made.arguments,
        create=made.create,
        options=options,
        image=ImageWish(**dict(made.image)),
        size=_size(made.size),
        locations=tuple(made.location),
        network=made.network,
        subnet=made.subnet,
        spot=made.spot,
        tags=made.tags,
        firewall=FirewallWish(
            tuple(made.firewall.groups), tuple(made.firewall.sources), made.firewall.published
        ),
        user_data=user_data,
        ssh_user=made.ssh_user,
        interface=made.interface,
    )


def _options(document: Layered, made: ProviderDocument, name: str) -> dict[str, object]:
    """Those that are names of files are meant from the folder of the file that has them."""
    paths = PATH_OPTIONS.get(made.driver, ())
    return {
        key: str(beside(document, (name, "options", key), value))
        if key in paths and isinstance(value, str)
        else value
        for key, value in made.options.items()
    }


def _size(size: SizeDocument) -> SizeWish:
    return SizeWish(tuple(size.names), Resources(size.cores, size.ram, size.disk), size.price)


def _user_data(
    document: Layered, made: ProviderDocument, name: str
) -> tuple[str | None, list[Problem]]:
    """The text, or that of the file; a file's is taken as it is, with every ``${``."""
    written: Any = made.user_data
    if not isinstance(written, dict):
        return written, []
    loc = (name, "user_data", "file")
    path = beside(document, loc, written["file"])
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_USER_DATA_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError):
        return None, [document.problem(loc, "must be a file of text that can be read")]
    if len(text) > _MOST_USER_DATA_BYTES:
        return None, [document.problem(loc, "must be a file of at most 64 KiB")]
    return text, []
