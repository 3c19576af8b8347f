"""Death at a chosen moment: a cloud's parts, each call into which may be the process's last.

A *boundary* is what lies between two changes of the world: every commit of the store, and every
call into Provider, Connections, Shell, Engine, Network and Names that may change something. Calls
that only look are none, since the world is the same before and after them.

As a program, it carries out one verb on the cloud of a folder, and kills itself with SIGKILL at
the boundary of that number, or of that name; with 0 it writes the boundaries that it passed:

    python tests/crash.py FOLDER BOUNDARY VERB [ARGUMENT]
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from typing import Any

from clocker.cloud import Cloud
from clocker.interfaces import Parts, Transaction
from clocker.model import ContainerRequest

_ONLY_LOOKS = frozenset(
    {
        *("step", "prune", "membership", "attachment", "servers", "status", "ask", "held"),
        *("info", "inspect", "list", "environment", "logs", "image", "save"),
        *("installer", "shell", "engine", "home_engine", "of", "close", "get", "get_archive"),
        *("has_volume", "read_archive", "events"),
    }
)
_GIVES_A_PART = frozenset({"installer", "shell", "engine", "home_engine", "of"})


@dataclass
class Fuse:
    """Calls ``die`` at boundary ``number`` (the first is 1; 0: never), or the first of that name.
    Once dead, every further call dies as well: no cleanup of a killed process ever happens."""

    number: int | str
    die: Callable[[], None]
    passed: list[str] = field(default_factory=list)
    dead: bool = False
    lock: RLock = field(default_factory=RLock)

    def check(self) -> None:
        if self.dead:
            self.die()

    def burn(self, boundary: str) -> None:
        with self.lock:
            self.check()
            self.passed.append(boundary)
            self.dead = self.number in (len(self.passed), boundary)
            self.check()


def fused(parts: Parts, fuse: Fuse) -> Parts:
    """``parts`` with a boundary before the first and after every call that changes something."""
    fuse.burn("the beginning")
    proxies = {
        name: _Part(getattr(parts, name), name, fuse)
        for name in ("connections", "network", "names")
    }
    providers = {name: _Part(provider, name, fuse) for name, provider in parts.providers.items()}
    return replace(parts, store=_Store(parts.store, fuse), providers=providers, **proxies)


class _Part:
    """A part, each of whose calls burns the fuse when it has returned."""

    def __init__(self, real: Any, name: str, fuse: Fuse) -> None:
        self._real, self._name, self._fuse = real, name, fuse

    def __getattr__(self, method: str) -> Any:
        value = getattr(self._real, method)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            self._fuse.check()
            outcome = value(*args, **kwargs)
            self._fuse.check()
            if method in _GIVES_A_PART:
                whose = " ".join([method, *(host.name for host in args)])
                return outcome and _Part(outcome, whose, self._fuse)
            if method not in _ONLY_LOOKS:
                self._fuse.burn(f"{self._name}.{method}")
            return outcome

        return call


class _Store:
    """A store, each commit of which burns the fuse."""

    def __init__(self, real: Any, fuse: Fuse) -> None:
        self._real, self._fuse = real, fuse

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._fuse.check()
        with self._real.transaction() as tx:
            yield tx
            self._fuse.check()
        self._fuse.burn("store.commit")

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        self._fuse.check()
        with self._real.read() as tx:
            yield tx

    def erase(self) -> None:
        self._fuse.check()
        self._real.erase()
        self._fuse.burn("store.erase")

    def close(self) -> None:
        self._real.close()


def verbs(cloud: Cloud, argument: str) -> dict[str, Callable[[], object]]:
    image, _, name = argument.partition(" ")
    return {
        "up": cloud.up,
        "down": cloud.down,
        "rotate-certs": cloud.rotate_certs,
        "run": lambda: cloud.obtain(ContainerRequest(image, name=name)),
        "rm": lambda: cloud.release(argument),
        "stop": lambda: cloud.stop(argument, 0.1),
        "start": lambda: cloud.start(argument),
        "host-rm": lambda: cloud.host(argument).remove(grace_s=1),
        "scale": cloud.scale,
        "heal": lambda: cloud.heal(fenced=argument.split()),
        "move": lambda: cloud.move(*argument.split(), grace_s=1),
    }


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, boundary: str, verb: str, argument: str = "") -> None:
    from clocker.assembly import open_cloud

    os.chdir(folder)
    fuse = Fuse(int(boundary) if boundary.isdigit() else boundary, kill_oneself)
    with open_cloud(str(Path(folder, "clocker.yaml"))) as plain:
        verbs(Cloud(fused(plain._parts, fuse)), argument)[verb]()
    print("\n".join(fuse.passed))


if __name__ == "__main__":
    main(*sys.argv[1:])
