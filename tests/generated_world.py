"""Two real hosts whose containers install from this machine, and a registry with TLS and a password
there, for the tests and the benchmark of generated images."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import docker
from local_packages import downloaded, serving
from real_cloud import RealCloud, real_cloud
from registry import Registry, certificate
from registry import registry as running_registry

from clocker.cloud import Cloud, ContainerMachine
from clocker.interfaces import Engine
from clocker.model import ContainerRequest, Install, InstallFile, Resources, RuleSpec

PACKAGES = ("nginx", "git", "python3")
CLOCKER_PACKAGES = ("openssh-server",)  # what `ssh` installs


@dataclass
class GeneratedWorld:
    """``sources``: files by which apt asks this machine and nobody else."""

    cloud: RealCloud
    registry: Registry
    sources: tuple[InstallFile, ...]
    base: str
    packages: Path

    @property
    def hosts(self) -> list[str]:
        return sorted(host["name"] for host in self.cloud.json("hosts")["hosts"])

    @property
    def install(self) -> Install:
        return Install(PACKAGES, self.sources)

    def web(self, name: str, host: str, **changes: Any) -> ContainerRequest:
        plain = ContainerRequest(
            self.base,
            Resources(0.1, 64),
            name=name,
            command=("nginx", "-g", "daemon off;"),
            install=self.install,
            rules=on(host),
        )
        return replace(plain, **changes)


@dataclass
class Watched:
    """What an engine is asked for, of what brings images."""

    calls: list[str] = field(default_factory=list)


def on(host: str) -> tuple[RuleSpec, ...]:
    return (RuleSpec("hostname", {"pattern": host}),)


def watched(cloud: Cloud, host: str) -> Watched:
    engine: Any = engine_of(cloud, host)
    seen = Watched()
    for name in ("pull", "load", "commit", "push"):
        setattr(engine, name, _noting(seen, name, getattr(engine, name)))
    return seen


def engine_of(cloud: Cloud, host: str) -> Engine:
    return cloud.parts.connections.engine(cloud.host(host).record)


def timed(cloud: Cloud, request: ContainerRequest) -> tuple[ContainerMachine, float]:
    """Until it runs."""
    began = time.monotonic()
    made = cloud.obtain(request)
    return made, time.monotonic() - began


@contextmanager
def generated_world(
    engine: docker.DockerClient, base: str, node_image: str | None = None
) -> Iterator[GeneratedWorld]:
    folder = Path(tempfile.mkdtemp(prefix="clocker-test-generated-"))
    packages = downloaded(base, *PACKAGES, *CLOCKER_PACKAGES)
    document = {"hosts": {"count": 2, "maximum": 2}}
    with real_cloud(node_image=node_image, **document) as cloud:
        cloud.clocker("up")
        (pool,) = engine.networks.get(cloud.network).attrs["IPAM"]["Config"]
        here = str(next(IPv4Network(pool["Subnet"]).hosts()))
        files = certificate(folder, here, days=2)
        with serving(packages, here) as line, running_registry(address=here, **files) as registry:
            _introduce(cloud, registry, folder)
            sources = (
                InstallFile("/etc/apt/sources.list.d/0000machine.list", line.encode()),
                InstallFile("/etc/apt/apt.conf.d/95direct", b'Acquire::http::Proxy "DIRECT";\n'),
            )
            yield GeneratedWorld(cloud, registry, sources, base, packages)
    shutil.rmtree(folder)


def _introduce(cloud: RealCloud, registry: Registry, folder: Path) -> None:
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(registry.password)
    cloud.write(
        registries=[
            {
                "name": f"{registry.name}/team",
                "username": registry.user,
                "password": {"file": str(password)},
                "ca": str(registry.certificate),
                "push": True,
            }
        ]
    )
    cloud.clocker("up")


def _noting(seen: Watched, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any, **kwargs: Any) -> Any:
        seen.calls.append(name)
        return call(*args, **kwargs)

    return noted
