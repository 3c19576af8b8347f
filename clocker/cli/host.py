"""``clocker host``: a group of verbs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json
from clocker.cli.plan import agree
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option
from clocker.cli.status import show_hosts

if TYPE_CHECKING:
    from clocker.cloud import DrainReport, MoveReport
    from clocker.model import Host

_volumes_option = click.option("--volumes", is_flag=True, help="Take their volumes with them.")
_grace_option = click.option(
    "--grace", metavar="TIME", help="Time to end by themselves (default: each one's own)."
)


@click.group()
def host() -> None:
    """The cloud's hosts: add, label, cordon, drain, repair and remove them.

    \b
    Example:
      clocker host ls
      clocker host add --count 2
      clocker host rm demo-1
    """


@host.command()
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the hosts and what is booked on them; the same as `clocker hosts`.

    \b
    Example:
      clocker host ls
    """
    with session.open(silent=True) as cloud:
        views = cloud.hosts()
    show_hosts(views, as_json=as_json)


@host.command()
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@yes_option
@json_option
@pass_session
def add(session: Session, count: int, yes: bool, as_json: bool) -> None:
    """Make more hosts, up to the cloud's maximum (hosts.maximum).

    They are shown first, with their price, and asked about unless all of it is free. Those that
    an earlier call began and nobody completes are among them.

    \b
    Example:
      clocker host add
      clocker host add --count 2 --yes
    """
    with session.open(silent=as_json) as cloud:
        agree(session, cloud.plan_add_hosts(count), yes=yes, as_json=as_json)
        added = cloud.add_hosts(count)
    if as_json:
        print_json({"added": list(added)})
    else:
        click.echo("".join(f"{name}  ready\n" for name in added), nl=False)


@host.command()
@json_option
@click.argument("name", shell_complete=complete.hosts)
@pass_session
def cordon(session: Session, as_json: bool, name: str) -> None:
    """Let a host take nothing new; what is on it runs on.

    \b
    Example:
      clocker host cordon demo-1
    """
    with session.open(silent=True) as cloud:
        record = cloud.host(name).cordon()
    _show(record, "cordoned", as_json=as_json)


@host.command()
@json_option
@click.argument("name", shell_complete=complete.hosts)
@pass_session
def uncordon(session: Session, as_json: bool, name: str) -> None:
    """Let a host take containers again.

    \b
    Example:
      clocker host uncordon demo-1
    """
    with session.open(silent=True) as cloud:
        record = cloud.host(name).uncordon()
    _show(record, "takes containers", as_json=as_json)


@host.command()
@json_option
@click.argument("name", shell_complete=complete.hosts)
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@pass_session
def label(session: Session, as_json: bool, name: str, labels: tuple[str, ...]) -> None:
    """Set labels of a host, which the rule host_labels looks at; KEY- takes one away.

    \b
    Example:
      clocker host label demo-1 disk=ssd rack=7
      clocker host label demo-1 rack-
    """
    changes = dict(_label(item) for item in labels)
    with session.open(silent=True) as cloud:
        record = cloud.host(name).label(changes)
    said = " ".join(f"{key}={value}" for key, value in sorted(record.labels.items()))
    _show(record, said or "no labels", as_json=as_json)


@host.command()
@_volumes_option
@_grace_option
@json_option
@click.argument("name", shell_complete=complete.hosts)
@pass_session
@click.pass_context
def drain(
    ctx: click.Context, session: Session, volumes: bool, grace: str | None, as_json: bool, name: str
) -> None:
    """Cordon a host and move its containers elsewhere, with name and address.

    They are stopped by their own signal, and have the grace to end. What cannot move (it has
    volumes, uses folders of the host, or fits nowhere else) is told and runs on; then the exit
    code is 3. The host stays cordoned.

    \b
    Example:
      clocker host drain demo-1
      clocker host drain --volumes --grace 30s demo-1
    """
    from clocker.cli.request_options import duration

    grace_s = None if grace is None else duration("--grace", grace)
    with session.open(silent=as_json) as cloud:
        report = cloud.host(name).drain(volumes=volumes, grace_s=grace_s)
    _show_drain(report, as_json=as_json)
    ctx.exit(3 if report.stayed else 0)


@host.command()
@click.option("--force", is_flag=True, help="Remove what cannot move with the host.")
@_volumes_option
@_grace_option
@yes_option
@json_option
@click.argument("name", shell_complete=complete.hosts)
@pass_session
def rm(
    session: Session,
    force: bool,
    volumes: bool,
    grace: str | None,
    yes: bool,
    as_json: bool,
    name: str,
) -> None:
    """Drain a host and give its machine back.

    Where something cannot move it stays, cordoned, and so does what is on it; with --force that is
    removed with the host. `clocker up` makes another one if there are fewer than hosts.count.

    \b
    Example:
      clocker host rm demo-1
      clocker host rm --force --yes demo-1
    """
    from clocker.cli.request_options import duration

    grace_s = None if grace is None else duration("--grace", grace)
    with session.open(silent=as_json) as cloud:
        found = cloud.host(name)
        if force:
            question = f"Remove host {found.record.name}, and all on it that cannot move?"
            confirm(question, yes=yes)
        report = found.remove(volumes=volumes, force=force, grace_s=grace_s)
    if as_json:
        moved = [_move(item) for item in report.moved]
        print_json({"host": name, "moved": moved, "removed": list(report.removed)})
        return
    _show_moved(report.moved)
    click.echo("".join(f"{item}  removed\n" for item in (*report.removed, name)), nl=False)


@host.command()
@json_option
@click.argument("name", shell_complete=complete.hosts)
@pass_session
def repair(session: Session, as_json: bool, name: str) -> None:
    """Bootstrap a host anew, and tell every host of the others; what runs on it runs on.

    One that failed or was left half-made is completed.

    \b
    Example:
      clocker host repair demo-1
    """
    with session.open(silent=as_json) as cloud:
        record = cloud.host(name).repair()
    _show(record, "repaired", as_json=as_json)


def _label(item: str) -> tuple[str, str | None]:
    key, sign, value = item.partition("=")
    if sign:
        return key, value
    if item.endswith("-") and len(item) > 1:
        return item[:-1], None
    raise click.UsageError(f"{item!r} is neither KEY=VALUE nor KEY-")


def _show(record: Host, said: str, *, as_json: bool) -> None:
    if as_json:
        from clocker.cli import shapes

        print_json({"host": shapes.host_record(record)})
    else:
        click.echo(f"{record.name}  {said}")


def _show_drain(report: DrainReport, *, as_json: bool) -> None:
    if as_json:
        moved = [_move(item) for item in report.moved]
        stayed = [{"name": item.name, "reason": item.reason} for item in report.stayed]
        print_json({"host": report.host, "moved": moved, "stayed": stayed})
        return
    _show_moved(report.moved)
    for stay in report.stayed:
        click.echo(f"{stay.name}  stays: {stay.reason}")
    click.echo(f"{report.host}  {'not empty' if report.stayed else 'empty'}, cordoned")


def _show_moved(moved: tuple[MoveReport, ...]) -> None:
    for item in moved:
        click.echo(f"{item.name}  {item.source} -> {item.target}")


def _move(report: MoveReport) -> dict[str, object]:
    return {
        "name": report.name,
        "from": report.source,
        "to": report.target,
        "address": report.address,
        "away_s": report.away_s,
    }
