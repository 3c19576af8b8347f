"""A file tree in memory, with the tar semantics of a Docker Engine."""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

from clocker.errors import NotFound

_USUAL = ("/", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/var")  # noqa: S108


@dataclass(frozen=True, slots=True)
class File:
    """``data`` is None for a directory."""

    data: bytes | None = None
    mode: int = 0o755


class Mounted(MutableMapping[str, File]):
    """Entries, of which those below a mount point are another tree's."""

    def __init__(
        self, entries: MutableMapping[str, File], mounts: Mapping[str, MutableMapping[str, File]]
    ) -> None:
        self._entries = entries
        self._mounts = {_clean(path): tree for path, tree in mounts.items()}

    @property
    def below(self) -> MutableMapping[str, File]:
        return self._entries

    def __getitem__(self, path: str) -> File:
        tree, inner = self._place(path)
        return tree[inner]

    def __setitem__(self, path: str, entry: File) -> None:
        tree, inner = self._place(path)
        tree[inner] = entry

    def __delitem__(self, path: str) -> None:
        tree, inner = self._place(path)
        del tree[inner]

    def __iter__(self) -> Iterator[str]:
        yield from [path for path in self._entries if self._place(path)[0] is self._entries]
        for point, tree in self._mounts.items():
            yield from [_clean(f"{point}/{inner}") for inner in tree]

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _place(self, path: str) -> tuple[MutableMapping[str, File], str]:
        for point, tree in self._mounts.items():
            if path == point or path.startswith(point + "/"):
                return tree, _clean(path.removeprefix(point))
        return self._entries, path


@dataclass(slots=True)
class FileTree:
    """Not locked: whoever owns it is."""

    entries: MutableMapping[str, File] = field(
        default_factory=lambda: {path: File() for path in _USUAL}
    )

    def mount(self, mounts: Mapping[str, FileTree]) -> None:
        """Show other trees below these paths."""
        for path in mounts:
            self.make_directory(path)
        trees = {path: tree.entries for path, tree in mounts.items()}
        self.entries = Mounted(self.entries, trees)

    def without_mounts(self) -> FileTree:
        entries = self.entries
        while isinstance(entries, Mounted):
            entries = entries.below
        return FileTree(entries)

    def read(self, path: str) -> bytes:
        entry = self.entries.get(_clean(path))
        if entry is None or entry.data is None:
            raise NotFound(f"no such file: {path}")
        return entry.data

    def write(self, path: str, data: bytes, mode: int = 0o644) -> None:
        path = _clean(path)
        self.make_directory(posixpath.dirname(path))
        self.entries[path] = File(data, mode)

    def make_directory(self, path: str, mode: int = 0o755) -> None:
        path = _clean(path)
        while path not in self.entries:
            self.entries[path] = File(None, mode)
            path, mode = posixpath.dirname(path), 0o755

    def remove(self, path: str) -> None:
        path = _clean(path)
        for known in [p for p in self.entries if p == path or p.startswith(path + "/")]:
            del self.entries[known]

    def exists(self, path: str) -> bool:
        return _clean(path) in self.entries

    def names(self, path: str) -> list[str]:
        """What is in a directory."""
        path = _clean(path)
        return sorted(
            posixpath.basename(known)
            for known in self.entries
            if posixpath.dirname(known) == path and known != "/"
        )

    def unpack(self, path: str, tar: bytes) -> None:
        if not self.exists(path):
            raise NotFound(f"no such directory in the container: {path}")
        with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
            for member in archive:
                target = posixpath.join(path, member.name)
                if member.isdir():
                    self.make_directory(target, member.mode)
                elif stream := archive.extractfile(member):
                    self.write(target, stream.read(), member.mode)

    def pack(self, path: str) -> bytes:
        """The last part of ``path`` and what is below it."""
        path = _clean(path)
        if path not in self.entries:
            raise NotFound(f"no such file: {path}")
        parent = posixpath.dirname(path)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name, entry in sorted(self.entries.items()):
                if name == path or name.startswith(path.rstrip("/") + "/"):
                    _add(archive, posixpath.relpath(name, parent), entry)
        return packed.getvalue()


def _add(archive: tarfile.TarFile, name: str, entry: File) -> None:
    info = tarfile.TarInfo(name)
    info.mode = entry.mode
    if entry.data is None:
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    else:
        info.size = len(entry.data)
        archive.addfile(info, io.BytesIO(entry.data))


def _clean(path: str) -> str:
    return posixpath.normpath("/" + path.lstrip("/"))
