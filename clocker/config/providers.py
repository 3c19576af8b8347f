"""The catalogue of providers: the user's ``providers.yaml`` files before the shipped one."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from clocker.config.check import checked
from clocker.config.document import Document, parse_document, read_document
from clocker.config.documents import ProviderDocument
from clocker.config.places import provider_files
from clocker.config.problems import Problem, nearest
from clocker.model import ImageWish, ProviderEntry, SizeWish

Catalogue = tuple[Document, ...]


def catalogue(cloud_file: Path, environ: Mapping[str, str]) -> Catalogue:
    """All that is on offer, the documents that win first. An entry replaces one of the same
    name as a whole."""
    own = [read_document(path, empty=True) for path in provider_files(cloud_file, environ)]
    return (*own, shipped())


def shipped() -> Document:
    resource = files("clocker.templates") / "providers.yaml"
    text = resource.read_text() if resource.is_file() else ""
    return parse_document(text, "clocker.templates/providers.yaml", empty=True)


def names(documents: Catalogue) -> tuple[str, ...]:
    return tuple(sorted({name for document in documents for name in document.data}))


def entry(
    documents: Catalogue, name: str, environ: Mapping[str, str]
) -> tuple[ProviderEntry | None, list[Problem]]:
    """The entry; only in this one are references to the environment resolved."""
    for document in documents:
        if name in document.data:
            found, problems = checked(document, ProviderDocument, environ, (name,))
            return (_entry(name, found) if found else None), problems
    return None, []


def _entry(name: str, found: ProviderDocument) -> ProviderEntry:
    fields = dict(found)
    return ProviderEntry(
        name=name,
        image=ImageWish(fields.pop("image")),
        size=SizeWish(tuple(fields.pop("size"))),
        locations=tuple(fields.pop("location")),
        **fields,
    )


def unknown(documents: Catalogue, name: str, written: str) -> tuple[str, str]:
    """A sentence and its remedy for a name that is in no catalogue; ``written`` is the name
    before its ``${VAR}`` was resolved."""
    known = names(documents)
    near = nearest(name, known)
    hint = f"did you mean {near}? " if near else ""
    listed = f"known providers: {', '.join(known)}" if known else "there is no providers.yaml"
    return f"no provider is called {written!r}", f"{hint}{listed}"
