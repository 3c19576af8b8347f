from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clocker.cli.output import amount, print_json
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud import UpReport
    from clocker.model import HostRequest

# What these make is containers on this machine: nothing is spent.
_FREE = ("local", "localhost")


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and stop.")
@yes_option
@json_option
@pass_session
def up(session: Session, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make the cloud's hosts, and mend those that differ from the document.

    What would be made is shown first, and asked about where it costs money. A second `up`
    changes nothing. If it is interrupted, the same command goes on.

    \b
    Example:
      clocker up --dry-run
      clocker up --yes
    """
    with session.open(silent=as_json) as cloud:
        plan = cloud.plan_up()
        places = sorted({request.provider for request in plan})
        provider = " and ".join(places)
        if not as_json:
            _show_plan(provider, plan)
        if dry_run:
            if as_json:
                _print_plan(plan)
            return
        if not set(places) <= set(_FREE):
            confirm(f"Make {_hosts(len(plan))} at {provider}?", yes=yes)
        report = cloud.up()
    if as_json:
        _print_report(report)
    else:
        _show_report(report)


def _show_plan(provider: str, plan: Sequence[HostRequest]) -> None:
    if plan:
        click.echo(f"to make at {provider}: {_hosts(len(plan))}", err=True)
    for request in plan:
        size = request.resources
        shape = f"  {amount(size.cores, size.ram_mb)}" if size.cores or size.ram_mb else ""
        click.echo(f"  {request.name}{shape}", err=True)


def _show_report(report: UpReport) -> None:
    changes = {
        "made": report.made,
        "changed": report.changed,
        "recovered": report.recovered,
    }
    for verb, names in changes.items():
        if names:
            click.echo(f"{verb}: {', '.join(names)}")
    if not any(changes.values()):
        click.echo(f"nothing to do: {_hosts(len(report.unchanged))} as they should be")


def _print_plan(plan: Sequence[HostRequest]) -> None:
    from clocker.cli import shapes

    print_json({"plan": [shapes.planned(request) for request in plan]})


def _print_report(report: UpReport) -> None:
    print_json(
        {
            "made": list(report.made),
            "changed": list(report.changed),
            "unchanged": list(report.unchanged),
            "recovered": list(report.recovered),
        }
    )


def _hosts(count: int) -> str:
    return f"{count} {'host' if count == 1 else 'hosts'}"
