from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli.output import age, print_json, print_table
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.model import Container

_HEADINGS = ("NAME", "IMAGE", "HOST", "ADDRESS", "STATE", "PORTS", "PRIVILEGED", "AGE")


@click.command()
@json_option
@click.option("-q", "--names", is_flag=True, help="Names only.")
@pass_session
def ps(session: Session, as_json: bool, names: bool) -> None:
    """List the containers, as they are on record: no host is asked.

    \b
    Example:
      clocker ps
      clocker ps --json
    """
    with session.open(silent=True) as cloud:
        containers = cloud.list()
        hosts = {} if names else {view.host.id: view.host.name for view in cloud.hosts()}
    if as_json:
        from clocker.cli import shapes

        listed = [shapes.container(item, hosts.get(item.host_id, "-")) for item in containers]
        print_json({"containers": listed})
    elif names:
        click.echo("".join(f"{item.name}\n" for item in containers), nl=False)
    else:
        print_table(_HEADINGS, [_row(item, hosts.get(item.host_id, "-")) for item in containers])


def _row(item: Container, host: str) -> tuple[str, ...]:
    ports = (f"{p.host_port}->{p.container}/{p.protocol}" for p in item.ports)
    return (
        item.name,
        item.request.image,
        host,
        item.address,
        item.state,
        ",".join(ports) or "-",
        "yes" if item.request.privileged else "-",
        age(item.created_at),
    )
