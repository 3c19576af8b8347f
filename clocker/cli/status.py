from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from clocker.cli.output import age, amount, print_json, print_table
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import Status
    from clocker.model import HostView


@click.command()
@json_option
@pass_session
def status(session: Session, as_json: bool) -> None:
    """Show the cloud in one look: its hosts, room, addresses and store.

    \b
    Example:
      clocker status
      clocker status --json
    """
    with session.open(silent=True) as cloud:
        found = cloud.status()
    if as_json:
        _print_status(found)
        return
    containers = sum(len(view.containers) for view in found.hosts)
    click.echo(f"cloud       {found.name}   (names: CONTAINER.{found.zone})")
    click.echo(f"hosts       {len(found.hosts)}")
    click.echo(f"containers  {containers}")
    click.echo(f"network     {found.subnet}, {found.addresses_free} addresses free")
    click.echo(f"store       {found.store}")
    if found.hosts:
        click.echo()
        _show_hosts(found.hosts)


@click.command()
@json_option
@pass_session
def hosts(session: Session, as_json: bool) -> None:
    """List the hosts and what is booked on them.

    \b
    Example:
      clocker hosts
    """
    with session.open(silent=True) as cloud:
        views = cloud.hosts()
    show_hosts(views, as_json=as_json)


def show_hosts(views: Sequence[HostView], *, as_json: bool) -> None:
    if as_json:
        from clocker.cli import shapes

        print_json({"hosts": [shapes.host(view) for view in views]})
    else:
        _show_hosts(views)


def _print_status(found: Status) -> None:
    from clocker.cli import shapes

    print_json(
        {
            "name": found.name,
            "zone": found.zone,
            "subnet": found.subnet,
            "addresses_free": found.addresses_free,
            "store": found.store,
            "hosts": [shapes.host(view) for view in found.hosts],
        }
    )


def _show_hosts(views: Sequence[HostView]) -> None:
    rows = []
    for view in views:
        host = view.host
        rows.append(
            (
                host.name,
                host.provider,
                f"{host.state}, cordoned" if host.cordoned else str(host.state),
                host.address or "-",
                str(len(view.containers)),
                amount(view.booked.cores, view.booked.ram_mb),
                amount(host.capacity.cores, host.capacity.ram_mb),
                age(host.created_at),
            )
        )
    print_table(
        ("HOST", "PROVIDER", "STATE", "ADDRESS", "CONTAINERS", "BOOKED", "CAPACITY", "AGE"), rows
    )
    for view in views:
        if view.host.error:
            click.echo(f"{view.host.name}: {view.host.error}")
