"""Where containers must be because of what their volumes hold."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

from clocker.applications import Change, Verb
from clocker.cloud.holdings import VolumeView, volumes
from clocker.cloud.volumes import named
from clocker.deploy.world import World
from clocker.interfaces import Parts
from clocker.model import ContainerRequest


class Homes:
    """A container that is made anew goes to where it was; one that was not there, to a host that
    has its volumes and where nobody else uses them."""

    def __init__(self, parts: Parts, world: World) -> None:
        self._parts, self._world = parts, world
        self._found: tuple[VolumeView, ...] | None = None
        self._given: set[tuple[str, str]] = set()
        self._lock = Lock()

    def of(self, changes: Sequence[Change]) -> dict[str, str]:
        """Names of hosts by names of containers; of those that have no volumes, nothing."""
        homes: dict[str, str] = {}
        for change in changes:
            if change.request is None or not named(change.request):
                continue
            if change.verb is Verb.REPLACE:
                host = self._world.seen[change.name].facts.host
            elif change.verb is Verb.CREATE:
                host = self._with_volumes(change.request)
            else:
                continue
            if host:
                homes[change.name] = host
        return homes

    def _with_volumes(self, request: ContainerRequest) -> str | None:
        with self._lock:
            if self._found is None:
                self._found = volumes(self._parts)
            wanted = {volume.source for volume in named(request)}
            free = [v for v in self._found if v.name in wanted and not v.containers]
            for host in sorted({view.host for view in free}):
                key = (host, min(wanted))
                has = {view.name for view in free if view.host == host}
                if has == wanted and key not in self._given:
                    self._given.add(key)
                    return host
            return None
