from __future__ import annotations

import re
from pathlib import Path

import click

from clocker.cli.session import Session, pass_session

_REMOTE = re.compile(r"([a-z0-9][a-z0-9-]*):(.*)", re.DOTALL)


@click.command()
@click.argument("source")
@click.argument("target")
@pass_session
def cp(session: Session, source: str, target: str) -> None:
    """Copy a file or folder to or from a container; the container's side is NAME:PATH.

    With a slash at its end the target is the folder to put it in. A local name with a colon
    is written ./NAME.

    \b
    Example:
      clocker cp index.html web:/usr/share/nginx/html/
      clocker cp web:/var/log/nginx ./logs
    """
    here, there = _REMOTE.fullmatch(source), _REMOTE.fullmatch(target)
    if bool(here) == bool(there):
        raise click.UsageError("one of the two, and only one, must be NAME:PATH")
    if there:
        _put(session, source, there[1], there[2])
    elif here:
        _get(session, here[1], here[2], target)


def _put(session: Session, local: str, name: str, remote: str) -> None:
    path = Path(local)
    path.stat()  # what is missing here is told before anything is contacted
    with session.open() as cloud:
        cloud.machine(name).put(path, _absolute(remote))


def _get(session: Session, name: str, remote: str, local: str) -> None:
    with session.open() as cloud:
        cloud.machine(name).get(_absolute(remote), Path(local))


def _absolute(remote: str) -> str:
    if not remote.startswith("/"):
        raise click.UsageError("the path in the container must begin with /")
    return remote
