"""What a Docker Engine is told and what it tells, without the engine's own types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clocker.model.request import HealthCheck, Port, Restart, Volume
from clocker.model.resources import Resources
from clocker.model.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Attachment:
    """A container's place on a network of its engine; ``binds`` are files of the host that the
    network wants in the container (its resolv.conf)."""

    network: str
    address: str
    mac: str
    binds: tuple[Volume, ...] = ()


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """One create call. ``image``: an id or reference present on the engine. ``name``: the
    engine's name for it, unique over all clouds that share the engine. ``binds``: paths of the
    host that must be there whenever it is started."""

    name: str
    image: str
    hostname: str
    labels: Mapping[str, str]
    resources: Resources = Resources()
    attachment: Attachment | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    volumes: tuple[Volume, ...] = ()
    binds: tuple[Volume, ...] = ()
    ports: tuple[Port, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    workdir: str | None = None
    capabilities: tuple[str, ...] = ()
    privileged: bool = False
    read_only: bool = False
    interactive: bool = False
    init: bool = False
    stop_signal: str | None = None
    stop_grace_s: float | None = None
    restart: Restart = Restart()
    health: HealthCheck | None = None
    sandbox: Sandbox = Sandbox()


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """What the engine says of a container. ``state``: created, running, restarting, paused,
    exited or dead. ``health``: None without a health check, else starting, healthy, unhealthy.
    ``env`` is not reported: it may hold secrets. ``networks``: the address on each, by the
    engine's name of the network."""

    engine_id: str
    name: str
    state: str
    labels: Mapping[str, str]
    image: str
    image_id: str
    pid: int = 0
    exit_code: int | None = None
    health: str | None = None
    address: str | None = None
    privileged: bool = False
    ports: tuple[Port, ...] = ()
    started_at: str | None = None
    networks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """What befell a container. ``at``: epoch seconds, by the engine's clock. ``action``: start,
    die, stop, oom, health_status or destroy. ``name``: the engine's for it. ``exit_code``: of one
    that died; ``health``: of one whose health has changed."""

    at: float
    action: str
    engine_id: str
    name: str
    exit_code: int | None = None
    health: str | None = None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    version: str
    api_version: str
    architecture: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """``id``: the content hash (sha256:...). ``entrypoint``/``command``: its defaults.
    ``created_at``: epoch seconds, 0 when nobody knows. ``layers``: the digests of its contents,
    from the lowest."""

    id: str
    tags: tuple[str, ...] = ()
    size_bytes: int = 0
    architecture: str = ""
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: float = 0.0
    layers: tuple[str, ...] = ()
