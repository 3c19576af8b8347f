from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clocker.cli import build_options
from clocker.cli import names as complete
from clocker.cli.output import print_json, printable, size
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from clocker.cloud import BuildReport


def _add(command: build_options.F) -> build_options.F:
    for option in reversed(build_options.options("--file", "-f")):
        command = option(command)
    return command


@click.command()
@click.option("-t", "--tag", metavar="NAME[:TAG]", help="What to call the image on the hosts.")
@_add
@click.option(
    "--host", metavar="HOST", shell_complete=complete.hosts, help="Where (default: any host)."
)
@click.option(
    "--library", is_flag=True, help="A folder for each variant: all are built, as NAME:VARIANT."
)
@json_option
@click.argument("context")
@pass_session
def build(
    session: Session,
    /,
    context: str,
    tag: str | None,
    host: str | None,
    library: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Build an image on a host from a Dockerfile; other hosts get it when they need it.

    CONTEXT is a folder, a Dockerfile alone, a tar or zip archive, the URL of one with --checksum,
    or git+URL#COMMIT:FOLDER. What the build says comes as it says it; a build that fails or takes
    too long leaves nothing. The same context is built once: later it is taken from where it is.

    \b
    Example:
      clocker build -t shop:1 .
      clocker build -t shop:dev -f docker/Dev --build-arg VERSION=2 --target test .
      clocker build -t app 'git+https://example.org/app.git#v1.2:docker'
      clocker build --library -t python ./official-images/python
    """
    what = build_options.build_of(context, given)
    if library and tag is None:
        raise click.UsageError("--library needs --tag NAME: each variant becomes NAME:VARIANT")
    on_line = _teller(quiet=session.quiet or as_json)
    with session.open(silent=True) as cloud:
        if library and tag:
            found = []
            for report in cloud.build_library(what, tag, host=host, on_line=on_line):
                found.append(report)
                _tell(report, as_json=as_json)
        else:
            found = [cloud.build(what, name=tag, host=host, on_line=on_line)]
            _tell(found[0], as_json=as_json)
        if as_json:
            from clocker.cli import shapes

            print_json({"images": [shapes.built(report) for report in found]})


def _teller(*, quiet: bool) -> Callable[[str], None] | None:
    """To where progress goes: what is printed at the end can be piped."""
    return None if quiet else lambda line: click.echo(printable(line), err=True)


def _tell(report: BuildReport, *, as_json: bool) -> None:
    if as_json:
        return
    name, short = report.name or report.tag, report.id.removeprefix("sha256:")[:12]
    click.echo(f"{name}  {short}  {size(report.size_bytes)}  {report.host}")
    for host in report.updated:
        click.echo(f"{host} had an older {name}, and has this one now", err=True)
