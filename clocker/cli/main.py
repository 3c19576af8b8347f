"""``clocker``: the group of verbs, loaded one at a time so that ``--help`` is instant."""

from __future__ import annotations

import gc
import os
import sys
from difflib import get_close_matches
from importlib import import_module

import click

from clocker import __version__
from clocker.cli.boundary import INTERRUPTED, guarded
from clocker.cli.session import Session
from clocker.cli.verbs import SECTIONS, VERBS


class LazyGroup(click.Group):
    """Knows its verbs by name and summary; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        module, _, attribute = verb.command.partition(":")
        found: click.Command = getattr(import_module(f"clocker.cli.{module}"), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not ctx.resilient_parsing:
            near = get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean {near[0]}?" if near else "clocker --help lists the verbs"
            raise click.UsageError(f"there is no verb {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, verb.summary) for name, verb in verbs.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    help="The cloud's document (default: clocker.yaml, here or above).",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress; errors still.")
@click.option("-v", "--verbose", is_flag=True, help="Progress as plain lines, with every step.")
@click.version_option(__version__, "--version", prog_name="clocker", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, file: str | None, quiet: bool, verbose: bool) -> None:
    """Containers on demand, like VMs, on any cloud.

    \b
    Example:
      clocker init && clocker up
      clocker run --name web -p 80 nginx
    """
    ctx.obj = Session(file, quiet=quiet, verbose=verbose)


def main(args: list[str] | None = None) -> None:
    """The console script; exits with 0, or as clocker.errors says (usage errors: 2)."""
    # What is imported stays: to look for garbage in it over and over is a tenth of the start.
    gc.set_threshold(50_000)
    status = guarded(cli, args)
    if status == INTERRUPTED and args is None:
        # Threads may be in the middle of long work. It is on record, and nothing is to wait.
        sys.stdout.flush()
        os._exit(status)
    gc.freeze()  # nor is all of it to be looked through once more at the end
    sys.exit(status)
