from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from clocker.cli.output import print_json
from clocker.cli.plan import agree, hosts, print_plan, show_plan
from clocker.cli.session import Session, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud import UpReport


@click.command()
@click.option(
    "-n", "--dry-run", is_flag=True, help="Show the plan and stop, as `clocker plan` does."
)
@yes_option
@json_option
@pass_session
def up(session: Session, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Make the cloud's hosts, and mend those that differ from the document.

    What would be made is shown first, with its price, and asked about unless all of it is
    free. A second `up` changes nothing. If it is interrupted, the same command goes on.

    \b
    Example:
      clocker up --dry-run
      clocker up --yes
    """
    with session.open(silent=as_json) as cloud:
        plan = cloud.plan_up()
        if dry_run and as_json:
            return print_plan(plan)
        if dry_run:
            return show_plan(plan, sys.stdout)
        agree(session, plan, yes=yes, as_json=as_json)
        report = cloud.up()
    if as_json:
        return _print_report(report)
    return _show_report(report)


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
        click.echo(f"nothing to do: {hosts(len(report.unchanged))} as they should be")


def _print_report(report: UpReport) -> None:
    print_json(
        {
            "made": list(report.made),
            "changed": list(report.changed),
            "unchanged": list(report.unchanged),
            "recovered": list(report.recovered),
        }
    )
