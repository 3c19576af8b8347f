"""The files of a Compose application: read, with what they include and extend."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from clocker.config.compose.dotenv import read_variables
from clocker.config.compose.interpolation import interpolated
from clocker.config.compose.keys import KEYS
from clocker.config.compose.merging import canonical, merged
from clocker.config.compose.schema import schema_problems
from clocker.config.document import APPLICATION, Document, read_document
from clocker.config.standing import judge
from clocker.config.tree import Node, Report, tree
from clocker.errors import ConfigError

_MOST_FILES = 100
_DEEPEST = 50
_SHARED = ("services", "networks", "volumes", "secrets", "configs")


class Abandoned(Exception):
    """A file that cannot be read any further; why is reported."""


@dataclass(slots=True)
class Source:
    """A file. ``folder``: what relative paths in it are meant from."""

    root: Node
    folder: Path
    variables: Mapping[str, str]


@dataclass(slots=True)
class Project:
    """Everything of all files, by kind and name. ``sources``: by the name of the file.
    ``broken``: names of what is not there because of what is wrong with it, which was told."""

    root: Node
    parts: dict[str, dict[str, Node]] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def source(self, node: Node) -> Source:
        return self.sources[node.document.file]

    def path(self, node: Node, written: str) -> Path:
        """Of a file that is named at ``node``."""
        return _path(self.source(node).folder, written)


def load_project(document: Document, environ: Mapping[str, str], report: Report) -> Project:
    """Raises Abandoned when the document itself is not as the schema has it."""
    whole = os.path.abspath(document.file)  # noqa: PTH100 - links are kept
    folder = Path(whole).parent
    loader = _Loader(report, environ)
    variables = loader.variables(folder, {})
    source = loader.source(document, folder, variables)
    parts: dict[str, dict[str, Node]] = {kind: {} for kind in _SHARED}
    project = Project(source.root, parts, loader.sources, loader.broken)
    loader.join(project, source, (whole,))
    services = project.parts["services"]
    project.parts["services"] = loader.extended(services)
    loader.broken.update(name for name in services if name not in project.parts["services"])
    _warn_of_overrides(document, folder, report)
    return project


def _path(folder: Path, written: str) -> Path:
    try:
        return folder / Path(written).expanduser()
    except RuntimeError:  # ~NAME of nobody
        return folder / written


class _Loader:
    def __init__(self, report: Report, environ: Mapping[str, str]) -> None:
        self.sources: dict[str, Source] = {}
        self.broken: set[str] = set()
        self._report = report
        self._environ = environ
        self._done: dict[tuple[str, str], Node | None] = {}
        self._begun: list[tuple[str, str]] = []

    def variables(self, folder: Path, above: Mapping[str, str], *files: Path) -> dict[str, str]:
        """Those of the environment, and of ``.env`` or the files named instead."""
        found = dict(above)
        default = folder / ".env"
        for path in files or ((default,) if default.is_file() else ()):
            read = read_variables(path, self._environ)
            self._report.problems += read.problems
            found |= {name: value for name, value in read.values.items() if value is not None}
        return {**found, **self._environ}

    def source(self, document: Document, folder: Path, variables: Mapping[str, str]) -> Source:
        found = interpolated(document, variables)
        self._report.problems += found.problems
        self._report.warnings += found.warnings
        told = {problem.path for problem in found.problems}
        root = tree(document, found.data, (), found.references)
        judge(root, KEYS, self._report)
        for loc, problem in schema_problems(document, found.data):
            if problem.path not in told:
                self._report.problems.append(problem)
            self._leave_out(root, loc)
        made = self.sources[document.file] = Source(root, folder, variables)
        return made

    def _leave_out(self, root: Node, loc: tuple[int | str, ...]) -> None:
        """What is not of the form that it must have is looked at no further; all else is."""
        if not loc or (len(loc) == 1 and loc[0] in _SHARED):
            raise Abandoned
        if len(loc) == 1:
            root.value.pop(str(loc[0]), None)
            return
        section, name = root.get(str(loc[0])), str(loc[1])
        self.broken.add(name)
        if section is not None and isinstance(section.value, dict):
            section.value.pop(name, None)
        elif section is not None:
            root.value.pop(str(loc[0]), None)

    def join(self, project: Project, source: Source, above: tuple[str, ...]) -> None:
        for kind in _SHARED:
            section = source.root.get(kind)
            for name, node in section.items() if section else ():
                self._add(project.parts[kind], kind, name, node)
        included = source.root.get("include")
        for item in included.list() if included else ():
            self._include(project, source, item, above)

    def extended(self, services: Mapping[str, Node]) -> dict[str, Node]:
        made = {name: self._extended(name, node) for name, node in services.items()}
        return {name: node for name, node in made.items() if node is not None}

    def _add(self, known: dict[str, Node], kind: str, name: str, node: Node) -> None:
        if name.startswith("x-"):
            return
        other = known.setdefault(name, node)
        if other is not node:
            self._report.refuse(node, f"is in {other.document.file} as well", "rename one of them")

    def _include(
        self, project: Project, source: Source, item: Node, above: tuple[str, ...]
    ) -> None:
        path_node = item.get("path") if isinstance(item.value, dict) else item
        paths = path_node.list() if path_node else []
        if len(paths) != 1:
            self._report.refuse(item, "must name one file", "write  include: [other.yaml]")
            return
        path = _path(source.folder, str(paths[0].value))
        if str(path) in above:
            circle = " -> ".join([*above[above.index(str(path)) :], str(path)])
            self._report.refuse(item, f"files include each other: {circle}")
            return
        if str(path) in self.sources:
            return
        directory = item.get("project_directory")
        folder = _path(source.folder, str(directory.value)) if directory else path.parent
        files = item.get("env_file")
        named = [_path(source.folder, str(n.value)) for n in files.list()] if files else []
        found = self._read(item, path, folder, self.variables(folder, source.variables, *named))
        if found:
            self.join(project, found, (*above, str(path)))

    def _read(
        self, node: Node, path: Path, folder: Path, variables: Mapping[str, str]
    ) -> Source | None:
        if str(path) in self.sources:
            return self.sources[str(path)]
        if len(self.sources) >= _MOST_FILES:
            self._report.refuse(node, f"is one of more than {_MOST_FILES} files")
            raise Abandoned
        try:
            document = read_document(path, dialect=APPLICATION)
        except ConfigError as error:
            self._report.refuse(node, f"{error.where}: {error.what}", error.remedy)
            return None
        try:
            return self.source(document, folder, variables)
        except Abandoned:
            return None

    def _extended(self, name: str, service: Node) -> Node | None:
        """None for one that cannot be made, which is reported once."""
        key = (service.document.file, name)
        if key in self._done:
            return self._done[key]
        if key in self._begun:
            way = [each for _, each in self._begun[self._begun.index(key) :]]
            self._report.refuse(service, f"services extend each other: {' -> '.join([*way, name])}")
            return None
        if len(self._begun) > _DEEPEST:
            self._report.refuse(service, f"extends more than {_DEEPEST} services")
            return None
        self._begun.append(key)
        made = self._with_base(canonical(service))
        self._begun.pop()
        self._done[key] = made
        return made

    def _with_base(self, service: Node) -> Node | None:
        extends = service.get("extends")
        if extends is None:
            return service
        base = self._base(service, extends)
        if base is None:
            return None
        joined = merged(base, service)
        return replace(joined, value={k: v for k, v in joined.items() if k != "extends"})

    def _base(self, service: Node, extends: Node) -> Node | None:
        wanted, file = extends.get("service"), extends.get("file")
        source = self.sources[service.document.file]
        if file is not None:
            path = _path(source.folder, str(file.value))
            if str(path) != service.document.file:
                found = self._read(file, path, path.parent, source.variables)
                if found is None:
                    return None
                source = found
        name = str(wanted.value if wanted else "")
        base = source.root.get("services", name)
        if base is None:
            if name not in self.broken:
                self._report.refuse(wanted or extends, f"no service is called {name!r}")
            return None
        return self._extended(name, base)


def _warn_of_overrides(document: Document, folder: Path, report: Report) -> None:
    """Compose reads such a file by itself; a description is one file here."""
    for stem in ("compose", "docker-compose"):
        for suffix in ("yaml", "yml"):
            path = folder / f"{stem}.override.{suffix}"
            if path.is_file() and not document.file.endswith(path.name):
                remedy = "name what both have in a file that both extend, or include it"
                report.warnings.append(
                    document.problem((), f"{path.name} beside it is not read", remedy)
                )
