from __future__ import annotations

import click

from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session


@click.command("rotate-certs")
@json_option
@pass_session
def rotate_certs(session: Session, as_json: bool) -> None:
    """Replace the keys and certificates of engines that are reached by TLS.

    For clouds with `engine.access: tls`: a new authority, new keys and certificates on every
    host, and one for this controller. Containers run on; the engines are restarted twice. If it
    is interrupted, every host is reached as before, and the same command, or `up`, goes on.

    \b
    Example:
      clocker rotate-certs
    """
    with session.open(silent=as_json) as cloud:
        report = cloud.rotate_certs()
    if as_json:
        print_json(
            {
                "generation": report.generation,
                "hosts": list(report.hosts),
                "resumed": report.resumed,
            }
        )
        return
    completed = " (begun before, and completed now)" if report.resumed else ""
    click.echo(f"generation: {report.generation}{completed}")
    click.echo(f"hosts: {', '.join(report.hosts) or 'none'}")
