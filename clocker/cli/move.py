from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import MoveReport


@click.command()
@click.option("--volumes", is_flag=True, help="Take its volumes with it.")
@click.option("--force", is_flag=True, help="Also if it uses folders of its host.")
@click.option("--grace", metavar="TIME", help="Time to end by itself (default: its own).")
@json_option
@click.argument("name", shell_complete=complete.containers)
@click.argument("host", required=False, shell_complete=complete.hosts)
@pass_session
def move(
    session: Session,
    name: str,
    host: str | None,
    volumes: bool,
    force: bool,
    grace: str | None,
    as_json: bool,
) -> None:
    """Take a container to another host, with its name, address and configuration.

    Without HOST the placement rules choose one. It is stopped, made anew over there and started;
    what it wrote outside of volumes is lost. If anything fails it runs where it was.

    \b
    Example:
      clocker move web
      clocker move --volumes db demo-2
    """
    from clocker.cli.request_options import duration

    grace_s = None if grace is None else duration("--grace", grace)
    with session.open(silent=as_json) as cloud:
        report = cloud.move(name, host, volumes=volumes, force=force, grace_s=grace_s)
        _tell(report, as_json=as_json)  # before what was made of images has been shared


def _tell(report: MoveReport, *, as_json: bool) -> None:
    if as_json:
        _print(report)
    elif report.source == report.target:
        click.echo(f"{report.name}  is on {report.target} already")
    else:
        away = "" if report.away_s is None else f"  away for {report.away_s:.1f} s"
        click.echo(f"{report.name}  {report.source} -> {report.target}{away}")


def _print(report: MoveReport) -> None:
    print_json(
        {
            "name": report.name,
            "from": report.source,
            "to": report.target,
            "address": report.address,
            "away_s": report.away_s,
        }
    )
