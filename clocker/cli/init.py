from __future__ import annotations

import os
import re
from pathlib import Path

import click

from clocker.cli.session import Session, pass_session

_NEED_NOTHING = ("local", "localhost")


@click.command()
@click.option("--provider", default="local", metavar="NAME", help="An entry of providers.yaml.")
@click.option("--name", metavar="NAME", help="The cloud's name (default: the folder's).")
@click.option(
    "--from", "source", metavar="FILE", help="A docker-cloud in CAMP YAML, instead of the options."
)
@pass_session
def init(session: Session, provider: str, name: str | None, source: str | None) -> None:
    """Write a clocker.yaml to begin with: annotated, and valid as it stands.

    A file that is there already is never overwritten.

    \b
    Example:
      clocker init --provider local --name demo
      clocker init --from docker-cloud.yaml
    """
    from clocker.config.places import CLOUD_FILE
    from clocker.config.starter import starter_document

    path = Path(session.file or os.environ.get("CLOCKER_FILE") or CLOUD_FILE)
    if source is not None:
        _write_new(path, _from_camp(Path(source)))
        click.echo(f"wrote {path}; look at it, then: clocker plan")
        return
    _check_provider(path, provider)
    text = starter_document(_cloud_name(name, path), provider)
    _write_new(path, text)
    next_verb = "up" if provider in _NEED_NOTHING else f"doctor {provider}"
    click.echo(f"wrote {path}; next: clocker {next_verb}")


def _from_camp(source: Path) -> str:
    from clocker.config.camp.cloud import cloud_document
    from clocker.config.document import APPLICATION, read_document

    return cloud_document(read_document(source, dialect=APPLICATION), os.environ)


def _check_provider(path: Path, provider: str) -> None:
    from clocker.config.load import known_providers
    from clocker.errors import NotFound

    known = known_providers(path, os.environ)
    if provider not in known:
        raise NotFound(
            f"no provider is called {provider!r}",
            where="--provider",
            remedy=f"known providers: {', '.join(known)}",
        )


def _cloud_name(name: str | None, path: Path) -> str:
    from clocker.config.quantities import cloud_name
    from clocker.errors import BadInput

    if name is None:
        folder = re.sub(r"[^a-z0-9]+", "-", path.absolute().parent.name.lower())
        return folder.lstrip("-0123456789")[:20].strip("-") or "demo"
    try:
        return cloud_name(name)
    except ValueError as error:
        raise BadInput(str(error), where="--name", remedy="such as demo") from None


def _write_new(path: Path, text: str) -> None:
    from clocker.errors import BadInput

    try:
        with path.open("x") as stream:
            stream.write(text)
    except FileExistsError:
        raise BadInput(
            "there is one already", where=str(path), remedy="edit it, or name another with --file"
        ) from None
