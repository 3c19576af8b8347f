from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clocker.cli.output import age, print_json, print_table
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud import Finding, GcReport
    from clocker.errors import ClockerError


@click.command()
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go and stop.")
@click.option(
    "--grace",
    default="1h",
    show_default=True,
    metavar="TIME",
    help="What is younger stays.",
)
@yes_option
@json_option
@pass_session
def gc(session: Session, dry_run: bool, grace: str, yes: bool, as_json: bool) -> None:
    """Remove what is left of the cloud at its providers: machines, volumes, key pairs, security
    groups and networks that carry its tags and key, and that nothing on record uses.

    It is shown first, and asked about. What is younger than the grace stays, and so does
    whatever does not say that this very cloud made it. If the cloud's records were lost, let
    `clocker adopt` take its machines in first.

    \b
    Example:
      clocker gc --dry-run
      clocker gc --grace 10m --yes
    """
    from clocker.cli.request_options import duration

    grace_s = duration("--grace", grace)
    with session.open(silent=as_json) as cloud:
        found = cloud.remnants(grace_s)
        going = [finding for finding in found.findings if finding.goes]
        if not as_json:
            _show(found.findings)
        if going and not dry_run:
            confirm(f"Remove {_counted(going)}?", yes=yes)
        report = None if dry_run else cloud.gc(found.findings)
    if as_json:
        _print(report, found.findings)
    elif report is not None:
        for finding in report.removed:
            click.echo(f"{finding.thing.remnant.name}  removed")
    failed = [error for _, error in report.failures] if report else []
    _raise_last([*found.failures, *failed])


def _counted(findings: Sequence[Finding]) -> str:
    kinds = Counter(str(finding.thing.remnant.kind) for finding in findings)
    return ", ".join(f"{count} {kind}{'s' * (count > 1)}" for kind, count in kinds.items())


def _show(findings: Sequence[Finding]) -> None:
    if not findings:
        click.echo("nothing is left over")
        return
    rows = []
    for finding in findings:
        remnant = finding.thing.remnant
        what = (str(remnant.kind), remnant.name, remnant.id, finding.thing.provider)
        outcome = "goes" if finding.goes else "stays"
        rows.append((*what, age(finding.since), outcome, finding.reason))
    print_table(("KIND", "NAME", "ID", "PROVIDER", "AGE", "OUTCOME", "REASON"), rows)


def _print(report: GcReport | None, findings: Sequence[Finding]) -> None:
    from clocker.cli import shapes

    if report is None:
        outcomes = [(item, "goes" if item.goes else "stays", item.reason) for item in findings]
    else:
        outcomes = [(item, "removed", item.reason) for item in report.removed]
        outcomes += [(item, "stays", item.reason) for item in report.kept]
        outcomes += [(item, "failed", error.what) for item, error in report.failures]
    print_json({"remnants": [shapes.remnant(*outcome) for outcome in outcomes]})


def _raise_last(failures: Sequence[ClockerError]) -> None:
    """Every failure is told; the last one decides how this ends."""
    for failure in failures[:-1]:
        click.echo(f"error: {failure}", err=True)
    if failures:
        raise failures[-1]
