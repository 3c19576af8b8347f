"""``clocker image``: a group of verbs of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import image_base, image_upkeep
from clocker.cli import names as complete
from clocker.cli.image_transfers import pull, push
from clocker.cli.output import age, print_json, print_table, size
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import ImageView

_HEADINGS = ("NAME", "ID", "KIND", "SIZE", "AGE", "HOSTS", "USED BY")
_SHORT_ID = len("sha256:") + 12


@click.group()
def image() -> None:
    """The images on the cloud's hosts: list and look after them.

    \b
    Example:
      clocker image ls
      clocker image pull nginx:1.27
      clocker image prune --dry-run
      clocker image base && clocker run clocker/debian:bookworm
    """


for _command in (image_base.base, *image_upkeep.COMMANDS, pull, push):
    image.add_command(_command)


@image.command()
@json_option
@click.argument("names", nargs=-1, metavar="[HOST]...", shell_complete=complete.hosts)
@pass_session
def ls(session: Session, as_json: bool, names: tuple[str, ...]) -> None:
    """List the images on the hosts that are ready, or on some of them.

    KIND is named (brought by its name), base, built (from a Dockerfile), generated (committed
    after an install) or ssh (another one with an sshd). USED BY has containers; also those that
    use it through one that Clocker made of it. Two hosts that have different images of one name
    have a line each.

    \b
    Example:
      clocker image ls
      clocker image ls demo-1 --json
    """
    with session.open(silent=True) as cloud:
        for name in names:
            _ = cloud.host(name).record  # NotFound before anything is asked
        found = [view for view in cloud.images() if not names or {*names} & {*view.hosts}]
    if as_json:
        from clocker.cli import shapes

        print_json({"images": [shapes.image(view) for view in found]})
    else:
        print_table(_HEADINGS, [_row(view) for view in found])


def _row(view: ImageView) -> tuple[str, ...]:
    return (
        view.name,
        view.id[:_SHORT_ID].removeprefix("sha256:"),
        view.kind,
        size(view.size_bytes),
        age(view.created_at) if view.created_at else "-",
        ",".join(view.hosts),
        ",".join(view.used_by) or "-",
    )
