"""What is asked for: a container, or a host to put containers on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from clocker.model.provider import Opening
from clocker.model.quick import quick
from clocker.model.resources import Resources
from clocker.model.sandbox import Sandbox


class Wait(StrEnum):
    """How far a container must have come before ``obtain`` returns it."""

    CREATED = "created"
    RUNNING = "running"
    HEALTHY = "healthy"
    SSH = "ssh"


@dataclass(frozen=True, slots=True)
class Port:
    """A container's port published on its host; ``host_port`` 0 means: choose one."""

    container: int
    host_port: int = 0
    protocol: str = "tcp"


@dataclass(frozen=True, slots=True)
class Volume:
    """``source``: an absolute path on the host, or the name of a volume of the cloud."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Restart:
    """``condition``: no, on-failure, always or unless-stopped, as Docker means them."""

    condition: str = "no"
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """``start_interval_s``: within the start period; 0 is the engine's. An empty ``command``: the
    image's own check is left out."""

    command: tuple[str, ...]
    interval_s: float = 10.0
    timeout_s: float = 5.0
    retries: int = 3
    start_period_s: float = 0.0
    start_interval_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Healing:
    """What is done for a container that has failed; where None, the cloud's own (HealingSpec).
    ``attempts``: restarts, each within ``window_s`` of the one before, after which it is left
    alone and reported; 0: it is never restarted. ``backoff_s``: before the second of them, twice
    that before the third, at most ``backoff_most_s``. ``replace``: it is made anew on another host
    when its own is lost. ``priority``: the highest is seen to first. ``restart_with``: names of
    containers; it is restarted after any of these was restarted or replaced."""

    attempts: int | None = None
    window_s: float | None = None
    backoff_s: float | None = None
    backoff_most_s: float | None = None
    replace: bool = True
    priority: int = 0
    restart_with: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret by reference: exactly one of ``env`` (a variable where the command is run),
    ``file`` (an absolute path there) and ``command`` (its output) says where its value is from;
    or ``text`` is the value itself, of what is no secret and may be on record (a configuration
    file). ``target``: a path in the container, relative ones below ``/run/secrets``, where it is
    a file in memory; or with ``as_env`` the name of a variable."""

    name: str
    target: str = ""
    env: str | None = None
    file: str | None = None
    command: tuple[str, ...] | None = None
    as_env: bool = False
    mode: int = 0o444
    text: str | None = None


@dataclass(frozen=True, slots=True)
class InstallFile:
    """A file that is put into an image before anything is installed there. ``digest``: the
    content's SHA-256 in hexadecimal where the content itself is not at hand."""

    target: str
    content: bytes = field(default=b"", repr=False)
    mode: int = 0o644
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Install:
    """What is done to an image once, and kept as an image of its own: ``files`` are put,
    ``packages`` installed by the image's package manager, ``commands`` run by its shell with the
    variables ``args``, in this order, as root. Nothing of it may be a secret. ``ttl_s``: how long
    the outcome is good for; 0 does it anew now; None: always. ``keep``: False does it for every
    container anew."""

    packages: tuple[str, ...] = ()
    files: tuple[InstallFile, ...] = ()
    commands: tuple[str, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict)
    ttl_s: float | None = None
    timeout_s: float = 900.0
    keep: bool = True

    def __hash__(self) -> int:
        """Without the variables: a mapping has none."""
        return hash((self.packages, self.files, self.commands, self.ttl_s, self.keep))


@dataclass(frozen=True, slots=True)
class Build:
    """An image that is built from a Dockerfile. ``context``: the absolute path of a directory, of
    a Dockerfile alone, or of a tar or zip archive; the URL of such an archive, with its
    ``checksum`` (``sha256:...``); or ``git+URL`` with ``#COMMIT:DIRECTORY``. ``dockerfile``: its
    path within. ``substitutions``: values for Jinja templates in the Dockerfile; none: it is taken
    as it is."""

    context: str
    dockerfile: str = "Dockerfile"
    checksum: str | None = None
    args: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    substitutions: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 1200.0


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A placement rule by its name in ``clocker.plugins`` and its options, as YAML gives it."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        """Of the names alone: values may be lists, which have none."""
        return hash((self.name, frozenset(self.options)))


@quick
@dataclass(frozen=True)  # no slots: what a record leaves out of it would be slow to fill in
class ContainerRequest:
    """A container as one would order it.

    ``name``: a DNS label; made up when None. ``env``: a value of None is read from the
    environment of whoever creates the container, so that a secret need not be written here.
    ``command``, ``entrypoint``: None keeps the image's. ``timeout_s``: for reaching ``wait``.
    ``networks``: by name, the first gives it its address; empty: the default one. ``aliases``:
    more names on each of them, which other containers may share. ``address``: a fixed one, on
    the first network; one is chosen when None. ``ssh_keys``: public keys that may log in,
    besides those of the cloud. ``build``: what ``image`` is built from where it is not there yet;
    ``install``: what is done to it first. ``stop_signal``: None is the image's.
    """

    image: str
    resources: Resources = Resources()
    name: str | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)
    volumes: tuple[Volume, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    user: str | None = None
    workdir: str | None = None
    hostname: str | None = None
    capabilities: tuple[str, ...] = ()
    privileged: bool = False
    read_only: bool = False
    restart: Restart = Restart()
    health: HealthCheck | None = None
    ssh: bool = False
    wait: Wait = Wait.RUNNING
    timeout_s: float = 120.0
    rules: tuple[RuleSpec, ...] = ()
    networks: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    address: str | None = None
    ssh_keys: tuple[str, ...] = ()
    healing: Healing = Healing()
    secrets: tuple[Secret, ...] = ()
    build: Build | None = None
    install: Install | None = None
    stop_signal: str | None = None
    stop_grace_s: float = 10.0
    sandbox: Sandbox = Sandbox()


@dataclass(frozen=True, slots=True)
class HostRequest:
    """A machine to be made into a host. ``id`` identifies it at its provider (tag, name),
    so that asking twice gives the same machine. ``token``: the same for every try at making it,
    another one after it was given back; empty: the id. ``public_key``: the OpenSSH
    line that lets Clocker in, where the provider installs keys. ``host_key``: the one that the
    machine will answer with if it is given ``user_data``. ``openings``: what its firewall must
    let through. ``node_id``: the machine on record; it stays where two carry the id, and
    where it has no address in time: only ``release`` gives it back."""

    id: str
    cloud: str
    name: str
    resources: Resources
    provider: str
    tags: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    user_data: str | None = field(default=None, repr=False)
    host_key: str = ""
    public_key: str = ""
    openings: tuple[Opening, ...] = ()
    timeout_s: float = 600.0
    token: str = ""
    node_id: str | None = None
