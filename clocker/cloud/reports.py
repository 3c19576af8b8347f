"""What the verbs of a cloud report."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.cloud.remnants import Finding
from clocker.errors import ClockerError
from clocker.model import HostView


@dataclass(frozen=True, slots=True)
class UpReport:
    """Names of hosts: made by this call, changed (bootstrapped anew), or found as they should
    be; ``recovered`` are containers left half-made or half-removed by processes that are gone."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DownReport:
    containers: tuple[str, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdoptReport:
    hosts: tuple[str, ...]
    containers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemnantsReport:
    """``failures``: of providers that could not be asked."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[ClockerError, ...] = ()


@dataclass(frozen=True, slots=True)
class GcReport:
    removed: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    failures: tuple[tuple[Finding, ClockerError], ...] = ()


@dataclass(frozen=True, slots=True)
class MoveReport:
    """``source``, ``target``: names of hosts, the same when it was there already. ``away_s``: from
    the beginning of its stop to the end of its start; None for one that did not run."""

    name: str
    source: str
    target: str
    address: str
    away_s: float | None = None


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    zone: str
    hosts: tuple[HostView, ...]
    subnet: str
    addresses_free: int
    store: str
