from __future__ import annotations

import sys
from typing import TYPE_CHECKING, TextIO

import click

from clocker.cli.output import amount, print_json, print_table
from clocker.cli.session import Session, confirm, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import PlannedHost, UpPlan
    from clocker.model import Offer

_HEADINGS = ("HOST", "PROVIDER", "PLACE", "SIZE", "IMAGE", "PER HOUR", "PER MONTH")


@click.command()
@json_option
@pass_session
def plan(session: Session, as_json: bool) -> None:
    """Show the hosts that `up` would make: where, of which size, at what price.

    Every provider is asked for its images, sizes and prices; nothing is made.

    \b
    Example:
      clocker plan
      clocker plan --json
    """
    with session.open(silent=as_json) as cloud:
        found = cloud.plan_up()
    if as_json:
        print_plan(found)
    else:
        show_plan(found, sys.stdout)


def print_plan(plan: UpPlan) -> None:
    from clocker.cli import shapes

    print_json(shapes.plan(plan))


def show_plan(plan: UpPlan, stream: TextIO) -> None:
    if not plan.make:
        print("to make: no hosts", file=stream)
    else:
        print(f"to make: {hosts(len(plan.make))}", file=stream)
        print_table(_HEADINGS, [_row(host) for host in plan.make], stream)
        print(f"in all: {price(plan)}", file=stream)
    # Hosts that are alike are tried alike.
    for then in dict.fromkeys(host.then for host in plan.make if host.then):
        print(f"next, if refused: {', '.join(then)}", file=stream)
    print(f"to remove: {', '.join(plan.remove) or 'no hosts'}", file=stream)


def agree(session: Session, plan: UpPlan, *, yes: bool, as_json: bool) -> None:
    """Show what would be made, and go on only with consent, unless all of it is free."""
    if plan.make and not as_json and not (session.quiet and plan.is_free):
        show_plan(plan, sys.stderr)
    if not plan.is_free:
        confirm(f"Make {hosts(len(plan.make))} ({price(plan)})?", yes=yes)


def price(plan: UpPlan) -> str:
    """Of all hosts of the plan, per hour and month."""
    if plan.is_free:
        return "free"
    known = [
        f"{_money(per_hour, currency)} per hour, {_monthly(per_hour, currency)} per month"
        for currency, per_hour in plan.prices.items()
    ]
    if plan.unpriced:
        known.append(f"{plan.unpriced} at a price that is not known")
    return " and ".join(known)


def hosts(count: int) -> str:
    return f"{count} {'host' if count == 1 else 'hosts'}"


def _row(host: PlannedHost) -> tuple[str, ...]:
    offer = host.offer
    if offer is None:
        return (host.name, host.provider, "-", "its machine is there", "-", "-", "-")
    per_hour, per_month = _prices(offer)
    place = offer.zone or offer.region or "-"
    return (host.name, offer.provider, place, _size(offer), offer.image, per_hour, per_month)


def _size(offer: Offer) -> str:
    has = offer.resources
    parts = [amount(has.cores, has.ram_mb)] if has.cores or has.ram_mb else []
    parts += [f"{has.disk_mb / 1024:g} GiB disk"] if has.disk_mb else []
    parts += ["spot"] if offer.spot else []
    return f"{offer.size} ({', '.join(parts)})" if parts else offer.size


def _prices(offer: Offer) -> tuple[str, str]:
    if offer.price_hour is None:
        return "unknown", "unknown"
    if offer.price_hour == 0:
        return "free", "free"
    return (
        _money(offer.price_hour, offer.currency),
        _monthly(offer.price_hour, offer.currency),
    )


def _money(amount: float, currency: str) -> str:
    return f"{amount:.4f} {currency}"


def _monthly(per_hour: float, currency: str) -> str:
    from clocker.model import HOURS_PER_MONTH

    return f"{per_hour * HOURS_PER_MONTH:.2f} {currency}"
