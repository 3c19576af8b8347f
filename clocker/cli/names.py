"""Completion of names from the store: quick, and silent when there is nothing to say."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from clocker.cloud import Cloud


def containers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, _containers)


def hosts(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, _hosts)


def networks(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, lambda cloud: [view.net.name for view in cloud.networks()])


def applications(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    return _names(ctx, incomplete, _applications)


def images(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Those that containers on record were asked for with: no host is asked."""
    return _names(ctx, incomplete, lambda cloud: sorted({c.request.image for c in cloud.list()}))


def machines(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Containers and hosts."""
    return _names(ctx, incomplete, lambda cloud: [*_containers(cloud), *_hosts(cloud)])


def providers(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    from clocker.config import find_cloud_file
    from clocker.config.load import known_providers

    file = ctx.find_root().params.get("file")
    try:
        known = known_providers(find_cloud_file(file, os.environ, Path.cwd()), os.environ)
    except Exception:  # noqa: BLE001 - a shell that completes must never see an error
        return []
    return [name for name in known if name.startswith(incomplete)]


def _names(
    ctx: click.Context, incomplete: str, known: Callable[[Cloud], Sequence[str]]
) -> list[str]:
    from clocker.assembly import open_cloud

    file = ctx.find_root().params.get("file")
    taken = set(ctx.params.get("names") or ())
    try:
        with open_cloud(file) as cloud:
            found = known(cloud)
    except Exception:  # noqa: BLE001 - a shell that completes must never see an error
        return []
    return [name for name in found if name.startswith(incomplete) and name not in taken]


def _containers(cloud: Cloud) -> list[str]:
    return [container.name for container in cloud.list()]


def _applications(cloud: Cloud) -> list[str]:
    with cloud.parts.store.read() as tx:
        return [deployment.name for deployment in tx.applications()]


def _hosts(cloud: Cloud) -> list[str]:
    return [view.host.name for view in cloud.hosts()]
