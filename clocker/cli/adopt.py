from __future__ import annotations

import click

from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session


@click.command()
@json_option
@pass_session
def adopt(session: Session, as_json: bool) -> None:
    """Rebuild a lost store from the tags on hosts and the labels on containers.

    \b
    Example:
      clocker adopt
    """
    with session.open(silent=as_json) as cloud:
        report = cloud.adopt()
    if as_json:
        print_json({"hosts": list(report.hosts), "containers": list(report.containers)})
        return
    click.echo(f"hosts: {', '.join(report.hosts) or 'none'}")
    click.echo(f"containers: {', '.join(report.containers) or 'none'}")
