"""``clocker image copy``, ``rm`` and ``prune``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import age, print_json, print_table, size
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud import PruneReport
    from clocker.errors import ClockerError
    from clocker.images.prune import ImageFinding

_HEADINGS = ("HOST", "NAME", "KIND", "SIZE", "AGE", "OUTCOME", "REASON")

_host_option = click.option(
    "--host", "hosts", multiple=True, metavar="NAME", help="Of this host only; may be repeated."
)


@click.command()
@json_option
@click.argument("image", shell_complete=complete.images)
@click.argument("host", shell_complete=complete.hosts)
@pass_session
def copy(session: Session, as_json: bool, image: str, host: str) -> None:
    """Copy an image to a host, from another host or this machine; no registry is asked.

    Only the layers that are missing there travel, through this machine. One that is there
    already is left alone.

    \b
    Example:
      clocker image copy nginx:1.25 demo-2
    """
    with session.open(silent=as_json) as cloud:
        done = cloud.stock().copy(image, host)
    if as_json:
        shape = {"name": done.name, "id": done.id, "host": done.host, "was_there": done.was_there}
        print_json({"image": shape})
    else:
        click.echo(f"{done.name}  {'is there already' if done.was_there else 'copied'}")


@click.command()
@_host_option
@yes_option
@json_option
@click.argument(
    "names", nargs=-1, required=True, metavar="IMAGE...", shell_complete=complete.images
)
@pass_session
def rm(
    session: Session, hosts: tuple[str, ...], yes: bool, as_json: bool, names: tuple[str, ...]
) -> None:
    """Remove images from the hosts, or some of them.

    Refused, with nothing removed, while a container uses one of them. The next container that
    needs one that is generated installs it anew.

    \b
    Example:
      clocker image rm old/app:1
      clocker image rm --host demo-1 --yes clocker/install:3f2a nginx:1.24
    """
    where = f" from {', '.join(hosts)}" if hosts else " from all hosts"
    confirm(f"Remove {', '.join(names)}{where}?", yes=yes)
    with session.open(silent=as_json) as cloud:
        removed = cloud.stock().remove(names, hosts)
    if as_json:
        print_json({"removed": [{"name": each.reason, "host": each.host} for each in removed]})
    else:
        click.echo(
            "".join(f"{each.reason}  removed from {each.host}\n" for each in removed), nl=False
        )


@click.command()
@click.option(
    "--older-than", default="168h", show_default=True, metavar="TIME", help="Such images go."
)
@click.option("--max-disk", metavar="SIZE", help="Then the oldest, until a host has no more.")
@click.option("--all", "all_kinds", is_flag=True, help="Also what Clocker could not make again.")
@click.option("-n", "--dry-run", is_flag=True, help="Show what would go and stop.")
@_host_option
@yes_option
@json_option
@pass_session
def prune(
    session: Session,
    older_than: str,
    max_disk: str | None,
    all_kinds: bool,
    dry_run: bool,
    hosts: tuple[str, ...],
    yes: bool,
    as_json: bool,
) -> None:
    """Remove images that nothing uses: those that are old, and then the oldest of a host whose
    images have more than --max-disk together.

    What goes is what Clocker makes by itself and would make again (generated, ssh); with --all
    also what was brought, built or pulled. One in use never goes: by a container, on record or on
    the engine, or by one that is just being made. Images that share layers count each in full.

    \b
    Example:
      clocker image prune --dry-run
      clocker image prune --older-than 24h --max-disk 20GiB --yes
    """
    from clocker.cli.request_options import disk, duration
    from clocker.images.prune import Limits

    most = disk("--max-disk", max_disk) * 1024 * 1024 if max_disk else None
    limits = Limits(duration("--older-than", older_than), most, all_kinds)
    with session.open(silent=as_json) as cloud:
        found = cloud.stock().plan(limits, hosts)
        going = [finding for finding in found if finding.goes]
        if not as_json:
            _show(found)
        if going and not dry_run:
            confirm(f"Remove {len(going)} image{'s' * (len(going) > 1)}?", yes=yes)
        report = None if dry_run else cloud.stock().prune(found)
    if as_json:
        _print(report, found)
    elif report is not None:
        for finding in report.removed:
            click.echo(f"{finding.name}  removed from {finding.host}")
    _raise_last([error for _, error in report.failures] if report else [])


COMMANDS = (copy, rm, prune)


def _show(found: Sequence[ImageFinding]) -> None:
    if not found:
        click.echo("there are no images")
        return
    print_table(_HEADINGS, [_row(finding) for finding in found])


def _row(finding: ImageFinding) -> tuple[str, ...]:
    from clocker.images import kind_of

    image = finding.image
    return (
        finding.host,
        finding.name,
        kind_of(image),
        size(image.size_bytes),
        age(image.created_at) if image.created_at else "-",
        "goes" if finding.goes else "stays",
        finding.reason,
    )


def _print(report: PruneReport | None, found: Sequence[ImageFinding]) -> None:
    from clocker.cli import shapes

    if report is None:
        outcomes = [(each, "goes" if each.goes else "stays", each.reason) for each in found]
    else:
        outcomes = [(each, "removed", each.reason) for each in report.removed]
        outcomes += [(each, "stays", each.reason) for each in report.kept]
        outcomes += [(each, "failed", error.what) for each, error in report.failures]
    print_json({"images": [shapes.image_finding(*outcome) for outcome in outcomes]})


def _raise_last(failures: Sequence[ClockerError]) -> None:
    """Every failure is told; the last one decides how this ends."""
    for failure in failures[:-1]:
        click.echo(f"error: {failure}", err=True)
    if failures:
        raise failures[-1]
