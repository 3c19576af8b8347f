from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.deploy import Applications, Preview
    from clocker.model import Application


@click.command()
@click.option(
    "--name",
    metavar="NAME",
    help="Instead of the document's.",
    shell_complete=complete.applications,
)
@click.option("-n", "--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--undo", is_flag=True, help="Put back what was there before a deploy that failed.")
@yes_option
@json_option
@click.argument("file", required=False, type=click.Path())
@pass_session
def deploy(
    session: Session,
    name: str | None,
    dry_run: bool,
    undo: bool,
    yes: bool,
    as_json: bool,
    file: str | None,
) -> None:
    """Make what runs what FILE describes: an application, as a blueprint, a Compose file or CAMP.

    The plan is shown and asked about first. The same file again changes nothing; a changed one
    changes only what differs. A deploy that failed or was interrupted goes on with the same
    command, or is undone.

    \b
    Example:
      clocker deploy --dry-run shop.yaml
      clocker deploy --yes shop.yaml
      clocker deploy --undo --name shop
    """
    application = _application(file, name) if file else None
    if application is None and not (undo and name):
        raise click.UsageError("give the FILE that describes it; or --undo and --name")
    with session.open(silent=as_json) as cloud:
        from clocker.deploy import Applications

        applications = Applications(cloud)
        if undo:
            _undo(applications, name or (application.name if application else ""), yes, as_json)
        elif application is not None:
            _deploy(applications, application, dry_run=dry_run, yes=yes, as_json=as_json)


def _application(file: str, name: str | None) -> Application:
    import os

    from clocker.config.applications import load_application

    loaded = load_application(file, os.environ, name)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning.where}: {warning.what}", err=True)
    return loaded.application


def _deploy(
    applications: Applications,
    application: Application,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    from clocker.cli.deploy_plan import show

    found = applications.preview(application)
    if not as_json:
        show(found, sys.stdout if dry_run else sys.stderr)
    if not dry_run:
        if not found.plan.is_empty:
            confirm(f"Deploy {application.name}?", yes=yes)
        found = applications.deploy(application)
    _tell(application.name, found, as_json=as_json, ended="" if dry_run else "deployed")


def _undo(applications: Applications, name: str, yes: bool, as_json: bool) -> None:
    found = applications.status(name).deployment
    what = "put back what was deployed before" if found.former else "remove what was made of it"
    confirm(f"Undo the deploy of {name}: {what}?", yes=yes)
    _tell(name, applications.undo(name), as_json=as_json, ended="undone")


def _tell(name: str, found: Preview | None, *, as_json: bool, ended: str) -> None:
    from clocker.cli.deploy_plan import counted, shape

    if as_json:
        print_json({"application": name, **shape(found)})
    elif ended:
        click.echo(f"{name}  {ended}{f': {counted(found.plan)}' if found else ''}")
