from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names
from clocker.cli.replace import become
from clocker.cli.session import Session, pass_session

if TYPE_CHECKING:
    from clocker.cloud import Cloud


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("name", shell_complete=names.machines)
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
@pass_session
def ssh(session: Session, name: str, args: tuple[str, ...]) -> None:
    """Log in to a container that was requested with --ssh, or to a host; or run ARGS there.

    \b
    Example:
      clocker ssh web
      clocker ssh web -- uptime
    """
    words = list(args[1:] if args[:1] == ("--",) else args)
    with session.open() as cloud:
        argv = _command(cloud, name, words)
    become(argv)


@click.command("ssh-config")
@pass_session
def ssh_config(session: Session) -> None:
    """Print a config by which plain ssh, scp and rsync reach containers and hosts by name.

    \b
    Example:
      clocker ssh-config > ~/.ssh/clocker && ssh -F ~/.ssh/clocker web
    """
    with session.open(silent=True) as cloud:
        click.echo(cloud.ssh_config(), nl=False)


def _command(cloud: Cloud, name: str, args: list[str]) -> list[str]:
    from clocker.errors import NotFound

    try:
        return cloud.machine(name).ssh_command(args)
    except NotFound:
        if name not in {view.host.name for view in cloud.hosts()}:
            raise
    return list(cloud.host_ssh_command(name, args))
