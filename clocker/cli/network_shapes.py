"""The JSON shapes of docs/json.md that networks have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clocker.cloud import DnsReport, NetView, NetworkReport, NetworkStatus
    from clocker.cloud.findings import HostFinding, NameFinding, Path, Problem


def network(view: NetView) -> dict[str, Any]:
    return {
        "name": view.net.name,
        "subnet": view.net.subnet,
        "zone": view.zone,
        "addresses": dict(view.addresses),
        "total": view.total,
        "created_at": view.net.created_at,
    }


def status(found: NetworkStatus) -> dict[str, Any]:
    return {
        "driver": found.driver,
        "networks": [network(view) for view in found.nets],
        "hosts": [host(item) for item in found.hosts],
    }


def check(found: NetworkReport) -> dict[str, Any]:
    findings = found.findings
    return {
        "ok": not found.problems,
        "problems": [problem(item) for item in found.problems],
        "hosts": [host(item) for item in findings.hosts],
        "paths": [path(item) for item in findings.paths],
        "names": [name(item) for item in findings.names],
    }


def names(found: DnsReport) -> dict[str, Any]:
    return {
        "ok": found.is_right,
        "zones": {
            zone: {name: list(addresses) for name, addresses in records.items()}
            for zone, records in found.zones.items()
        },
        "answers": [name(item) for item in found.findings],
        "errors": dict(found.errors),
    }


def host(found: HostFinding) -> dict[str, Any]:
    link = found.link
    return {
        "network": found.network,
        "host": found.host,
        "error": found.error,
        "mtu": link.mtu if link else None,
        "encryption": link.encryption if link else None,
        "peers": list(link.peers) if link else [],
    }


def path(found: Path) -> dict[str, Any]:
    return {
        "network": found.source.network,
        "from": found.source.name,
        "to": found.target.name,
        "reached": found.mtu is not None,
        "mtu": found.mtu,
        "expected_mtu": found.expected,
    }


def name(found: NameFinding) -> dict[str, Any]:
    return {
        "network": found.network,
        "host": found.host,
        "name": found.name,
        "state": str(found.state),
        "expected": list(found.expected),
        "found": list(found.found),
    }


def problem(found: Problem) -> dict[str, Any]:
    return {"what": found.what, "cause": found.cause, "remedy": found.remedy}
