"""What the ready hosts hold besides containers: images, and the cloud's named volumes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from clocker.cloud import views
from clocker.cloud.container_spec import CLOUD_LABEL, volume_name
from clocker.cloud.steps import side_by_side
from clocker.cloud.volumes import named
from clocker.errors import BadInput, NameTaken, Unreachable
from clocker.images.sshd import LABEL as LAYER_LABEL
from clocker.interfaces import Engine, Parts
from clocker.model import Host, HostState, HostView

T = TypeVar("T")

_SIZE_LABEL = "clocker.size_gb"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ENGINES_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class ImageView:
    """``id``: on the first of ``hosts``; another may have another image of that name."""

    name: str
    id: str
    size_bytes: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VolumeView:
    """A volume of one host: another host's of the same name is another one. ``size_gb``: as it
    was asked for; no engine enforces it. ``containers``: those that use it."""

    name: str
    host: str
    size_gb: int = 0
    containers: tuple[str, ...] = ()


def images(parts: Parts) -> tuple[ImageView, ...]:
    """What containers can be made of without fetching anything, by name."""
    found: dict[str, ImageView] = {}
    for view, listed in _ask(parts, lambda engine: engine.list_images()):
        for image in listed:
            for name in () if LAYER_LABEL in image.labels else image.tags:
                known = found.get(name, ImageView(name, image.id, image.size_bytes, ()))
                hosts = (*known.hosts, view.host.name)
                found[name] = ImageView(name, known.id, known.size_bytes, hosts)
    return tuple(found[name] for name in sorted(found))


def volumes(parts: Parts) -> tuple[VolumeView, ...]:
    """By host and name."""
    mine = {CLOUD_LABEL: parts.spec.name}
    prefix = volume_name(parts.spec.name, "")
    return tuple(
        VolumeView(
            name.removeprefix(prefix),
            view.host.name,
            int(labels.get(_SIZE_LABEL, "0")),
            _users(view, name.removeprefix(prefix)),
        )
        for view, found in _ask(parts, lambda engine: engine.list_volumes(mine))
        for name, labels in sorted(found.items())
    )


def create_volume(parts: Parts, name: str, host: str, size_gb: int = 0) -> VolumeView:
    """NameTaken when the host has one of that name."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} cannot be a volume's name",
            where="volume",
            remedy="use letters, digits, dots, hyphens and underscores",
        )
    engine = _engine(parts, views.host(parts, host))
    known = volume_name(parts.spec.name, name)
    if engine.has_volume(known):
        raise NameTaken(f"there is a volume {name!r} already", where=f"host {host}")
    engine.ensure_volume(known, {CLOUD_LABEL: parts.spec.name, _SIZE_LABEL: str(size_gb)})
    return VolumeView(name, host, size_gb)


def remove_volume(parts: Parts, name: str, host: str) -> None:
    """With what is in it. One that is gone is a success; NameTaken while a container uses it."""
    engine = _engine(parts, views.host(parts, host))
    here = (view for view in views.hosts(parts) if view.host.name == host)
    if users := [user for view in here for user in _users(view, name)]:
        raise NameTaken(
            f"volume {name!r} is used by {', '.join(users)}",
            where=f"host {host}",
            remedy="remove these containers first",
        )
    known = volume_name(parts.spec.name, name)
    if known in engine.list_volumes({CLOUD_LABEL: parts.spec.name}):
        engine.remove_volume(known)


def _ask(parts: Parts, question: Callable[[Engine], T]) -> list[tuple[HostView, T]]:
    """Every ready host; one that does not answer is an error, never left out."""
    ready = [view for view in views.hosts(parts) if view.host.state is HostState.READY]
    ready.sort(key=lambda view: view.host.name)
    with side_by_side(min(len(ready), _ENGINES_AT_ONCE)) as pool:
        answers = pool.map(lambda view: question(parts.connections.engine(view.host)), ready)
    return list(zip(ready, answers, strict=True))


def _engine(parts: Parts, host: Host) -> Engine:
    if host.state is not HostState.READY:
        raise Unreachable(f"the host is {host.state}", where=f"host {host.name}")
    return parts.connections.engine(host)


def _users(view: HostView, volume: str) -> tuple[str, ...]:
    return tuple(
        container.name
        for container in view.containers
        if volume in {used.source for used in named(container.request)}
    )
