from __future__ import annotations

import click

from clocker.cli import names as complete
from clocker.cli.each import each
from clocker.cli.session import Session, pass_session

_names = click.argument("names", nargs=-1, required=True, shell_complete=complete.containers)
_grace = click.option(
    "--grace", metavar="TIME", help="Time to end by itself (default: the container's own)."
)


@click.command()
@_names
@pass_session
def start(session: Session, names: tuple[str, ...]) -> None:
    """Start containers that are stopped.

    \b
    Example:
      clocker start web
    """
    with session.open() as cloud:
        each(names, cloud.start, "started")


@click.command()
@_grace
@_names
@pass_session
def stop(session: Session, names: tuple[str, ...], grace: str | None) -> None:
    """Stop containers; they keep their place, name, address and files.

    \b
    Example:
      clocker stop --grace 30s web
    """
    grace_s = _seconds(grace)
    with session.open() as cloud:
        each(names, lambda name: cloud.stop(name, grace_s), "stopped")


@click.command()
@_grace
@_names
@pass_session
def restart(session: Session, names: tuple[str, ...], grace: str | None) -> None:
    """Stop and start containers; address and files stay.

    \b
    Example:
      clocker restart web db
    """
    grace_s = _seconds(grace)
    with session.open() as cloud:
        each(names, lambda name: cloud.restart(name, grace_s), "restarted")


def _seconds(grace: str | None) -> float | None:
    from clocker.cli.request_options import duration

    return None if grace is None else duration("--grace", grace)
