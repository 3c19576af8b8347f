"""``clocker image base``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from clocker.cli import names as complete
from clocker.cli.output import print_json, size
from clocker.cli.session import Session, json_option, pass_session

if TYPE_CHECKING:
    from clocker.cloud import Cloud, LoadedImage
    from clocker.providers.bootstrap_rootfs import Release

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@click.command()
@click.option(
    "--distribution",
    type=click.Choice(["debian", "ubuntu"]),
    help="Which (default: that of this machine).",
)
@click.option("--release", metavar="SUITE", help="Such as bookworm (default: this machine's).")
@click.option(
    "--mirror", metavar="URL", help="Of its packages (default: where this machine's are)."
)
@click.option("--ssh", is_flag=True, help="One with an sshd as well, as TAG-ssh.")
@click.option(
    "-t",
    "--tag",
    metavar="NAME[:TAG]",
    help="What to call it (default: clocker/DISTRIBUTION:RELEASE).",
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="HOST",
    shell_complete=complete.hosts,
    help="Load it there (default: into this machine's engine, for all hosts to copy).",
)
@json_option
@pass_session
def base(
    session: Session,
    distribution: str | None,
    release: str | None,
    mirror: str | None,
    ssh: bool,
    tag: str | None,
    hosts: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a small image of Debian or Ubuntu on this machine: no registry is needed.

    It is made by mmdebstrap from the packages that this machine has its own from, so this must be
    Debian or Ubuntu, and root. Hosts get it like any image: when a container wants it.

    \b
    Example:
      clocker image base && clocker run --name web clocker/debian:bookworm
      clocker image base --release trixie --tag base:13 --ssh --host demo-1
    """
    from clocker.images.reference import Reference
    from clocker.providers.base_rootfs import release_of

    wanted = release_of(distribution, release, mirror)
    name = Reference.parse(tag or f"clocker/{wanted.name}").familiar
    with session.open(silent=as_json) as cloud:
        cloud.image_places(hosts)  # refused before anything is made
        loaded = _loaded(cloud, wanted, name, hosts, ssh=ssh)
    if as_json:
        from clocker.cli import shapes

        print_json({"images": [shapes.loaded(each) for each in loaded]})
        return
    for each in loaded:
        short = each.id.removeprefix("sha256:")[:12]
        click.echo(f"{each.name}  {short}  {size(each.size_bytes)}  {each.host}")


def _loaded(
    cloud: Cloud, release: Release, name: str, hosts: tuple[str, ...], *, ssh: bool
) -> list[LoadedImage]:
    import platform
    import tempfile
    import time
    from pathlib import Path

    from clocker.images import LAYER_LABEL, ImageKind
    from clocker.images.archive import RootImage
    from clocker.providers.base_rootfs import make_base_rootfs

    with tempfile.TemporaryDirectory(prefix="clocker-base-") as folder:
        layer = Path(folder) / "layer.tar"
        make_base_rootfs(layer, release, lambda line: cloud.parts.progress.step(name, line))
        machine = platform.machine()
        image = RootImage(
            layer,
            name,
            _ARCHITECTURES.get(machine, machine),
            command=("/bin/bash",),
            labels={LAYER_LABEL: ImageKind.BASE.value},
            created_at=time.time(),
        )
        return cloud.load_base(image, hosts, ssh=ssh)
