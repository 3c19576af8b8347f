"""``clocker network``: a group of verbs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json, print_table
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import NetView


_repair_option = click.option(
    "--repair", is_flag=True, help="First tell every host its peers and names anew."
)


@click.group()
def network() -> None:
    """The cloud's networks: make, fill, look at and check them.

    \b
    Example:
      clocker network create blue
      clocker run --network blue --name db postgres
      clocker network check
    """


@network.command()
@click.option("--size", type=int, metavar="BITS", help="A prefix length: 24 has 254 addresses.")
@click.option("--subnet", metavar="CIDR", help="Within network.pool, instead of a size.")
@json_option
@click.argument("name")
@pass_session
def create(
    session: Session, size: int | None, subnet: str | None, as_json: bool, name: str
) -> None:
    """Make a network on every host; its subnet is carved from the cloud's pool.

    Nothing passes between two networks. Containers are CONTAINER.NAME.CLOUD.clocker there.

    \b
    Example:
      clocker network create blue
      clocker network create small --size 28
    """
    with session.open(silent=as_json) as cloud:
        made = cloud.create_network(name, prefix=size, subnet=subnet)
    if as_json:
        _print(made)
    else:
        click.echo(f"{made.net.name}  {made.net.subnet}  (names: CONTAINER.{made.zone})")


@network.command()
@json_option
@pass_session
def ls(session: Session, as_json: bool) -> None:
    """List the networks, and how many addresses of each are in use.

    \b
    Example:
      clocker network ls
    """
    with session.open(silent=True) as cloud:
        views = cloud.networks()
    if as_json:
        from clocker.cli import network_shapes as shapes

        print_json({"networks": [shapes.network(view) for view in views]})
        return
    rows = [
        (view.net.name, view.net.subnet, view.zone, str(len(view.addresses)), str(view.total))
        for view in views
    ]
    print_table(("NETWORK", "SUBNET", "ZONE", "IN USE", "ADDRESSES"), rows)


@network.command()
@json_option
@click.argument("name", shell_complete=complete.networks)
@pass_session
def inspect(session: Session, as_json: bool, name: str) -> None:
    """Show a network and whose its addresses are.

    \b
    Example:
      clocker network inspect blue
    """
    with session.open(silent=True) as cloud:
        view = cloud.network(name)
    if as_json:
        _print(view)
        return
    click.echo(f"network    {view.net.name}")
    click.echo(f"subnet     {view.net.subnet}")
    click.echo(f"zone       {view.zone}")
    click.echo(f"addresses  {len(view.addresses)} of {view.total} in use\n")
    rows = [(address, *owner.split("/", 1)) for address, owner in view.addresses.items()]
    print_table(("ADDRESS", "KIND", "NAME"), rows)


@network.command()
@click.argument("name", shell_complete=complete.networks)
@pass_session
def rm(session: Session, name: str) -> None:
    """Remove a network from every host; refused while containers are on it.

    \b
    Example:
      clocker network rm blue
    """
    with session.open() as cloud:
        cloud.remove_network(name)
    click.echo(f"{name}  removed")


@network.command()
@click.option("--ip", metavar="ADDRESS", help="A fixed one (default: one is chosen).")
@json_option
@click.argument("name", shell_complete=complete.networks)
@click.argument("container", shell_complete=complete.containers)
@pass_session
def attach(session: Session, ip: str | None, as_json: bool, name: str, container: str) -> None:
    """Put a container, running or not, on one more network.

    \b
    Example:
      clocker network attach blue web
    """
    from clocker.cli.request_options import address

    with session.open(silent=as_json) as cloud:
        there = cloud.attach(container, name, None if ip is None else address(ip))
    if as_json:
        print_json({"container": container, "network": name, "address": there.address})
    else:
        click.echo(f"{container}  {there.address}  {name}")


@network.command()
@click.argument("name", shell_complete=complete.networks)
@click.argument("container", shell_complete=complete.containers)
@pass_session
def detach(session: Session, name: str, container: str) -> None:
    """Take a container off a network; not off its first one.

    \b
    Example:
      clocker network detach blue web
    """
    with session.open() as cloud:
        cloud.detach(container, name)
    click.echo(f"{container}  detached from {name}")


@network.command()
@json_option
@pass_session
def status(session: Session, as_json: bool) -> None:
    """Show driver, peers and addresses in use, as every host says.

    \b
    Example:
      clocker network status
    """
    from clocker.cli import network_reports

    with session.open(silent=True) as cloud:
        found = cloud.network_status()
    network_reports.status(found, as_json=as_json)


@network.command()
@click.option(
    "--containers",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    help="How many of each network take part.",
)
@_repair_option
@json_option
@pass_session
@click.pass_context
def check(
    ctx: click.Context, session: Session, containers: int, repair: bool, as_json: bool
) -> None:
    """Send real packets between all hosts and some containers; exits with 4 when something is
    wrong, and says what and why.

    \b
    Example:
      clocker network check
      clocker network check --containers 20 --json
    """
    from clocker.cli import network_reports

    with session.open(silent=as_json) as cloud:
        if repair:
            cloud.repair_network()
        found = cloud.check_network(containers)
    ctx.exit(network_reports.check(found, as_json=as_json))


@click.command()
@_repair_option
@json_option
@pass_session
@click.pass_context
def dns(ctx: click.Context, session: Session, repair: bool, as_json: bool) -> None:
    """Show the names of every network, and ask every host for them; exits with 4 when one
    answers wrongly.

    \b
    Example:
      clocker dns
      clocker dns --repair
    """
    from clocker.cli import network_reports

    with session.open(silent=as_json) as cloud:
        if repair:
            cloud.repair_network()
        found = cloud.check_names()
    ctx.exit(network_reports.names(found, as_json=as_json))


def _print(view: NetView) -> None:
    from clocker.cli import network_shapes as shapes

    print_json(shapes.network(view))
