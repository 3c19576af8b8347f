from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from clocker.model.container import Work
from clocker.model.resources import Resources


class HostState(StrEnum):
    REQUESTED = "requested"  # the intent is stored; the provider may or may not have a node
    BOOTSTRAPPING = "bootstrapping"  # the node is known
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"
    LOST = "lost"  # given up as dead; what was on it is made anew elsewhere


@dataclass(frozen=True, slots=True)
class SshAccess:
    """How a machine is reached. ``host_keys``: OpenSSH public key lines it may answer with;
    empty when they are to be pinned at the first connection. ``local``: it is this machine.
    ``kept``: it stays its owner's, who gets it back as it was."""

    address: str
    user: str = "root"
    port: int = 22
    host_keys: tuple[str, ...] = ()
    local: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class TlsAccess:
    """Where an engine listens with TLS. ``authorities``, ``certificate``: paths of the PEM files
    of those that its certificate may be from, and of our own with its key."""

    address: str
    port: int
    authorities: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Node:
    """A machine as its provider lists it. ``tags`` carry ``clocker-cloud`` and
    ``clocker-host`` (the host's id) besides what the request asked for. ``refusals``: the sizes
    and places that were tried before it was made, and why they were refused."""

    id: str
    name: str
    tags: Mapping[str, str] = field(default_factory=dict)
    access: SshAccess | None = None
    private_address: str | None = None
    region: str | None = None
    zone: str | None = None
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a host is to be made. ``resources``: 0 leaves an amount to the provider. ``tags``: for
    the provider; ``labels``: for the rules."""

    resources: Resources = Resources()
    zone: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """``capacity``: what containers may book, measured at bootstrap, and before that what was
    requested. ``address``: on the underlay, where the other hosts reach it. ``gateway``: its
    address on the cloud's network. ``stamp``: hash of the bootstrap it last ran. ``tunnel_key``:
    the public half of the key that it made for itself, where hosts encrypt what they send.
    ``price_hour``: what it costs, in its provider's currency; None: nobody knows. ``asked_until``:
    the latest moment at which a provider may have begun to make a machine for it; None where it
    refused, or its lists tell at once. ``attempt``: how often it was tried anew after a failure.
    ``cordoned``: it takes nothing new; what is on it runs on. ``wishes``: what its provider is
    asked for; None: the cloud's own shape.
    ``engine_port``: where its engine has been made to listen with TLS; None: by SSH only.
    ``fenced_at``: since when nothing runs on it for certain, so that addresses of its containers
    may be used elsewhere; should it come back, it is cleaned before it takes anything.
    ``images``: kinds of image (``clocker.placement.images``) that have come to it, the
    latest last."""

    id: str
    name: str
    provider: str
    state: HostState
    capacity: Resources
    gateway: str
    node_id: str | None = None
    access: SshAccess | None = None
    address: str | None = None
    region: str | None = None
    zone: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    stamp: str | None = None
    tunnel_key: str | None = None
    engine_port: int | None = None
    created_at: float = 0.0
    error: str | None = None
    work: Work | None = None
    price_hour: float | None = None
    asked_until: float | None = None
    attempt: int = 0
    cordoned: bool = False
    wishes: Wishes | None = None
    fenced_at: float | None = None
    images: tuple[str, ...] = ()
