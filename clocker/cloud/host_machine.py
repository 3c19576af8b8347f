from __future__ import annotations

from collections.abc import Mapping

from clocker.cloud import add_hosts, cordon, drain, recover, views
from clocker.cloud.reports import DrainReport, RemoveReport
from clocker.images import Images
from clocker.interfaces import Parts
from clocker.model import Host


class HostMachine:
    """One host of a cloud, by its name. Every method may be called again; NotFound when there is
    no such host."""

    def __init__(self, parts: Parts, images: Images, name: str) -> None:
        self._parts = parts
        self._images = images
        self.name = name

    @property
    def record(self) -> Host:
        return views.host(self._parts, self.name)

    def cordon(self) -> Host:
        """From now on it takes nothing new; what is on it runs on."""
        return cordon.cordon(self._parts, self.name)

    def uncordon(self) -> Host:
        return cordon.uncordon(self._parts, self.name)

    def label(self, changes: Mapping[str, str | None]) -> Host:
        """Set the labels that are named; None takes one away."""
        return cordon.label(self._parts, self.name, changes)

    def drain(self, *, volumes: bool = False, grace_s: float | None = None) -> DrainReport:
        """Cordon it, and move its containers elsewhere; what cannot move is in the report."""
        recover.recover(self._parts)
        return drain.drain(self._parts, self._images, self.name, volumes=volumes, grace_s=grace_s)

    def remove(
        self, *, volumes: bool = False, force: bool = False, grace_s: float | None = None
    ) -> RemoveReport:
        """Drain it and give its machine back. ``force``: with what cannot move."""
        recover.recover(self._parts)
        return drain.remove(
            self._parts, self._images, self.name, volumes=volumes, force=force, grace_s=grace_s
        )

    def repair(self) -> Host:
        """Bootstrap it anew, and tell every host of the others."""
        return add_hosts.repair(self._parts, self.name)
