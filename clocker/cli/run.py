from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from clocker.cli import run_options
from clocker.cli.output import amount, print_json
from clocker.cli.run_request import request_of
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import ContainerMachine, PlannedContainer


@click.command(context_settings={"allow_interspersed_args": False})
@run_options.add
@click.option(
    "--count", type=click.IntRange(1, 1000), default=1, help="How many; NAME-1 to NAME-N."
)
@click.option("-n", "--dry-run", is_flag=True, help="Show where, and which hosts would be made.")
@json_option
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_session
def run(session: Session, /, count: int, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Ask for a container, or several; prints name, address and host of each.

    A host is added when no host has room, up to the cloud's maximum. Options come before IMAGE;
    what follows it is the command.

    \b
    Example:
      clocker run --name web --ram 512MiB -p 8080:80 nginx
      clocker run --count 3 --name job -e TOKEN debian sleep infinity
      clocker run --dry-run --rule 'country=in DE or NL' nginx
    """
    from clocker.cli.request_options import copies

    requests = copies(request_of(given), count)
    with session.open(silent=as_json) as cloud:
        if dry_run:
            _show_plan(cloud.plan_obtain(requests), as_json=as_json)
            return
        machines = cloud.obtain_many(requests)
    if as_json:
        _print(machines)
        return
    for machine in machines:
        click.echo(f"{machine.name}  {machine.address}  {machine.host.name}{_ports(machine)}")


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


def _print(machines: list[ContainerMachine]) -> None:
    from clocker.cli import shapes

    print_json(
        {
            "containers": [
                shapes.container(machine.record, machine.host.name) for machine in machines
            ]
        }
    )
