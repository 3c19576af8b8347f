"""``clocker apps`` and ``clocker app``: what has been deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clocker.cli import names as complete
from clocker.cli.output import age, print_json, print_table
from clocker.cli.session import Session, confirm, json_option, pass_session, yes_option

if TYPE_CHECKING:
    from clocker.deploy import ApplicationView, ServiceView


@click.command()
@json_option
@pass_session
def apps(session: Session, as_json: bool) -> None:
    """List the applications, and how many of their containers run.

    \b
    Example:
      clocker apps
    """
    from clocker.deploy import Applications

    with session.open(silent=True) as cloud:
        found = Applications(cloud).list()
    if as_json:
        print_json({"applications": [_shape(view) for view in found]})
        return
    rows = [
        (
            view.deployment.name,
            _state(view),
            str(len(view.services)),
            f"{sum(s.running for s in view.services)}/{sum(s.wanted for s in view.services)}",
            age(view.deployment.changed_at),
            view.deployment.application.origin,
        )
        for view in found
    ]
    print_table(("APPLICATION", "STATE", "SERVICES", "RUNNING", "CHANGED", "ORIGIN"), rows)


@click.group()
def app() -> None:
    """An application that has been deployed: look at it, change it, remove it.

    \b
    Example:
      clocker app status shop
      clocker app scale shop web=4
      clocker app rm shop
    """


@app.command()
@json_option
@click.argument("name", shell_complete=complete.applications)
@pass_session
@click.pass_context
def status(ctx: click.Context, session: Session, as_json: bool, name: str) -> None:
    """Show an application service by service; exits with 4 while not all is well.

    \b
    Example:
      clocker app status shop
    """
    from clocker.deploy import Applications

    with session.open(silent=True) as cloud:
        view = Applications(cloud).status(name)
    if as_json:
        print_json(_shape(view))
    else:
        _show(view)
    ctx.exit(0 if view.is_well else 4)


@app.command()
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on.")
@click.option("-n", "--tail", type=click.IntRange(0), metavar="LINES", help="The last lines only.")
@click.argument("name", shell_complete=complete.applications)
@click.argument("services", nargs=-1)
@pass_session
def logs(
    session: Session, follow: bool, tail: int | None, name: str, services: tuple[str, ...]
) -> None:
    """Show what its containers have printed, or those of some SERVICES; each line says whose.

    \b
    Example:
      clocker app logs --tail 20 shop web
    """
    from clocker.cli.app_logs import show
    from clocker.deploy import Applications

    with session.open(silent=True) as cloud:
        containers = Applications(cloud).containers(name, services)
        show(cloud, containers, follow=follow, tail=tail)


@app.command()
@json_option
@click.argument("name", shell_complete=complete.applications)
@click.argument("replicas", nargs=-1, required=True, metavar="SERVICE=N...")
@pass_session
def scale(session: Session, as_json: bool, name: str, replicas: tuple[str, ...]) -> None:
    """Have other numbers of replicas, within the document's bounds; until it is deployed again.

    \b
    Example:
      clocker app scale shop web=4
    """
    from clocker.cli.deploy_plan import counted, shape
    from clocker.deploy import Applications

    wanted = dict(map(_replicas, replicas))
    with session.open(silent=as_json) as cloud:
        found = Applications(cloud).scale(name, wanted)
    if as_json:
        print_json({"application": name, **shape(found)})
    else:
        click.echo(f"{name}  scaled: {counted(found.plan)}")


@app.command()
@json_option
@click.argument("name", shell_complete=complete.applications)
@click.argument("services", nargs=-1)
@pass_session
def restart(session: Session, as_json: bool, name: str, services: tuple[str, ...]) -> None:
    """Restart all services in the order of their needs, or some and who asked to be with them.

    \b
    Example:
      clocker app restart shop db
    """
    from clocker.deploy import Applications

    with session.open(silent=as_json) as cloud:
        restarted = Applications(cloud).restart(name, services)
    if as_json:
        print_json({"application": name, "restarted": list(restarted)})
    else:
        click.echo("".join(f"{each}  restarted\n" for each in restarted), nl=False)


@app.command()
@click.option("--volumes", is_flag=True, help="Its volumes too, with all that is in them.")
@yes_option
@json_option
@click.argument("name", shell_complete=complete.applications)
@pass_session
def rm(session: Session, volumes: bool, yes: bool, as_json: bool, name: str) -> None:
    """Remove an application: its containers, those first that no other needs, and its networks.

    \b
    Example:
      clocker app rm shop
      clocker app rm --volumes --yes shop
    """
    from clocker.deploy import Applications

    also = " and its volumes" if volumes else ""
    confirm(f"Remove application {name}{also}?", yes=yes)
    with session.open(silent=as_json) as cloud:
        removed = Applications(cloud).remove(name, volumes=volumes)
    if as_json:
        print_json({"application": name, "removed": list(removed)})
    else:
        click.echo(f"{name}  removed, {len(removed)} containers")


def _replicas(text: str) -> tuple[str, int]:
    service, assigned, count = text.partition("=")
    if not (service and assigned and count.isdecimal() and len(count) < 6):
        raise click.UsageError(f"{text!r} must be SERVICE=N, such as web=3")
    return service, int(count)


def _show(view: ApplicationView) -> None:
    deployment = view.deployment
    click.echo(f"application  {deployment.name}")
    click.echo(f"state        {_state(view)}")
    click.echo(f"origin       {deployment.application.origin}")
    if deployment.error:
        click.echo(f"error        {deployment.error}")
    click.echo("")
    rows = [row for service in view.services for row in _rows(service)]
    print_table(("SERVICE", "RUNNING", "CONTAINER", "STATE", "ADDRESS", "HOST", "IMAGE"), rows)


def _rows(service: ServiceView) -> list[tuple[str, ...]]:
    count = f"{service.running}/{service.wanted}"
    rows = [
        (each.name, _container_state(each.state, each.health, each.exit_code), each.address)
        + (each.host or "-", service.image)
        for each in service.containers
    ] or [("-", "-", "-", "-", service.image)]
    return [
        (service.name if first else "", count if first else "", *row)
        for first, row in ((number == 0, row) for number, row in enumerate(rows))
    ]


def _container_state(state: str, health: str | None, exit_code: int | None) -> str:
    if exit_code is not None:
        return f"{state} ({exit_code})"
    return f"{state} ({health})" if health else state


def _state(view: ApplicationView) -> str:
    state = view.deployment.state.value
    return "degraded" if state == "deployed" and not view.is_well else state


def _shape(view: ApplicationView) -> dict[str, Any]:
    deployment = view.deployment
    return {
        "name": deployment.name,
        "state": deployment.state.value,
        "well": view.is_well,
        "error": deployment.error,
        "origin": deployment.application.origin,
        "changed_at": deployment.changed_at,
        "networks": list(deployment.networks),
        "services": [
            {
                "name": service.name,
                "image": service.image,
                "wanted": service.wanted,
                "running": service.running,
                "well": service.is_well,
                "needs": list(service.needs),
                "containers": [
                    {
                        "name": each.name,
                        "host": each.host,
                        "address": each.address,
                        "state": each.state,
                        "health": each.health,
                        "exit_code": each.exit_code,
                    }
                    for each in service.containers
                ],
            }
            for service in view.services
        ],
    }
