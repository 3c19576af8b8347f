"""Simulated: a cloud of many hosts, each an SSH server that thinks for a fixed time when it is
asked what it is. What counts is what Clocker's pool adds to the thinking."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bootstrapping.machines import environment, write_documents
from bootstrapping.ways import clocker_up
from clocker import Cloud, open_cloud
from clocker.interfaces import Parts
from clocker.model import HostRequest, Node, SshAccess
from clocker.testing.machines import FakeMachines
from clocker.testing.provider import FakeProvider

THINK_S = 1.0
_SERVERS = Path(__file__).parent / "ssh_servers.py"


@dataclass(frozen=True)
class Simulated:
    """Seconds: ``first_s`` of the `up` that makes all hosts, and asks, bootstraps and tells each;
    ``again_s`` of each `clocker up` that asks every host once, after a login to each. ``ideal_s``,
    ``first_ideal_s``: the least that is possible."""

    first_s: float
    again_s: tuple[float, ...]
    waves: int

    @property
    def ideal_s(self) -> float:
        return self.waves * THINK_S

    @property
    def first_ideal_s(self) -> float:
        return 3 * self.ideal_s


def many_hosts(name: str, programs: Path, count: int, rounds: int) -> Simulated:
    folder = Path(tempfile.mkdtemp(prefix=f"clocker-{name}-"))
    environ = environment(folder)
    # Should a host be taken for another one, nothing can be made in its stead.
    write_documents(folder, name, count, {"driver": "dummy"})
    try:
        with (
            open_cloud(str(folder / "clocker.yaml"), environ=environ) as cloud,
            _serving(cloud._parts, programs, count) as provider,
        ):
            parts = replace(cloud._parts, providers={"machines": provider})
            try:
                return _measured(parts, folder, environ, count, rounds)
            finally:
                _log_out(parts)
    finally:
        shutil.rmtree(folder)


def _measured(
    parts: Parts, folder: Path, environ: Mapping[str, str], count: int, rounds: int
) -> Simulated:
    begun = time.perf_counter()
    Cloud(parts).up()
    first_s = time.perf_counter() - begun
    again_s = []
    for _ in range(rounds):
        _log_out(parts)
        taken_s, changed = clocker_up(folder, environ, count)
        if changed:
            raise SystemExit("clocker up took one of the simulated hosts for another")
        again_s.append(taken_s)
    waves = math.ceil(count / parts.spec.hosts.concurrency)
    return Simulated(first_s, tuple(again_s), waves)


def _log_out(parts: Parts) -> None:
    """The next one has to log in everywhere."""
    with parts.store.read() as tx:
        hosts = tx.hosts()
    for host in hosts:
        if host.access is not None:
            parts.connections.forget(host)


class _Served(FakeProvider):
    """Its machines are the servers at these ports."""

    def __init__(self, ports: list[int], host_key: str) -> None:
        super().__init__(FakeMachines(), "machines")
        self._ports = ports
        self._host_key = host_key
        self._given: dict[str, int] = {}

    def obtain(self, request: HostRequest) -> Node:
        node = super().obtain(request)
        with self._lock:
            port = self._given.setdefault(request.id, self._ports[len(self._given)])
        access = SshAccess("127.0.0.1", port=port, host_keys=(self._host_key,))
        return replace(node, access=access)


@contextmanager
def _serving(parts: Parts, programs: Path, count: int) -> Iterator[_Served]:
    host_key = parts.keys.derive("host", "simulated")
    wanted = {
        "think_s": THINK_S,
        "host_key": host_key.private,
        "authorized_key": parts.keys.public,
        "count": count,
    }
    with subprocess.Popen(
        [str(programs / "python"), str(_SERVERS)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps(wanted) + "\n")
        process.stdin.flush()
        try:
            yield _Served(json.loads(process.stdout.readline()), host_key.public)
        finally:
            process.kill()
