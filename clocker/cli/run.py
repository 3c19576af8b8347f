from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from clocker.cli import run_options
from clocker.cli.output import print_json
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import ContainerMachine
    from clocker.model import ContainerRequest


@click.command(context_settings={"allow_interspersed_args": False})
@run_options.add
@click.option(
    "--count", type=click.IntRange(1, 1000), default=1, help="How many; NAME-1 to NAME-N."
)
@json_option
@click.argument("image")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@pass_session
def run(session: Session, /, count: int, as_json: bool, **given: Any) -> None:
    """Ask for a container, or several; prints name, address and host of each.

    A host is added when no host has room, up to the cloud's maximum. Options come before IMAGE;
    what follows it is the command.

    \b
    Example:
      clocker run --name web --ram 512MiB -p 8080:80 nginx
      clocker run --count 3 --name job -e TOKEN debian sleep infinity
    """
    from clocker.cli.request_options import copies

    requests = copies(_request(given), count)
    with session.open(silent=as_json) as cloud:
        machines = cloud.obtain_many(requests)
    if as_json:
        _print(machines)
        return
    for machine in machines:
        click.echo(f"{machine.name}  {machine.address}  {machine.host.name}{_ports(machine)}")


def _request(given: dict[str, Any]) -> ContainerRequest:
    from clocker.cli import request_options as parse
    from clocker.model import ContainerRequest, Resources, Wait

    return ContainerRequest(
        image=given["image"],
        resources=Resources(parse.cores(given["cores"]), parse.ram(given["ram"])),
        name=_maybe(parse.name, given["name"]),
        env=parse.env(given["env"]),
        volumes=tuple(map(parse.volume, given["volume"])),
        labels=parse.labels(given["label"]),
        ports=tuple(map(parse.port, given["publish"])),
        command=_command(given["command"]),
        entrypoint=_maybe(lambda text: parse.words("--entrypoint", text), given["entrypoint"]),
        user=given["user"],
        workdir=_maybe(parse.workdir, given["workdir"]),
        hostname=given["hostname"],
        capabilities=tuple(map(parse.capability, given["cap_add"])),
        privileged=given["privileged"],
        read_only=given["read_only"],
        restart=parse.restart(given["restart"]),
        health=parse.health(
            given["health_cmd"],
            given["health_interval"],
            given["health_timeout"],
            given["health_retries"],
            given["health_start_period"],
        ),
        ssh=given["ssh"],
        wait=Wait(given["wait"] or ("ssh" if given["ssh"] else "running")),
        timeout_s=parse.duration("--timeout", given["timeout"]),
        rules=tuple(map(parse.rule, given["rule"])),
        address=_maybe(parse.address, given["ip"]),
        networks=tuple(map(parse.network, given["network"])),
        aliases=tuple(map(parse.alias, given["alias"])),
    )


def _maybe(parse: Any, text: str | None) -> Any:
    return None if text is None else parse(text)


def _command(words: tuple[str, ...]) -> tuple[str, ...] | None:
    given = words[1:] if words[:1] == ("--",) else words
    return tuple(given) or None


def _ports(machine: ContainerMachine) -> str:
    ports = [f"{p.host_port}->{p.container}/{p.protocol}" for p in machine.record.ports]
    return f"  {','.join(ports)}" if ports else ""


def _print(machines: list[ContainerMachine]) -> None:
    from clocker.cli import shapes

    print_json(
        {
            "containers": [
                shapes.container(machine.record, machine.host.name) for machine in machines
            ]
        }
    )
