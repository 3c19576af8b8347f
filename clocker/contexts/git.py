"""What a commit of a git repository holds, read out of its objects.

Nothing is ever checked out: no hook, filter or attribute of the repository has a say, and none of
its files becomes one of this machine.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from clocker.contexts.git_process import Git
from clocker.contexts.limits import Limits
from clocker.contexts.source import GitCheckout
from clocker.contexts.spool import Spool
from clocker.contexts.tree import FOLDER, Entry, Kind, Tree, Unsafe, add, clean, refusal, whole
from clocker.errors import BadInput, CommandFailed

_CHUNK = 256 * 1024
_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_LISTED = re.compile(r"(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)", re.DOTALL)
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
_HERE = "refs/clocker/asked"


def read_git(
    source: GitCheckout, spool: Spool, limits: Limits, environ: Mapping[str, str] = os.environ
) -> Tree:
    """BadInput: no such commit or folder, or what is in it is not taken; CommandFailed, TimedOut:
    git's own words."""
    where = source.url
    with tempfile.TemporaryDirectory(prefix="clocker-git-") as folder:
        git = Git(
            Path(folder), urlsplit(source.url).scheme, time.monotonic() + limits.git_s, environ
        )
        git.run("init", "--quiet", "--bare", "--template=", ".")
        commit = _fetch(git, source)
        try:
            return _read(git, f"{commit}:{source.folder}", spool, limits)
        except Unsafe as error:
            raise refusal(error, where) from None
        except CommandFailed as error:
            if not source.folder:
                raise
            raise BadInput(f"there is no folder {source.folder!r} in it", where=where) from error


def _fetch(git: Git, source: GitCheckout) -> str:
    """The commit that is meant: fetched alone where the server gives it by what was said, else
    found among all."""
    asked = source.reference or "HEAD"
    try:
        git.run("fetch", "--quiet", "--depth=1", "--no-tags", "--", source.url, f"{asked}:{_HERE}")
        return git.run("rev-parse", "--verify", "--quiet", f"{_HERE}^{{commit}}").strip()
    except CommandFailed:
        if not _COMMIT.fullmatch(asked):
            raise
    git.run("fetch", "--quiet", "--no-tags", "--", source.url, *_EVERYTHING)
    try:
        return git.run("rev-parse", "--verify", "--quiet", f"{asked}^{{commit}}").strip()
    except CommandFailed as error:
        raise BadInput(
            f"there is no commit {asked} in it",
            where=source.url,
            remedy="give a commit that a branch or tag leads to",
        ) from error


def _read(git: Git, root: str, spool: Spool, limits: Limits) -> Tree:
    tree: Tree = {}
    files: list[tuple[str, str, int, int]] = []
    for line in _lines(git, root):
        if not (found := _LISTED.fullmatch(line)):
            raise Unsafe("git lists what cannot be understood")
        mode, kind, identity, size, path = found.groups()
        name = clean(path, limits)
        # A submodule is an empty folder, as in any plain clone; a file will be put there.
        add(tree, name, FOLDER, limits)
        if kind == "blob":
            files.append((name, identity, int(mode, 8), int(size)))
    if sum(size for *_, size in files) > limits.unpacked_bytes:
        raise Unsafe(f"there is more than {limits.unpacked_bytes // 2**20} MiB of files")
    with git.objects([identity for _, identity, *_ in files]) as stream:
        for name, identity, mode_bits, size_bytes in files:
            tree[name] = _entry(stream, identity, mode_bits, size_bytes, spool)
    return whole(tree)


def _lines(git: Git, root: str) -> Iterator[str]:
    """One at a time: a small repository may list itself without end."""
    with git.output("ls-tree", "-r", "-z", "--long", root) as stream:
        rest = b""
        while piece := stream.read(_CHUNK):
            *lines, rest = (rest + piece).split(b"\0")
            if len(rest) > _CHUNK:
                raise Unsafe("git lists what cannot be understood")
            yield from (line.decode(errors="surrogateescape") for line in lines)


def _entry(stream: IO[bytes], identity: str, mode: int, size: int, spool: Spool) -> Entry:
    told = stream.readline().split()
    if told != [identity.encode(), b"blob", str(size).encode()]:
        raise Unsafe(f"git does not give the object {identity}")
    if mode == 0o120000:
        target = b"".join(_content(stream, size)).decode(errors="surrogateescape")
        return Entry(Kind.LINK, 0o777, target=target)
    _, pieces = spool.put(_content(stream, size))
    return Entry(Kind.FILE, 0o755 if mode & 0o100 else 0o644, size, pieces=pieces)


def _content(stream: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = stream.read(min(_CHUNK, left))
        if not piece:
            raise Unsafe("git ends in the middle of a file")
        left -= len(piece)
        yield piece
    stream.read(1)  # the newline behind it
