"""``clocker image pull`` and ``push``: between the hosts and the registries."""

from __future__ import annotations

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session


@click.command()
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="HOST",
    shell_complete=complete.hosts,
    help="Only to this one (default: all).",
)
@json_option
@click.argument("reference")
@pass_session
def pull(session: Session, hosts: tuple[str, ...], as_json: bool, reference: str) -> None:
    """Pull an image from its registry to the hosts, also if they have one of that name.

    \b
    Example:
      clocker image pull nginx:1.27
      clocker image pull --host demo-1 registry.example.org:5000/team/app
    """
    with session.open(silent=as_json) as cloud:
        found = cloud.pull_image(reference, hosts)
    if as_json:
        from clocker.cli import shapes_registry as shapes

        print_json(shapes.pulled(found))
    else:
        click.echo(f"{found.name}  {found.image.id}  {','.join(found.hosts)}")


@click.command()
@click.option(
    "--host",
    metavar="HOST",
    shell_complete=complete.hosts,
    help="From this one (default: any that has it).",
)
@json_option
@click.argument("reference")
@click.argument("target", required=False)
@pass_session
def push(
    session: Session, host: str | None, as_json: bool, reference: str, target: str | None
) -> None:
    """Push an image that a host has to a registry, under the name TARGET.

    Without TARGET under its own name; if that names no registry, where images are shared. A push
    that was interrupted goes on where it stopped when it is given again.

    \b
    Example:
      clocker image push shop:1 registry.example.org:5000/team/shop:1
      clocker image push shop:1
    """
    with session.open(silent=as_json) as cloud:
        found = cloud.push_image(reference, target, host=host)
    if as_json:
        from clocker.cli import shapes_registry as shapes

        print_json(shapes.pushed(found))
    else:
        click.echo(f"{found.target}  {found.digest}  {found.host}")
