from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json, print_table, printable
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.config import ProviderListing, Reference

_HEADINGS = ("PROVIDER", "DRIVER", "PLACE", "FILE", "CREDENTIALS")


@click.command()
@json_option
@click.argument("name", required=False, shell_complete=complete.providers)
@pass_session
def providers(session: Session, name: str | None, as_json: bool) -> None:
    """List the providers that hosts can be made at; with NAME show one, with all it extends.

    Of credentials only the names are shown: of variables, files and commands.

    \b
    Example:
      clocker providers
      clocker providers ec2
    """
    found = listed(session, [name] if name else [])
    if as_json:
        from clocker.cli import shapes

        print_json({"providers": [shapes.provider(item) for item in found]})
    elif name:
        _show(found[0])
    else:
        print_table(_HEADINGS, [_row(item) for item in found])
        _complain(found)


def listed(session: Session, names: Sequence[str]) -> Sequence[ProviderListing]:
    """The catalogue as the cloud of this session has it, or would have it here."""
    from clocker.config import find_cloud_file, list_providers
    from clocker.errors import ConfigError

    try:
        file = find_cloud_file(session.file, os.environ, Path.cwd())
    except ConfigError:  # there is no cloud yet
        file = Path.cwd() / "clocker.yaml"
    return list_providers(file, os.environ, names)


def state(reference: Reference) -> str:
    """``AWS_ACCESS_KEY_ID unset``"""
    kind = "" if reference.kind == "variable" else f"{reference.kind} "
    word = {True: "set", False: "unset", None: "not asked"}[reference.is_set]
    return f"{kind}{reference.name} {word}"


def _row(item: ProviderListing) -> tuple[str, ...]:
    places = dict.fromkeys([*([item.region] if item.region else []), *item.locations])
    return (
        item.name,
        item.driver,
        ", ".join(places) or "-",
        item.file,
        ", ".join(state(reference) for reference in item.references) or "-",
    )


def _show(item: ProviderListing) -> None:
    extended = f", which extends {', '.join(item.extends)}" if item.extends else ""
    click.echo(f"# {item.file}{extended}")
    for reference in item.references:
        click.echo(printable(f"# {reference.argument}: {state(reference)}"))
    click.echo(item.text, nl=False)
    _complain([item])


def _complain(found: Sequence[ProviderListing]) -> None:
    # An entry that several extend may be at fault in each.
    for problem in dict.fromkeys(problem for item in found for problem in item.problems):
        advice = f"\n  remedy: {problem.remedy}" if problem.remedy else ""
        click.echo(f"{problem.where}: {problem.what}{advice}", err=True)
