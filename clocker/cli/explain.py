from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clocker.cli import run_options
from clocker.cli.output import print_json, print_table
from clocker.cli.run_request import request_of
from clocker.cli.session import Session, json_option, pass_session
from clocker.errors import NothingFits

if TYPE_CHECKING:
    from clocker.cloud import Explanation
    from clocker.model import Judgement

_HEADINGS = ("HOST", "RANK", "WHY")


@click.command(context_settings={"allow_interspersed_args": False})
@run_options.add
@json_option
@click.argument("image", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_session
def explain(session: Session, /, as_json: bool, **given: Any) -> None:
    """Show for each host which rule refuses a request, or where it ranks and why.

    The options are those of run. When no host will do, a new one is judged as well. Nothing is
    booked. Ends with 3 when not even a new host would take it.

    \b
    Example:
      clocker explain --cores 2 --rule 'affinity=NOT TYPE tomcat' solr
      clocker explain --json nginx
    """
    with session.open(silent=as_json) as cloud:
        found = cloud.explain(request_of(given))
    if as_json:
        _print(found)
    else:
        print_table(_HEADINGS, [_row(each, str(each.rank or "-")) for each in found.hosts])
        for each in found.new:
            click.echo(f"{each.host.name}: {_why(each) if each.refusals else 'would be made'}")
    if not found.fits:
        click.get_current_context().exit(NothingFits.exit_code)


def _row(each: Judgement, rank: str) -> tuple[str, ...]:
    return each.host.name, rank, _why(each)


def _why(each: Judgement) -> str:
    return "; ".join(map(str, each.refusals or each.reasons))


def _print(found: Explanation) -> None:
    from clocker.cli import shapes

    print_json(
        {
            "fits": found.fits,
            "hosts": [shapes.judgement(each) for each in found.hosts],
            "new": [shapes.judgement(each) for each in found.new],
        }
    )
