from __future__ import annotations

import click

from clocker.cli.output import print_json
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option


@click.command()
@yes_option
@json_option
@pass_session
def down(session: Session, yes: bool, as_json: bool) -> None:
    """Remove all containers and hosts of the cloud, and what is kept about it.

    \b
    Example:
      clocker down
      clocker down --yes
    """
    with session.open(silent=as_json) as cloud:
        hosts = cloud.hosts()
        containers = sum(len(view.containers) for view in hosts)
        question = f"Remove cloud {cloud.spec.name}: {len(hosts)} hosts, {containers} containers?"
        confirm(question, yes=yes)
        report = cloud.down()
    if as_json:
        print_json({"containers": list(report.containers), "hosts": list(report.hosts)})
        return
    if not report.hosts and not report.containers:
        click.echo("nothing to remove")
    if report.containers:
        click.echo(f"removed containers: {', '.join(report.containers)}")
    if report.hosts:
        click.echo(f"removed hosts: {', '.join(report.hosts)}")
