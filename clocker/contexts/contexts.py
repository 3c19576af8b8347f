"""The contexts that images are built from, wherever they are."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from clocker.contexts.archives import is_archive, unpack
from clocker.contexts.dockerfile import images_of
from clocker.contexts.download import download, shown
from clocker.contexts.folder import read_file, read_folder
from clocker.contexts.git import read_git
from clocker.contexts.ignore import Ignore, parse_ignore
from clocker.contexts.limits import MIB, Limits
from clocker.contexts.pack import pack
from clocker.contexts.source import GitCheckout, Local, source_of
from clocker.contexts.spool import Spool, temporary
from clocker.contexts.template import substituted
from clocker.contexts.tree import Entry, Kind, Tree, Unsafe, below, parents, refusal, resolve
from clocker.contexts.variants import variants_of
from clocker.errors import BadInput
from clocker.interfaces import Context
from clocker.model import Build

_IGNORE = ".dockerignore"
_MOST_TEXT = MIB


class FileContexts:
    """See ``clocker.interfaces.Contexts``. Thread-safe: it keeps nothing."""

    def __init__(self, limits: Limits | None = None, environ: Mapping[str, str] = os.environ):
        self._limits = limits or Limits()
        self._environ = environ

    @contextmanager
    def open(self, build: Build) -> Iterator[Context]:
        with ExitStack() as kept:
            yield self._context(self._tree(build, kept), build, kept)

    @contextmanager
    def variants(self, build: Build) -> Iterator[Mapping[str, Context]]:
        with ExitStack() as kept:
            found = variants_of(self._tree(build, kept, ignore=False), build)
            yield {tag: self._context(tree, build, kept) for tag, tree in found.items()}

    def _tree(self, build: Build, kept: ExitStack, *, ignore: bool = True) -> Tree:
        """``ignore``: whether a folder's .dockerignore may spare the reading of much."""
        source = source_of(build)
        if isinstance(source, Local):
            return self._local(source, build, kept, ignore)
        spool = kept.enter_context(Spool(self._limits))
        if isinstance(source, GitCheckout):
            return read_git(source, spool, self._limits, self._environ)
        with temporary() as file:
            download(source, file, self._limits)
            tree = unpack(file, shown(source.url), spool, self._limits)
        return _without_wrapping(tree, build.dockerfile)

    def _local(self, source: Local, build: Build, kept: ExitStack, ignore: bool) -> Tree:
        path = Path(source.path)
        if path.is_dir():
            names = [name for name in _ignore_files(build.dockerfile) if (path / name).is_file()]
            entries = {name: read_file(path / name) for name in names if ignore}
            found = _ignore(entries, build.dockerfile, source.path)
            return read_folder(path, found, self._limits)
        with _opened(path) as file:
            if not is_archive(path.name, _head(file)):
                return {build.dockerfile: read_file(path)}
            spool = kept.enter_context(Spool(self._limits))
            tree = unpack(file, source.path, spool, self._limits)
        return _without_wrapping(tree, build.dockerfile)

    def _context(self, tree: Tree, build: Build, kept: ExitStack) -> Context:
        text = _dockerfile(tree, build)
        if build.substitutions:
            text = substituted(text, build.substitutions, build.dockerfile)
            tree = {**tree, build.dockerfile: _written(text)}
        ignore = _ignore(tree, build.dockerfile, build.context)
        file = kept.enter_context(temporary())
        packed = pack(_without_ignored(tree, ignore), file)
        return Context(
            tar=file,
            digest=_digest(packed, build),
            dockerfile=build.dockerfile,
            images=images_of(text, build.args),
        )


def check_build(build: Build) -> None:
    """BadInput for a build that names nothing, before anything is done for it."""
    source_of(build)


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            reason = "is no folder or file" if path.exists() else "there is no such file or folder"
            raise BadInput(reason, where=str(path), remedy="name what is to be built from")
        return path.open("rb")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", where=str(path)) from None


def _head(file: BinaryIO) -> bytes:
    head = file.read(512)
    file.seek(0)
    return head


def _without_wrapping(tree: Tree, dockerfile: str) -> Tree:
    """Many archives hold one folder with everything in it: that is the context then."""
    tops = {name.split("/", 1)[0] for name in tree}
    if dockerfile in tree or len(tops) != 1:
        return tree
    inner = below(tree, tops.pop())
    return inner if dockerfile in inner else tree


def _dockerfile(tree: Tree, build: Build) -> str:
    """Its text, by a link too, so long as that stays within."""
    try:
        entry = tree.get(resolve(tree, build.dockerfile) or "")
    except Unsafe as error:
        raise refusal(error, build.context) from None
    if entry is None or entry.kind is not Kind.FILE:
        raise BadInput(
            f"there is no {build.dockerfile} in it",
            where=build.context,
            remedy="say where it is, below the context: clocker build -f PATH",
        )
    return _text(entry, build.dockerfile, build.context)


def _ignore(tree: Tree, dockerfile: str, where: str) -> Ignore:
    """What is said for this very Dockerfile, where that is, goes before what is said for all."""
    for name in _ignore_files(dockerfile):
        entry = tree.get(name)
        if entry is not None and entry.kind is Kind.FILE:
            return parse_ignore(_text(entry, name, where), always=(dockerfile, name))
    return Ignore()


def _ignore_files(dockerfile: str) -> tuple[str, ...]:
    return (f"{dockerfile}{_IGNORE}", _IGNORE)


def _without_ignored(tree: Tree, ignore: Ignore) -> Tree:
    """With the folders of what is kept."""
    kept = {name for name in tree if not ignore.leaves_out(name)}
    needed = {parent for name in kept for parent in parents(name)}
    return {name: entry for name, entry in tree.items() if name in kept or name in needed}


def _text(entry: Entry, name: str, where: str) -> str:
    if entry.size > _MOST_TEXT:
        raise BadInput(f"{name} is larger than 1 MiB", where=where)
    try:
        text = b"".join(entry.pieces()).decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise BadInput(f"{name} is no text", where=where, remedy="write it in UTF-8")
    return text


def _written(text: str) -> Entry:
    data = text.encode()
    return Entry(Kind.FILE, 0o644, len(data), pieces=lambda: iter((data,)))


def _digest(tar: str, build: Build) -> str:
    """Of all that determines what is built."""
    said = json.dumps([tar, build.dockerfile, sorted(build.args.items()), build.target])
    return hashlib.sha256(said.encode()).hexdigest()
