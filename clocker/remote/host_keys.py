"""The cloud's known_hosts file: which keys each machine may answer with."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from clocker.errors import BadInput
from clocker.remote.locking import locked

_KEY = re.compile(r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


class KnownHosts:
    """A file that OpenSSH reads (``UserKnownHostsFile``), mode 0600, always whole. Machines
    stand in it by an alias of ours (``HostKeyAlias``) since addresses come and go."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def pin(self, name: str, keys: Sequence[str], *, port: int = 22) -> None:
        """From now on ``name`` may answer with these keys only. Writes nothing if it is so."""
        wanted = tuple(dict.fromkeys(key_of(line) for line in keys))
        if self.keys(name, port=port) == wanted:
            return
        self._rewrite(name, port, [f"{_entry(name, port)} {key}" for key in wanted])

    def forget(self, name: str, *, port: int = 22) -> None:
        if self.keys(name, port=port):
            self._rewrite(name, port, [])

    def keys(self, name: str, *, port: int = 22) -> tuple[str, ...]:
        entry = _entry(name, port)
        return tuple(line.split(" ", 1)[1] for line in self._lines() if _is_of(line, entry))

    def _rewrite(self, name: str, port: int, lines: Sequence[str]) -> None:
        entry = _entry(name, port)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            others = [line for line in self._lines() if not _is_of(line, entry)]
            _replace(self.path, "".join(f"{line}\n" for line in [*others, *lines]))

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text().splitlines()
        except FileNotFoundError:
            return []


def key_of(line: str) -> str:
    """Type and key of a public key line, without its comment."""
    key = " ".join(line.split()[:2])
    if not _KEY.fullmatch(key):
        raise BadInput(f"this is no SSH public key: {line[:60]!r}", where="host key")
    return key


def _entry(name: str, port: int) -> str:
    if not _NAME.fullmatch(name):  # known_hosts has patterns and lists, which this must not be
        raise BadInput(f"not fit to name a host key: {name!r}", where="host key")
    return name if port == 22 else f"[{name}]:{port}"


def _is_of(line: str, entry: str) -> bool:
    return line.startswith(f"{entry} ")


def _replace(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
