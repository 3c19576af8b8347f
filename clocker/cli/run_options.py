"""The options of ``clocker run``, in the order in which its help lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from clocker.cli import build_options, heal_options, install_options

F = TypeVar("F", bound=Callable[..., Any])

_WAITS = click.Choice(["created", "running", "healthy", "ssh"])

_OPTIONS = (
    click.option("--name", metavar="NAME", help="A DNS label; made up when left out."),
    click.option("--cores", type=float, default=0.0, help="Booked on the host; 0: none."),
    click.option("--ram", default="0", metavar="SIZE", help="Booked, and the limit: 512MiB, 1GiB."),
    click.option(
        "-e", "--env", multiple=True, metavar="K[=V]", help="A variable; K alone: its value here."
    ),
    click.option(
        "--secret",
        multiple=True,
        metavar="NAME=SOURCE",
        help="As /run/secrets/NAME; from env:VAR, file:PATH or command:LINE.",
    ),
    click.option(
        "--secret-env",
        multiple=True,
        metavar="VAR=SOURCE",
        help="As a variable, which `docker inspect` shows.",
    ),
    click.option(
        "-v", "--volume", multiple=True, metavar="SRC:DST[:ro]", help="A host's folder or a volume."
    ),
    click.option(
        "-p",
        "--publish",
        multiple=True,
        metavar="[HOST:]PORT[/PROTO]",
        help="Publish on the host; without HOST a port is chosen.",
    ),
    click.option(
        "-l", "--label", multiple=True, metavar="K=V", help="On the container, for whoever looks."
    ),
    click.option("--entrypoint", metavar="COMMAND", help="Instead of the image's."),
    click.option("-u", "--user", metavar="USER[:GROUP]", help="Instead of the image's."),
    click.option("-w", "--workdir", metavar="PATH", help="Where the command starts."),
    click.option("--hostname", metavar="NAME", help="Within the container (default: its name)."),
    click.option(
        "--network", multiple=True, metavar="NAME", help="The first gives it its address."
    ),
    click.option(
        "--alias", multiple=True, metavar="NAME", help="One more name; containers may share it."
    ),
    click.option("--ip", metavar="ADDRESS", help="A fixed one (default: one is chosen)."),
    click.option("--cap-add", multiple=True, metavar="NAME", help="Such as NET_ADMIN."),
    click.option("--privileged", is_flag=True, help="All of the host's powers; ps shows it."),
    click.option("--read-only", is_flag=True, help="The image's files cannot be changed."),
    click.option(
        "--restart",
        default="no",
        metavar="COND[:N]",
        help="no, on-failure[:N], always or unless-stopped.",
    ),
    click.option("--health-cmd", metavar="COMMAND", help="Exits with 0 while all is well."),
    click.option(
        "--health-interval",
        default="10s",
        metavar="TIME",
        show_default=True,
        help="Between two checks.",
    ),
    click.option(
        "--health-timeout", default="5s", metavar="TIME", show_default=True, help="For one check."
    ),
    click.option(
        "--health-retries",
        type=click.IntRange(1, 100),
        default=3,
        show_default=True,
        help="Failures in a row until unhealthy.",
    ),
    click.option(
        "--health-start-period",
        default="0",
        metavar="TIME",
        show_default=True,
        help="Failures do not count so long.",
    ),
    click.option("--ssh", is_flag=True, help="Add an sshd; then `clocker ssh NAME` works."),
    click.option(
        "--wait", type=_WAITS, help="Return when it is (default: running; ssh with --ssh)."
    ),
    click.option(
        "--timeout", default="120s", metavar="TIME", show_default=True, help="For that wait."
    ),
    *heal_options.OPTIONS,
    click.option("--build", metavar="CONTEXT", help="Instead of IMAGE: what it is built from."),
    *build_options.options("--dockerfile"),
    *install_options.OPTIONS,
    click.option(
        "--rule", multiple=True, metavar="NAME[=VALUE]", help="A placement rule for this one."
    ),
)


def add(command: F) -> F:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
