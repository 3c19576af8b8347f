"""From what a check found to what is wrong, and why. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from clocker.cloud.findings import (
    Findings,
    HostFinding,
    NameFinding,
    NameState,
    Path,
    Problem,
)

_UP = "clocker up"
_REPAIR = "clocker network check --repair"


def problems(findings: Findings, port: int) -> tuple[Problem, ...]:
    """Each with its likely cause, the one that explains most first. ``port``: UDP, between
    hosts."""
    away = {found.host for found in findings.hosts if found.error}
    return (
        *_away(findings.hosts),
        *_peers(findings.hosts),
        *_encryption(findings.hosts, findings.encryption),
        *_lost(findings, away, port),
        *_small(findings.paths),
        *_names(findings.names, away),
    )


def _away(hosts: Sequence[HostFinding]) -> Iterable[Problem]:
    for host in sorted({found.host for found in hosts if found.error}):
        why = next(found.error for found in hosts if found.host == host and found.error)
        yield Problem(
            f"host {host} could not be asked: {why}",
            "the machine is down, or its SSH or engine does not answer",
            f"start the machine, then {_UP}",
        )


def _peers(hosts: Sequence[HostFinding]) -> Iterable[Problem]:
    for found in hosts:
        if found.link is None or not found.link.device_mtu:
            continue
        missing = sorted(set(found.peers) - set(found.link.peers))
        surplus = sorted(set(found.link.peers) - set(found.peers))
        if missing or surplus:
            said = [f"does not know {', '.join(missing)}"] if missing else []
            said += [f"still knows {', '.join(surplus)}"] if surplus else []
            yield Problem(
                f"host {found.host} {' and '.join(said)} on network {found.network}",
                "it was away, or could not be told, when hosts came or went",
                _REPAIR,
            )


def _encryption(hosts: Sequence[HostFinding], wanted: str | None) -> Iterable[Problem]:
    for found in hosts:
        link = found.link
        if wanted and link and link.device_mtu and link.encryption != wanted:
            yield Problem(
                f"host {found.host} has encryption {link.encryption} on network {found.network}, "
                f"not {wanted}",
                "the document was changed after the host was made",
                _UP,
            )


def _lost(findings: Findings, away: set[str], port: int) -> Iterable[Problem]:
    lost = [path for path in findings.paths if path.mtu is None]
    lost = [path for path in lost if not away & {path.source.host, path.target.host}]
    known = {frozenset((path.source.host, path.target.host)) for path in lost if _hosts(path)}
    for network, paths in _by_network([path for path in lost if _hosts(path)]):
        yield from _lost_hosts(network, paths, findings.paths, port)
    for network, paths in _by_network([path for path in lost if not _hosts(path)]):
        # What the hosts themselves cannot reach is explained already.
        rest = [p for p in paths if frozenset((p.source.host, p.target.host)) not in known]
        yield from _lost_containers(network, rest, findings.paths)


def _lost_hosts(
    network: str, lost: Sequence[Path], every: Sequence[Path], port: int
) -> Iterable[Problem]:
    tried = [path for path in every if _hosts(path) and path.source.network == network]
    dead = []
    for host in sorted({path.source.host for path in lost}):
        own = [path for path in tried if host in (path.source.host, path.target.host)]
        if len(own) > 2 and all(path.mtu is None for path in own):
            dead.append(host)
            yield Problem(
                f"host {host} reaches no other host on network {network}, and none reaches it",
                f"a firewall of that host or its security group refuses UDP port {port}",
                f"let UDP port {port} in and out between the hosts; see whether "
                f"{_UP} says 'unchanged'",
            )
    pairs = {frozenset((path.source.host, path.target.host)) for path in lost}
    for pair in sorted(sorted(pair) for pair in pairs if not set(dead) & pair):
        one, other = pair
        directions = {(path.source.host, path.target.host) for path in lost}
        both = {(one, other), (other, one)} <= directions
        yield Problem(
            f"hosts {one} and {other} do not reach each other on network {network}"
            if both
            else f"packets from {one} to {other} are lost on network {network}"
            if (one, other) in directions
            else f"packets from {other} to {one} are lost on network {network}",
            f"something between these two refuses UDP port {port}: a firewall, a security group "
            "or a partition",
            f"let UDP port {port} pass between {one} and {other} both ways",
        )


def _lost_containers(
    network: str, lost: Sequence[Path], every: Sequence[Path]
) -> Iterable[Problem]:
    names = {place.name for path in lost for place in (path.source, path.target)}
    for name in sorted(names):
        own = [
            path
            for path in every
            if path.source.network == network and name in (path.source.name, path.target.name)
        ]
        missed = [path for path in lost if name in (path.source.name, path.target.name)]
        host = next(p.host for path in own for p in (path.source, path.target) if p.name == name)
        if name == host or not missed:
            continue
        at_home = [p for p in missed if p.source.host == p.target.host]
        if len(missed) == len(own) or at_home:
            yield Problem(
                f"container {name} is not reached on network {network}, not even by its own host"
                if at_home
                else f"container {name} is not reached on network {network}",
                "it has just ended, or a packet filter in it refuses pings",
                f"clocker inspect {name}; clocker restart {name}",
            )
        elif len(missed) > len(own) / 2:
            yield Problem(
                f"container {name} is reached by its own host only, on network {network}",
                "other hosts still look for its address at another place",
                f"clocker restart {name}",
            )


def _small(paths: Sequence[Path]) -> Iterable[Problem]:
    small = [path for path in paths if path.mtu is not None and path.mtu < path.expected]
    for network, those in _by_network(small):
        pairs = sorted({(path.source.host, path.target.host) for path in those})
        least = min(path.mtu or 0 for path in those)
        expected = max(path.expected for path in those)
        shown = ", ".join(f"{one} to {other}" for one, other in pairs[:3])
        more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        yield Problem(
            f"packets above {least} bytes are lost on network {network} ({shown}{more}), though "
            f"its MTU is {expected}",
            "the path between the hosts carries smaller packets than their own devices say",
            "give the hosts' network devices the path's MTU, remove the network's containers and "
            f"then {_UP}; a path that was mended is known to all within ten minutes",
        )


def _names(names: Sequence[NameFinding], away: set[str]) -> Iterable[Problem]:
    wrong = [found for found in names if found.state is not NameState.RIGHT]
    wrong = sorted(
        (found for found in wrong if found.host not in away),
        key=lambda found: (found.network, found.host, found.state),
    )
    for (network, host, state), group in groupby(
        wrong, key=lambda found: (found.network, found.host, found.state)
    ):
        listed = sorted({found.name for found in group})
        shown = ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
        cause = {
            NameState.MISSING: "a host that holds the names was away when they were published",
            NameState.WRONG: "a host that holds the names was away when they changed",
            NameState.STALE: "the host was away when they were removed",
            NameState.SILENT: "dnsmasq does not run on it, or the hosts that hold the names are "
            "away",
        }[state]
        yield Problem(
            f"names are {state} on host {host}, network {network}: {shown}", cause, _REPAIR
        )


def _hosts(path: Path) -> bool:
    return path.source.is_host and path.target.is_host


def _by_network(paths: Sequence[Path]) -> Iterable[tuple[str, list[Path]]]:
    ordered = sorted(paths, key=lambda path: path.source.network)
    for network, group in groupby(ordered, key=lambda path: path.source.network):
        yield network, list(group)
