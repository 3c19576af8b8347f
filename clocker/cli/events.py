from __future__ import annotations

from datetime import datetime

import click

from clocker.cli.output import print_json, print_table
from clocker.cli.session import Session, json_option, pass_session


@click.command()
@click.option("--after", type=int, default=0, metavar="SEQ", help="Only later ones.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=100, show_default=True, help="How many."
)
@json_option
@pass_session
def events(session: Session, after: int, limit: int, as_json: bool) -> None:
    """Show what was done, by whom, and how it ended; the newest come last.

    \b
    Example:
      clocker events --limit 20
    """
    with session.open(silent=True) as cloud:
        found = cloud.events(after=after, limit=limit)
    if as_json:
        from clocker.cli import shapes

        print_json({"events": [shapes.event(item) for item in found]})
        return
    rows = []
    for item in found:
        when = datetime.fromtimestamp(item.at).astimezone().isoformat(" ", "seconds")
        what = (item.who, item.verb, item.subject, item.outcome, item.detail)
        rows.append((str(item.seq), when, *what))
    print_table(("SEQ", "WHEN", "WHO", "VERB", "SUBJECT", "OUTCOME", "DETAIL"), rows)
