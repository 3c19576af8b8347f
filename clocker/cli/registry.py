"""``clocker registry``: a group of verbs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli.output import print_json, print_table
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud.registry import RegistryView

_HEADINGS = ("NAME", "CONTAINER", "HOST", "STATE", "USE")


@click.group()
def registry() -> None:
    """Where images come from and go to: run one in the cloud, list them, see if hosts are let in.

    \b
    Example:
      clocker registry run
      clocker registry login-check registry
    """


@registry.command()
@click.option("--name", default="registry", show_default=True, help="Of its container.")
@click.option("--image", metavar="IMAGE", help="One that is a registry (default: installed).")
@click.option(
    "--base", default="debian:12", show_default=True, help="What the registry is installed in."
)
@click.option("--cores", type=float, default=0.0, help="Booked on the host; 0: none.")
@click.option("--ram", default="0", metavar="SIZE", help="Booked, and the limit: 512MiB, 1GiB.")
@json_option
@pass_session
def run(
    session: Session, name: str, image: str | None, base: str, cores: float, ram: str, as_json: bool
) -> None:
    """Run a registry in the cloud, with TLS and a password; images are then shared by it.

    Its password follows from the cloud's key, its certificate is from an authority that all hosts
    of the cloud are told of. Its images are in the volume NAME-data. Again: renews the certificate
    where that is due, and tells the hosts.

    \b
    Example:
      clocker registry run
      clocker registry run --name images --image registry:2
    """
    from clocker.cli import request_options as parse
    from clocker.cloud.registry import RegistryWishes
    from clocker.model import Resources

    resources = Resources(parse.cores(cores), parse.ram(ram))
    with session.open(silent=as_json) as cloud:
        view = cloud.run_registry(name, RegistryWishes(image, base, resources))
    if as_json:
        from clocker.cli import shapes_registry as shapes

        print_json({"registry": shapes.registry(view)})
    else:
        click.echo(f"{view.registry.name}  {view.registry.address}  {view.host}")


@registry.command()
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the registries of clocker.yaml, and those that are containers of the cloud.

    USE is shared (what is made of images goes there), mirror (asked before Docker Hub) or
    insecure.

    \b
    Example:
      clocker registry ls
    """
    with session.open(silent=True) as cloud:
        found = cloud.registries()
    if as_json:
        from clocker.cli import shapes_registry as shapes

        print_json({"registries": [shapes.registry(view) for view in found]})
    else:
        print_table(_HEADINGS, [_row(view) for view in found])


@registry.command()
@click.option("--data", is_flag=True, help="With all images that are in it.")
@yes_option
@click.argument("name")
@pass_session
def rm(session: Session, name: str, data: bool, yes: bool) -> None:
    """Remove a registry of the cloud; the hosts forget it. Its images stay, in their volume.

    \b
    Example:
      clocker registry rm registry
      clocker registry rm --data --yes images
    """
    with session.open() as cloud:
        confirm(f"Remove the registry {name}{' and all its images' if data else ''}?", yes=yes)
        cloud.remove_registry(name, data=data)
        click.echo(f"{name}  removed")


@registry.command("login-check")
@json_option
@click.argument("name")
@pass_session
@click.pass_context
def login_check(ctx: click.Context, session: Session, name: str, as_json: bool) -> None:
    """See whether a registry lets every host in: reached, trusted, the password accepted.

    NAME is its name in clocker.yaml, or that of its container. Exits with 4 if one is not let in.

    \b
    Example:
      clocker registry login-check registry.example.org:5000/team
    """
    with session.open(silent=True) as cloud:
        checks = cloud.check_registry(name)
    if as_json:
        from clocker.cli import shapes_registry as shapes

        print_json({"checks": [shapes.check(item) for item in checks]})
    for item in () if as_json else checks:
        remedy = f"\n  remedy: {item.error.remedy}" if item.error and item.error.remedy else ""
        click.echo(f"{item.host}  {item.error.what if item.error else 'is let in'}{remedy}")
    if any(item.error for item in checks):
        ctx.exit(4)


def _row(view: RegistryView) -> tuple[str, ...]:
    found = view.registry
    uses = {"shared": view.shared, "mirror": found.mirror, "insecure": found.insecure}
    return (
        found.name,
        view.container or "-",
        view.host or "-",
        str(view.state or "-"),
        ",".join(use for use, is_so in uses.items() if is_so) or "-",
    )
