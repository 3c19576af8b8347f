from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import ScaleReport


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done and stop.")
@json_option
@pass_session
@click.pass_context
def scale(ctx: click.Context, session: Session, dry_run: bool, as_json: bool) -> None:
    """Make or remove hosts so that there is the room that the headroom of clocker.yaml says.

    Decides and acts once, and says in one line what and why: for cron and systemd timers
    (scripts/install-timer). Runs that overlap do no harm. Exits with 3 while room is missing.

    \b
    Example:
      clocker scale --dry-run
      clocker --quiet scale
    """
    with session.open(silent=as_json) as cloud:
        report = cloud.scale(dry_run=dry_run)
        if as_json:
            _print(report)
        else:
            click.echo(f"dry run: {report.why}" if dry_run else report.why)
            for stay in report.stays:
                click.echo(f"{stay.name} stays: {stay.reason}")
    ctx.exit(3 if report.short else 0)


def _print(report: ScaleReport) -> None:
    print_json(
        {
            "why": report.why,
            "wanted": report.wanted,
            "room": report.room,
            "added": list(report.added),
            "removed": list(report.removed),
            "kept": list(report.back),
            "stays": [{"host": stay.name, "reason": stay.reason} for stay in report.stays],
            "short": report.short,
        }
    )
