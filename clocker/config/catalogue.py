"""The catalogue of providers: the user's ``providers.yaml`` files before the shipped one, and what
an entry is together with those that it extends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

from clocker.config.document import Document, Loc, parse_document, read_document
from clocker.config.places import provider_files
from clocker.config.problems import Problem, nearest

Layer: TypeAlias = tuple[Document, str]

_NO_OTHER = (
    "it extends an entry of its own name, and stands before none",
    "name the entry that it extends",
)


@dataclass(slots=True)
class Layered(Document):
    """An entry with all that it extends. What stands in it knows the file and line where it is
    written. ``layers``: the entry itself, then what it extends, each by document and name."""

    layers: tuple[Layer, ...] = ()

    def problem(self, loc: Loc, sentence: str, remedy: str | None = None) -> Problem:
        document, name = self.origin(loc)
        return document.problem((name, *loc[1:]), sentence, remedy)

    def origin(self, loc: Loc) -> Layer:
        """The layer that the value at ``loc`` comes from: the first that has it, or as much of
        its place as any has."""
        for length in range(len(loc), 1, -1):
            for document, name in self.layers:
                if (name, *loc[1:length]) in document.lines:
                    return document, name
        return self.layers[0]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``own``: the user's documents, the one that wins first. An entry there stands before one of
    the same name in another."""

    own: tuple[Document, ...] = ()

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({name for document in self._documents() for name in document.data}))

    def entry(self, name: str) -> tuple[Layered | None, list[Problem]]:
        """None when there is no such entry."""
        found = self._search(name)
        if found is None:
            return None, []
        layers = [found]
        problems: list[Problem] = []
        while not problems and (parent := _parent(layers[-1])) is not None:
            layer, problems = self._above(layers, parent)
            layers += [layer] if layer else []
        return Layered(found[0].file, {name: _joined(layers)}, {}, tuple(layers)), problems

    def unknown(self, name: str, written: str) -> tuple[str, str]:
        """A sentence and its remedy for a name that is in no catalogue; ``written`` is the name
        before its ``${VAR}`` was resolved."""
        known = self.names()
        near = nearest(name, known)
        hint = f"did you mean {near}? " if near else ""
        listed = f"known providers: {', '.join(known)}" if known else "there is no providers.yaml"
        return f"no provider is called {written!r}", f"{hint}{listed}"

    def _above(self, layers: list[Layer], parent: str) -> tuple[Layer | None, list[Problem]]:
        document, name = layers[-1]
        # An entry that extends its own name means the one that it stands before.
        layer = self._search(parent, below=document if parent == name else None)
        if layer is None:
            sentence, remedy = _NO_OTHER if parent == name else self.unknown(parent, parent)
            return None, [document.problem((name, "extends"), sentence, remedy)]
        if any(layer[0] is known and layer[1] == parent for known, parent in layers):
            chain = " -> ".join([*(name for _, name in layers), parent])
            sentence = f"the entries extend each other: {chain}"
            return None, [document.problem((name, "extends"), sentence, "remove one extends")]
        return layer, []

    def _search(self, name: str, below: Document | None = None) -> Layer | None:
        passed = below is None
        for document in self._documents():
            if passed and name in document.data:
                return document, name
            passed = passed or document is below
        return None

    def _documents(self) -> Iterator[Document]:
        """The shipped one is read only where the others do not suffice."""
        yield from self.own
        yield shipped()


def catalogue(cloud_file: Path, environ: Mapping[str, str]) -> Catalogue:
    """All that is on offer for a cloud whose document is, or would be, ``cloud_file``."""
    files = provider_files(cloud_file, environ)
    return Catalogue(tuple(read_document(path, empty=True) for path in files))


@cache
def shipped() -> Document:
    resource = files("clocker.templates") / "providers.yaml"
    text = resource.read_text() if resource.is_file() else ""
    return parse_document(text, "clocker.templates/providers.yaml", empty=True)


def _parent(layer: Layer) -> str | None:
    document, name = layer
    parent = document.raw((name, "extends"))
    return parent if isinstance(parent, str) else None


def _joined(layers: list[Layer]) -> Any:
    document, name = layers[-1]
    joined = document.data[name]
    for document, name in reversed(layers[:-1]):
        joined = _over(document.data[name], joined)
    return joined


def _over(own: Any, base: Any, path: tuple[str, ...] = ()) -> Any:
    """Mappings are joined key by key, and the own keys win; all else is replaced as a whole."""
    if not (isinstance(own, dict) and isinstance(base, dict)) or _stands_alone(path, own):
        return own
    joined = {
        key: _over(value, base[key], (*path, key)) if key in base else value
        for key, value in own.items()
    }
    return {**base, **joined}


def _stands_alone(path: tuple[str, ...], own: dict[str, Any]) -> bool:
    """A reference to a secret, a file of user data, an image's name: nothing to add to."""
    if path[:1] == ("arguments",) and len(path) > 1 or path == ("user_data",):
        return bool({"file", "command"} & set(own))
    return path == ("image",) and "name" in own
