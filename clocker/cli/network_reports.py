"""What checks of the networks found, as tables. Each returns the exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clocker.cli import network_shapes as shapes
from clocker.cli.output import print_json, print_table
from clocker.cloud.findings import NameState
from clocker.errors import InfrastructureError

if TYPE_CHECKING:
    from clocker.cloud import DnsReport, NetworkReport, NetworkStatus
    from clocker.cloud.findings import Findings, NameFinding, Path

_WRONG = InfrastructureError.exit_code
_LEGEND = "ok: whole packets pass; MTU n: only up to n bytes do; lost: nothing passes"


def status(found: NetworkStatus, *, as_json: bool) -> None:
    if as_json:
        print_json(shapes.status(found))
        return
    click.echo(f"driver  {found.driver}\n")
    rows = [
        (view.net.name, view.net.subnet, f"{len(view.addresses)} of {view.total}")
        for view in found.nets
    ]
    print_table(("NETWORK", "SUBNET", "ADDRESSES IN USE"), rows)
    click.echo()
    hosts = []
    for item in found.hosts:
        link = item.link
        on_it = sum(view.net.name == item.network for view in found.nets)
        said = ("-", "-", item.error or "-")
        if link and on_it:
            said = (str(link.mtu), link.encryption, ", ".join(link.peers) or "none")
        hosts.append((item.host, item.network, *said))
    print_table(("HOST", "NETWORK", "MTU", "ENCRYPTION", "PEERS"), hosts)


def check(found: NetworkReport, *, as_json: bool) -> int:
    if as_json:
        print_json(shapes.check(found))
        return _WRONG if found.problems else 0
    _show_paths(found.findings)
    asked = Counter(str(item.state) for item in found.findings.names)
    if asked:
        said = ", ".join(f"{count} {state}" for state, count in sorted(asked.items()))
        click.echo(f"names: {said}")
    for problem in found.problems:
        click.echo(f"\n{problem.what}\n  likely cause: {problem.cause}\n  remedy: {problem.remedy}")
    if not found.problems:
        click.echo("nothing is wrong")
    return _WRONG if found.problems else 0


def names(found: DnsReport, *, as_json: bool) -> int:
    if as_json:
        print_json(shapes.names(found))
        return 0 if found.is_right else _WRONG
    for zone, records in found.zones.items():
        click.echo(f"{zone}")
        for name, addresses in records.items():
            click.echo(f"  {name}  {', '.join(addresses)}")
    click.echo()
    _show_answers(found)
    if not found.is_right:
        click.echo("remedy: clocker dns --repair")
    return 0 if found.is_right else _WRONG


def _show_paths(findings: Findings) -> None:
    networks = dict.fromkeys(path.source.network for path in findings.paths)
    for network in networks:
        paths = [path for path in findings.paths if path.source.network == network]
        encryption = {h.link.encryption for h in findings.hosts if h.link and h.network == network}
        click.echo(f"network {network}, encryption {', '.join(sorted(encryption))}")
        _show_matrix(paths)
        click.echo()
    if findings.paths:
        click.echo(_LEGEND)


def _show_matrix(paths: Sequence[Path]) -> None:
    sources = list(dict.fromkeys(path.source.name for path in paths))
    targets = list(dict.fromkeys([*sources, *(path.target.name for path in paths)]))
    cells = {(path.source.name, path.target.name): _cell(path) for path in paths}
    rows = [(source, *(cells.get((source, t), "-") for t in targets)) for source in sources]
    print_table(("FROM \\ TO", *targets), rows)


def _cell(path: Path) -> str:
    if path.mtu is None:
        return "lost"
    return "ok" if path.is_right else f"MTU {path.mtu}"


def _show_answers(found: DnsReport) -> None:
    hosts: dict[tuple[str, str], list[NameFinding]] = {}
    for item in found.findings:
        hosts.setdefault((item.host, item.network), []).append(item)
    rows = []
    for (host, network), items in hosts.items():
        counts = Counter(item.state for item in items)
        rows.append((host, network, *(str(counts[state]) for state in NameState)))
    print_table(("HOST", "NETWORK", *(state.value.upper() for state in NameState)), rows)
    for item in found.findings:
        if item.state is not NameState.RIGHT:
            said = f", not {', '.join(item.expected)}" if item.expected else ""
            got = ", ".join(item.found) or "nothing"
            click.echo(f"{item.host}: {item.name} ({item.network}) is {item.state}: {got}{said}")
    for host, error in found.errors.items():
        click.echo(f"{host}: could not be asked: {error}")
