from __future__ import annotations

import click

from clocker.cli import names
from clocker.cli.session import Session, pass_session


@click.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on.")
@click.option("-n", "--tail", type=click.IntRange(0), metavar="LINES", help="The last lines only.")
@click.argument("name", shell_complete=names.containers)
@pass_session
def logs(session: Session, name: str, follow: bool, tail: int | None) -> None:
    """Show what a container has printed.

    \b
    Example:
      clocker logs --tail 20 --follow web
    """
    with session.open(silent=True) as cloud:
        for chunk in cloud.logs(name, follow=follow, tail=tail):
            click.echo(chunk, nl=False)
