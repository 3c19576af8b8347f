from __future__ import annotations

import json

import click

from clocker.cli import names
from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session


@click.command()
@json_option
@click.argument("name", shell_complete=names.machines)
@pass_session
def inspect(session: Session, name: str, as_json: bool) -> None:
    """Show all that is known of a container or host, and what its engine says of it now.

    \b
    Example:
      clocker inspect web
      clocker inspect web --json
    """
    with session.open(silent=True) as cloud:
        found = cloud.inspect(name)
    if as_json:
        print_json({"name": name, "details": found})
    else:
        click.echo("\n".join(_lines(found, "")))


def _lines(value: object, indent: str) -> list[str]:
    """Nested values as an outline; text that could steer the terminal stays escaped."""
    if not isinstance(value, dict):
        return [f"{indent}{_scalar(value)}"]
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines += [f"{indent}{key}:", *_lines(item, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(item)}")
    return lines


def _scalar(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable()
    return str(value) if plain else json.dumps(value)
