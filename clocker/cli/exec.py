from __future__ import annotations

import sys

import click

from clocker.cli import names
from clocker.cli.output import print_json
from clocker.cli.replace import become
from clocker.cli.session import Session, json_option, pass_session


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("-i", "--interactive", is_flag=True, help="Pass standard input on.")
@click.option("-t", "--tty", is_flag=True, help="With a terminal of its own.")
@click.option("-e", "--env", multiple=True, metavar="K[=V]", help="A variable for the command.")
@click.option("-u", "--user", metavar="USER", help="Run as.")
@click.option("-w", "--workdir", metavar="PATH", help="Run in.")
@click.option("--timeout", metavar="TIME", help="Kill the command after this long.")
@json_option
@click.argument("name", shell_complete=names.containers)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
@pass_session
@click.pass_context
def exec_(
    ctx: click.Context,
    session: Session,
    name: str,
    command: tuple[str, ...],
    interactive: bool,
    tty: bool,
    env: tuple[str, ...],
    user: str | None,
    workdir: str | None,
    timeout: str | None,
    as_json: bool,
) -> None:
    """Run a command in a container; its exit code is this command's.

    \b
    Example:
      clocker exec web -- nginx -t
      clocker exec -it web -- sh
    """
    words = command[1:] if command[0] == "--" else command
    if not words:
        raise click.UsageError("no command is given", ctx)
    captured = env or user or workdir or timeout or as_json
    if captured and (interactive or tty):
        raise click.UsageError(
            "-i and -t do not go with --env, --user, --workdir, --timeout and --json", ctx
        )
    if not captured:
        with session.open() as cloud:
            machine = cloud.machine(name)
            argv = machine.exec_command(list(words), interactive=interactive, tty=tty)
        become(argv)
    _capture(ctx, session, name, words, (env, user, workdir, timeout), as_json)


def _capture(
    ctx: click.Context,
    session: Session,
    name: str,
    words: tuple[str, ...],
    options: tuple[tuple[str, ...], str | None, str | None, str | None],
    as_json: bool,
) -> None:
    from clocker.cli import request_options as parse

    env, user, workdir, timeout = options
    with session.open(silent=as_json) as cloud:
        result = cloud.machine(name).run(
            list(words),
            env=_resolved(env),
            user=user,
            workdir=workdir,
            timeout_s=None if timeout is None else parse.duration("--timeout", timeout),
        )
    if as_json:
        stderr = result.stderr.decode(errors="replace")
        print_json({"status": result.status, "stdout": result.text, "stderr": stderr})
    else:
        click.echo(result.stdout, nl=False)
        click.echo(result.stderr, nl=False, err=True)
    sys.stdout.flush()
    ctx.exit(result.status)


def _resolved(items: tuple[str, ...]) -> dict[str, str] | None:
    import os

    from clocker.cli.request_options import env
    from clocker.errors import BadInput

    found = {}
    for key, value in env(items).items():
        actual = os.environ.get(key) if value is None else value
        if actual is None:
            remedy = f"export {key}=..., or give -e {key}=VALUE"
            raise BadInput(f"{key} is not set here", where="--env", remedy=remedy)
        found[key] = actual
    return found or None
