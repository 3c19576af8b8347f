from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from clocker.cli import run_options
from clocker.cli.output import amount, print_json
from clocker.cli.plan import agree
from clocker.cli.run_request import request_of
from clocker.cli.session import Session, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.cloud import Cloud, ContainerMachine, PlannedContainer
    from clocker.model import ContainerRequest


@click.command(context_settings={"allow_interspersed_args": False})
@run_options.add
@click.option(
    "--count", type=click.IntRange(1, 1000), default=1, help="How many; NAME-1 to NAME-N."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show where, and which hosts would be made.")
@yes_option
@json_option
@click.argument("image", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_session
def run(
    session: Session, /, count: int, dry_run: bool, yes: bool, as_json: bool, **given: Any
) -> None:
    """Ask for a container, or several; prints name, address and host of each.

    A host is added when no host has room, up to the cloud's maximum: it is shown first, with its
    price, and asked about unless it is free. Options come before IMAGE; what follows it is the
    command. With --build there is no IMAGE: it is built, and all that follows is the command.

    \b
    Example:
      clocker run --name web --ram 512MiB -p 8080:80 nginx
      clocker run --count 3 --name job -e TOKEN debian sleep infinity
      clocker run --dry-run --rule 'country=in DE or NL' nginx
      clocker run --install nginx debian nginx -g 'daemon off;'
      clocker run --build ./shop --name shop -p 80
    """
    from clocker.cli.request_options import copies

    requests = copies(request_of(given), count)
    with session.open(silent=as_json) as cloud:
        if dry_run:
            _show_plan(cloud.plan_obtain(requests), as_json=as_json)
            return
        machines = _obtain(session, cloud, requests, yes=yes, as_json=as_json)
        _tell(machines, as_json=as_json)  # before what was made of images has been shared


def _obtain(
    session: Session,
    cloud: Cloud,
    requests: Sequence[ContainerRequest],
    *,
    yes: bool,
    as_json: bool,
) -> list[ContainerMachine]:
    """No more hosts are made for them than has been agreed to, whatever changes meanwhile."""
    from clocker.cloud import UpPlan
    from clocker.errors import MoreHostsNeeded

    agreed: int | None = 0
    while True:
        try:
            return cloud.obtain_many(requests, new_hosts=agreed)
        except MoreHostsNeeded:
            needed = tuple(each.new for each in cloud.plan_obtain(requests) if each.new)
            agree(session, UpPlan(needed), yes=yes, as_json=as_json)
            agreed = None if yes else len(needed)


def _show_plan(planned: Sequence[PlannedContainer], *, as_json: bool) -> None:
    from clocker.cli import shapes

    if as_json:
        print_json({"plan": [shapes.planned_container(each) for each in planned]})
        return
    for each in planned:
        name = each.request.name or each.request.image
        click.echo(f"{name}  {each.host}{'  is there already' if each.existing else ''}")
    for new in [each.new for each in planned if each.new]:
        offer = new.offer
        size = offer.resources if offer else new.resources
        shape = f", {amount(size.cores, size.ram_mb)}" if size.cores or size.ram_mb else ""
        known = offer and offer.price_hour is not None
        price = f", {offer.price_hour:g} {offer.currency} an hour" if offer and known else ""
        click.echo(f"to make first: {new.name} at {new.provider}{shape}{price}")


def _ports(machine: ContainerMachine) -> str:
    ports = [f"{p.host_port}->{p.container}/{p.protocol}" for p in machine.record.ports]
    return f"  {','.join(ports)}" if ports else ""


def _tell(machines: list[ContainerMachine], *, as_json: bool) -> None:
    from clocker.cli import shapes

    if not as_json:
        for machine in machines:
            click.echo(f"{machine.name}  {machine.address}  {machine.host.name}{_ports(machine)}")
        return
    print_json(
        {
            "containers": [
                shapes.container(machine.record, machine.host.name) for machine in machines
            ]
        }
    )
