"""The cloud's named volumes on the ready hosts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from clocker.cloud import views
from clocker.cloud.container_spec import CLOUD_LABEL, volume_name
from clocker.cloud.ready_engines import ask, engine_of
from clocker.cloud.volumes import named
from clocker.errors import BadInput, NameTaken
from clocker.interfaces import Parts
from clocker.model import HostView

_SIZE_LABEL = "clocker.size_gb"
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class VolumeView:
    """A volume of one host: another host's of the same name is another one. ``size_gb``: as it
    was asked for; no engine enforces it. ``containers``: those that use it."""

    name: str
    host: str
    size_gb: int = 0
    containers: tuple[str, ...] = ()


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
        for view, found in ask(parts, lambda engine: engine.list_volumes(mine))
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
    engine = engine_of(parts, views.host(parts, host))
    known = volume_name(parts.spec.name, name)
    if engine.has_volume(known):
        raise NameTaken(f"there is a volume {name!r} already", where=f"host {host}")
    engine.ensure_volume(known, {CLOUD_LABEL: parts.spec.name, _SIZE_LABEL: str(size_gb)})
    return VolumeView(name, host, size_gb)


def remove_volume(parts: Parts, name: str, host: str) -> None:
    """With what is in it. One that is gone is a success; NameTaken while a container uses it."""
    engine = engine_of(parts, views.host(parts, host))
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


def _users(view: HostView, volume: str) -> tuple[str, ...]:
    return tuple(
        container.name
        for container in view.containers
        if volume in {used.source for used in named(container.request)}
    )
