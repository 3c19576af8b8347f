"""What the global options say, and the cloud that they lead to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, cast

import click

if TYPE_CHECKING:
    from clocker.cloud import Cloud


@dataclass(frozen=True)
class Session:
    file: str | None = None
    quiet: bool = False
    verbose: bool = False

    @contextmanager
    def open(self, *, silent: bool = False, also: Sequence[str] = ()) -> Iterator[Cloud]:
        """The cloud; ``silent`` when the verb's output is for a program. ``also``: more
        providers, to be examined."""
        # What the Docker SDK would import for an SSH of its own takes as long as its other half.
        sys.modules.setdefault("docker.transport.sshconn", cast(ModuleType, None))
        from clocker.assembly import open_cloud
        from clocker.cli.progress import progress_for

        plain = self.verbose or not sys.stderr.isatty()
        with (
            progress_for(
                silent=self.quiet or silent, plain=plain, verbose=self.verbose
            ) as progress,
            open_cloud(self.file, progress=progress, also=also) as cloud,
        ):
            yield cloud


pass_session = click.make_pass_decorator(Session)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only with a person's consent, given by ``--yes`` or at a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Nobody is here to answer: add --yes")
    if not click.confirm(question, err=True):
        raise click.Abort


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON (docs/json.md).")
yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
