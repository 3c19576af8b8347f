"""A cloud as its ``clocker.yaml`` describes it, after validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clocker.model.headroom import Headroom
from clocker.model.registry import Registry
from clocker.model.request import RuleSpec
from clocker.model.resources import Resources


@dataclass(frozen=True, slots=True)
class NodePool:
    """The hosts: ``count`` are made by ``up``, more on demand up to ``maximum``. ``providers``:
    where they come from; where one has nothing to give, the next is asked. ``at``: how many of
    the ``count`` are at one provider and no other. ``ssh_users``: who logs in, by provider; root
    where none is said. ``shapers``: by name, how a host differs from ``shape`` for what it is
    made."""

    providers: tuple[str, ...]
    count: int = 1
    maximum: int = 1
    shape: Resources = Resources()
    concurrency: int = 16
    timeout_s: float = 600.0
    at: Mapping[str, int] = field(default_factory=dict)
    ssh_users: Mapping[str, str] = field(default_factory=dict)
    shapers: tuple[RuleSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """``version``: a package version to pin, None for the distribution's newest.
    ``options``: keys of the engine's ``daemon.json``. ``access``: how controllers reach the
    engine, ``ssh`` or ``tls``; with the latter on TCP ``port``, from the CIDRs of ``sources``
    only, or with none of them from anywhere."""

    version: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    access: str = "ssh"
    port: int = 2376
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeaveOptions:
    """``image``: what the router is taken from. ``archive``: path of a ``docker save`` archive of
    it, for hosts without a registry. ``password``: the hosts' shared one; empty: one is made."""

    image: str = "rajchaudhuri/weave:2.9.0"
    archive: str | None = None
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """``pool``: CIDR that all of the cloud's networks are carved from. ``subnet``: CIDR within
    it, of the default network. ``port``: UDP, between hosts. ``encryption``: of what the hosts
    send each other; the driver says which there are, ``none`` among them. ``name_servers``: how
    many hosts are authoritative for the cloud's zone. ``upstream``: resolvers for public names;
    empty means the host's own. ``reserved``: addresses of the subnet that are never given to
    anybody, as ``FIRST-LAST``. ``quarantine_s``: how long a released address is given to nobody
    else."""

    driver: str = "vxlan"
    pool: str = "10.210.0.0/16"
    subnet: str = "10.210.0.0/20"
    port: int = 4790
    encryption: str = "wireguard"
    name_servers: int = 2
    upstream: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    quarantine_s: float = 60.0
    weave: WeaveOptions = WeaveOptions()


@dataclass(frozen=True, slots=True)
class HealingSpec:
    """``looks``, ``silence_s``: a host is dead after so many looks in a row at which it, or its
    engine, did not answer, over at least so many seconds. ``repairs``: how often a host whose
    engine alone is silent is bootstrapped anew before it counts as dead. ``breaker_share``: while
    more of the hosts than that are silent at once, none is replaced; one always may be, as long as
    another one answers. ``replace``: dead hosts are replaced at all. ``replace_volumes``: also
    containers with volumes or folders of their host, whose content is then lost. ``strays``: what
    becomes of containers with the cloud's labels that are on no record: ``adopt`` or ``remove``.
    The others are for containers that do not say it themselves (Healing)."""

    looks: int = 3
    silence_s: float = 30.0
    repairs: int = 3
    breaker_share: float = 0.45
    replace: bool = True
    replace_volumes: bool = False
    strays: str = "adopt"
    attempts: int = 5
    window_s: float = 300.0
    backoff_s: float = 1.0
    backoff_most_s: float = 60.0


@dataclass(frozen=True, slots=True)
class CloudSpec:
    """``ssh_public_keys``: lines installed in containers requested with ``ssh``. ``headroom``:
    None where hosts come and go by hand, or when a container needs one."""

    name: str
    hosts: NodePool
    engine: EngineOptions = EngineOptions()
    network: NetworkSpec = NetworkSpec()
    rules: tuple[RuleSpec, ...] = ()
    ssh_public_keys: tuple[str, ...] = ()
    headroom: Headroom | None = None
    healing: HealingSpec = HealingSpec()
    registries: tuple[Registry, ...] = ()

    @property
    def zone(self) -> str:
        """The DNS zone of the cloud's containers."""
        return f"{self.name}.clocker"
