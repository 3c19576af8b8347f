from __future__ import annotations

import click

from clocker.cli import names as complete
from clocker.cli.each import each
from clocker.cli.session import Session, confirm, pass_session, yes_option


@click.command()
@click.option("--all", "everything", is_flag=True, help="Every container of the cloud.")
@yes_option
@click.argument("names", nargs=-1, shell_complete=complete.containers)
@pass_session
@click.pass_context
def rm(
    ctx: click.Context, session: Session, names: tuple[str, ...], everything: bool, yes: bool
) -> None:
    """Remove containers with their files; names and addresses become free.

    \b
    Example:
      clocker rm web db
      clocker rm --all --yes
    """
    if everything == bool(names):
        raise click.UsageError("name containers, or give --all", ctx)
    with session.open() as cloud:
        chosen = [item.name for item in cloud.list()] if everything else list(names)
        if not chosen:
            click.echo("nothing to remove")
            return
        confirm(f"Remove {_listed(chosen)}?", yes=yes)
        each(chosen, cloud.release, "removed")


def _listed(chosen: list[str]) -> str:
    shown = ", ".join(chosen[:10])
    return shown if len(chosen) <= 10 else f"{len(chosen)} containers ({shown}, ...)"
