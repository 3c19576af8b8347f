"""One action on several containers: each is tried, and every failure is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from clocker.errors import ClockerError


def each(names: Sequence[str], action: Callable[[str], None], ended: str) -> None:
    """Prints ``NAME  ended`` per success; the last failure is raised, earlier ones printed."""
    failure: ClockerError | None = None
    for name in dict.fromkeys(names):
        try:
            action(name)
        except ClockerError as error:
            if failure is not None:
                click.echo(f"error: {failure}", err=True)
            failure = error
        else:
            click.echo(f"{name}  {ended}")
    if failure is not None:
        raise failure
