"""A directory of this machine as a tree: its owner is trusted, its links are taken as they are and
never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from clocker.contexts.ignore import Ignore
from clocker.contexts.limits import Limits
from clocker.contexts.tree import Entry, Kind, Tree, shown
from clocker.errors import BadInput

_CHUNK = 256 * 1024


def read_folder(path: Path, ignore: Ignore, limits: Limits) -> Tree:
    """What ``ignore`` leaves out need not even be readable; folders stay, since what is in them
    may be kept."""
    tree: Tree = {}
    left = [""]
    while left:
        folder = left.pop()
        for item in _items(path / folder):
            name = f"{folder}/{item.name}".lstrip("/")
            is_folder = item.is_dir(follow_symlinks=False)
            if ignore.leaves_out_all_below(name) if is_folder else ignore.leaves_out(name):
                continue
            tree[name] = _entry(item, name, path)
            if is_folder:
                left.append(name)
        if len(tree) > limits.entries:
            raise BadInput(
                f"there are more than {limits.entries} files",
                where=str(path),
                remedy="name what is not needed in its .dockerignore",
            )
    return tree


def read_file(path: Path) -> Entry:
    """One file, also by a link that names it."""
    status = path.stat()
    return Entry(
        Kind.FILE,
        stat.S_IMODE(status.st_mode),
        status.st_size,
        pieces=lambda: _pieces(path, status.st_size, follow=True),
    )


def _items(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise _unreadable(folder, error) from None


def _entry(item: os.DirEntry[str], name: str, root: Path) -> Entry:
    status = item.stat(follow_symlinks=False)
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return Entry(Kind.FOLDER, mode)
    if stat.S_ISLNK(status.st_mode):
        return Entry(Kind.LINK, 0o777, target=os.readlink(item.path))  # noqa: PTH115 - as it is
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(
            f"{shown(name)} is no file, folder or link but a socket, pipe or device",
            where=str(root),
            remedy="name it in the .dockerignore",
        )
    path, size = Path(item.path), status.st_size
    return Entry(Kind.FILE, mode, size, pieces=lambda: _pieces(path, size))


def _pieces(path: Path, size: int, *, follow: bool = False) -> Iterator[bytes]:
    """Exactly ``size`` of them: the tar's header tells so already."""
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        with os.fdopen(os.open(path, flags), "rb") as stream:
            left = size
            while left and (piece := stream.read(min(_CHUNK, left))):
                left -= len(piece)
                yield piece
    except OSError as error:
        raise _unreadable(path, error) from None
    if left:
        raise BadInput(
            "the file has become shorter while it was read",
            where=str(path),
            remedy="build once nothing writes there any more",
        )


def _unreadable(path: Path, error: OSError) -> BadInput:
    return BadInput(
        f"cannot be read: {error.strerror}",
        where=str(path),
        remedy="check its permissions, or name it in the .dockerignore",
    )
