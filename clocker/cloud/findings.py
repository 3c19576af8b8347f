"""What a check of the networks found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from clocker.model import LinkStatus


@dataclass(frozen=True, slots=True)
class Place:
    """Where packets begin and end: a host's or a container's address on a network."""

    network: str
    name: str
    host: str
    address: str
    pid: int = 0

    @property
    def is_host(self) -> bool:
        return self.name == self.host


@dataclass(frozen=True, slots=True)
class Path:
    """From one place to another. ``mtu``: the largest packet that got through whole, None when
    none did. ``expected``: the network's MTU there."""

    source: Place
    target: Place
    mtu: int | None
    expected: int

    @property
    def is_right(self) -> bool:
        return self.mtu is not None and self.mtu >= self.expected


@dataclass(frozen=True, slots=True)
class HostFinding:
    """``error``: why the host could not be asked. ``peers``: the underlay addresses that it
    should know."""

    network: str
    host: str
    link: LinkStatus | None = None
    error: str | None = None
    peers: tuple[str, ...] = ()


class NameState(StrEnum):
    RIGHT = "right"
    MISSING = "missing"
    WRONG = "wrong"
    SILENT = "silent"  # nobody answered
    STALE = "stale"  # held by a host, but nobody's


@dataclass(frozen=True, slots=True)
class NameFinding:
    network: str
    host: str
    name: str
    state: NameState
    expected: tuple[str, ...] = ()
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, the likely cause, and what to do."""

    what: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Findings:
    """``encryption``: what the cloud's document asks for, None when the driver has no say."""

    hosts: tuple[HostFinding, ...] = ()
    paths: tuple[Path, ...] = ()
    names: tuple[NameFinding, ...] = ()
    encryption: str | None = None
