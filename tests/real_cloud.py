"""A cloud of real hosts, in a folder of its own, used as a person would: by the command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import crash
import docker
from agreement import assert_agree, assert_nothing_left

from clocker.assembly import open_cloud
from clocker.cloud import Cloud
from clocker.interfaces import Parts
from clocker.model import Host
from clocker.network.layout import Layout

Ran = subprocess.CompletedProcess
_CLOCKER = (sys.executable, "-m", "clocker.cli")
_PATIENCE_S = 300


@dataclass
class RealCloud:
    """``document``: of clocker.yaml. ``providers``: of providers.yaml; left out, its hosts are
    local ones on an internal network of its own: nothing of them leaves this machine."""

    name: str
    folder: Path
    document: dict[str, Any]
    node_image: str | None = None
    providers: Mapping[str, Any] | None = None
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("CLOCKER", "XDG", "PG"))},
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
        }
        (self.folder / "run").mkdir(mode=0o700)
        options = {"network": self.network, "internal": True, "image": self.node_image}
        entry = {"driver": "local", "options": {k: v for k, v in options.items() if v is not None}}
        entries = self.providers or {"local": entry}
        (self.folder / "providers.yaml").write_text(json.dumps(entries))
        self.write()

    @property
    def network(self) -> str:
        return f"{self.name}-net"

    def write(self, **changes: Any) -> None:
        """JSON is YAML."""
        self.document |= changes
        (self.folder / "clocker.yaml").write_text(json.dumps(self.document))

    def clocker(self, *args: str, status: int | None = 0, **options: Any) -> Ran[str]:
        """Run it; ``status``: the exit code that it must have, None for any."""
        process = self.begin(*args, **options)
        out, err = process.communicate(timeout=_PATIENCE_S)
        ran = Ran(args, process.returncode, out, err)
        assert status in (None, ran.returncode), f"clocker {' '.join(args)}: {ran}"
        assert "Traceback" not in err, err
        return ran

    def begin(self, *args: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*_CLOCKER, *args],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def json(self, *args: str) -> dict[str, Any]:
        found = json.loads(self.clocker(*args, "--json").stdout)
        assert isinstance(found, dict)
        return found

    def containers(self) -> dict[str, dict[str, Any]]:
        return {item["name"]: item for item in self.json("ps")["containers"]}

    def exec(self, container: str, *command: str, status: int | None = 0) -> str:
        return self.clocker("exec", container, "--", *command, status=status).stdout.strip()

    def crashed(
        self, boundary: int | str, verb: str, argument: str = "", *, may_end: bool = False
    ) -> list[str]:
        """Kill ``verb`` at a boundary; or with 0 let it be, and return its boundaries.
        ``may_end``: the boundary's number was counted in another run. A run that takes longer has
        more of them, since whoever holds a lease renews it; one that has fewer ends well."""
        ran = subprocess.run(
            [sys.executable, crash.__file__, str(self.folder), str(boundary), verb, argument],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
            check=False,
        )
        passed = ran.stdout.splitlines()
        if not (may_end and int(boundary) > len(passed) and ran.returncode == 0):
            assert ran.returncode == (-signal.SIGKILL if boundary else 0), ran
        return passed

    @contextmanager
    def opened(self) -> Iterator[Cloud]:
        with open_cloud(str(self.folder / "clocker.yaml"), environ=self.env) as cloud:
            yield cloud

    def assert_agrees(self) -> None:
        with self.opened() as cloud:
            assert_agree(cloud._parts, _zone)

    def assert_nothing_left(self) -> None:
        """Of `down`: of the cloud, and of what was made for it on this machine."""
        assert self.leftovers() == []
        with self.opened() as cloud:
            assert_nothing_left(cloud._parts)
        shutil.rmtree(self.folder / "state")  # which looking has made again

    def leftovers(self) -> list[str]:
        """Containers, volumes, networks, processes, sockets and files of this cloud."""
        engine = docker_engine()
        mine = {"label": f"clocker-cloud={self.name}"}
        found = [f"container {c.name}" for c in engine.containers.list(all=True, filters=mine)]
        found += [f"volume {v.name}" for v in engine.volumes.list(filters=mine)]
        found += [f"network {n.name}" for n in engine.networks.list(names=[self.network])]
        found += [f"process {line}" for _, line in self.processes()]
        found += [f"file {path}" for path in (self.folder / "state").rglob("*") if path.is_file()]
        # The lock of whoever was ended while it waited for a dead machine is empty, and nobody's.
        run = (path for path in (self.folder / "run").rglob("*.*") if path.suffix != ".lock")
        found += [f"socket {path}" for path in run]
        engine.close()
        return found

    def processes(self) -> list[tuple[int, str]]:
        """Those whose command line speaks of the cloud's folder."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"{self.folder}/" in line and int(path.parent.name) != os.getpid():
                found.append((int(path.parent.name), line))
        return found

    def remove(self) -> list[str]:
        """Take it down, by force if need be; returns what `down` has left, which is a failure."""
        ended = self.clocker("down", "--yes", status=None)
        left = [f"down: {ended.stderr}"] if ended.returncode else []
        left += self.leftovers()
        engine = docker_engine()
        mine = {"label": f"clocker-cloud={self.name}"}
        for container in engine.containers.list(all=True, filters=mine):
            container.remove(force=True, v=True)
        for volume in engine.volumes.list(filters=mine):
            volume.remove(force=True)
        for network in engine.networks.list(names=[self.network]):
            network.remove()
        engine.close()
        for pid, _ in self.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder)
        return left


@contextmanager
def real_cloud(
    *,
    node_image: str | None = None,
    providers: Mapping[str, Any] | None = None,
    **document: Any,
) -> Iterator[RealCloud]:
    """Not up yet. Gone afterwards, whatever happens; its folder's path is short enough for a
    socket below it."""
    folder = Path(tempfile.mkdtemp(prefix="ck-", dir="/tmp"))
    name = f"k{uuid.uuid4().hex[:8]}"
    hosts = {"provider": list(providers or ["local"]), **document.pop("hosts", {})}
    document = {"name": name, "hosts": hosts, **document}
    cloud = RealCloud(name, folder, document, node_image, providers)
    try:
        yield cloud
    finally:
        left = cloud.remove()
    assert left == [], f"down has left {left}"


def docker_engine() -> docker.DockerClient:
    client = docker.DockerClient("unix:///var/run/docker.sock")
    client.api.trust_env = False
    return client


def until(condition: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.05)


def _zone(parts: Parts, host: Host) -> dict[str, str]:
    """The records that the host's name server reads: one file for each, named like it."""
    folder = f"{Layout(parts.spec.name).etc}/names.d"
    said = parts.connections.shell(host).run(f"cd {folder} && grep -rH . . || true")
    assert said.ok, said
    lines = [line.removeprefix("./").split(":", 1) for line in said.text.splitlines()]
    return {name: record.split()[0] for name, record in lines}
