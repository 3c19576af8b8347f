from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import Healed, HealReport


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be done and stop.")
@click.option(
    "--fenced",
    multiple=True,
    metavar="HOST",
    shell_complete=complete.hosts,
    help="This host is off for certain: replace it now.",
)
@json_option
@pass_session
@click.pass_context
def heal(
    ctx: click.Context, session: Session, dry_run: bool, fenced: tuple[str, ...], as_json: bool
) -> None:
    """Restart containers that failed, replace hosts that died, clean those that came back.

    Looks, decides and acts once, and says in one line each what it did and why: for cron and
    systemd timers (scripts/install-timer). A dead host is fenced, then its containers are made
    anew elsewhere with name, address and ports. Runs that overlap do no harm. Exits with 3 while
    something is left that only a person can mend, with 4 when something could not be done.

    \b
    Example:
      clocker heal --dry-run
      clocker --quiet heal
      clocker heal --fenced demo-1
    """
    with session.open(silent=as_json) as cloud:
        report = cloud.heal(dry_run=dry_run, fenced=fenced)
        if as_json:
            print_json(_shape(report))
        else:
            click.echo("".join(f"{line}\n" for line in _lines(report, dry_run=dry_run)), nl=False)
    ctx.exit(exit_code(report))


def exit_code(report: HealReport) -> int:
    if any(error.exit_code != 3 for error in report.failures):
        return 4
    return 3 if report.failures or report.given_up else 0


def _lines(report: HealReport, *, dry_run: bool) -> list[str]:
    """One for each thing, in the order in which they were done."""
    lines = [f"{name}  recovered: what was begun with it is ended" for name in report.recovered]
    lines += [_line(item, dry_run=dry_run) for item in report.done]
    lines += [f"{item.subject}  waits: {item.why}" for item in report.pending]
    lines += [report.breaker] if report.breaker else []
    for trouble in report.troubles:
        lines.append(f"{trouble.subject}  is left as it is: {trouble.why}")
        lines += [f"  remedy: {trouble.remedy}"] if trouble.remedy else []
    return lines or [report.note or "nothing to do"]


def _line(item: Healed, *, dry_run: bool) -> str:
    place = f" on {item.host}" if item.host and item.host != item.subject else ""
    if item.error is not None:
        said = str(item.error).replace("\n", "\n  ")
        return f"{item.subject}  not {item.did}{place} ({item.why}): {said}"
    return f"{item.subject}  {'to be ' if dry_run else ''}{item.did}{place}: {item.why}"


def _shape(report: HealReport) -> dict[str, object]:
    return {
        "done": [
            {
                "did": item.did,
                "subject": item.subject,
                "host": item.host or None,
                "why": item.why,
                "error": item.error.what if item.error else None,
            }
            for item in report.done
        ],
        "pending": [
            {"subject": item.subject, "why": item.why, "until": item.until}
            for item in report.pending
        ],
        "troubles": [
            {"subject": item.subject, "why": item.why, "remedy": item.remedy or None}
            for item in report.troubles
        ],
        "breaker": report.breaker,
        "recovered": list(report.recovered),
        "note": report.note or None,
    }
