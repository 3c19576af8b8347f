"""The images on the hosts: copied, removed, and cleared up. None that is in use ever goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker.cloud import image_list, image_record, ledger, views
from clocker.cloud.image_list import users
from clocker.cloud.ready_engines import ask, engine_of
from clocker.cloud.sources import other_engines
from clocker.errors import ClockerError, ImageNotFound, NameTaken, NotFound
from clocker.images import Images, Reference
from clocker.images.kinds import ImageKind, kind_of
from clocker.images.prune import ImageFinding, Limits, findings
from clocker.interfaces import Engine, Parts
from clocker.model import ContainerState, ContainerStatus, HostView, ImageInfo


@dataclass(frozen=True, slots=True)
class Copied:
    """``was_there``: nothing had to be done."""

    name: str
    id: str
    host: str
    was_there: bool


@dataclass(frozen=True, slots=True)
class PruneReport:
    removed: tuple[ImageFinding, ...] = ()
    kept: tuple[ImageFinding, ...] = ()
    failures: tuple[tuple[ImageFinding, ClockerError], ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """What one host holds now, and who uses it."""

    view: HostView
    images: Sequence[ImageInfo]
    used: dict[str, set[str]]


class ImageStock:
    """Of one cloud. A host that is not ready is not looked at."""

    def __init__(self, parts: Parts, images: Images) -> None:
        self._parts = parts
        self._images = images

    def copy(self, name: str, host: str) -> Copied:
        """From another host, or this machine, to ``host``: the layers that are missing there.
        ImageNotFound tells who does not have it."""
        target = views.host(self._parts, host)
        engine, wanted = engine_of(self._parts, target), Reference.parse(name).familiar
        if found := engine.image(wanted):
            return Copied(wanted, found.id, host, was_there=True)
        self._parts.progress.step(wanted, f"copying to {host}")
        tried: list[str] = []
        found = self._images.copied(engine, wanted, other_engines(self._parts, target), tried)
        if found is None:
            places = "".join(f"\n  {place}" for place in tried)
            raise ImageNotFound(f"nobody can give {wanted}{places}", where=f"host {host}")
        ledger.log_now(self._parts, "image", wanted, "copied", f"to {host}")
        self._parts.progress.done(wanted, f"copied to {host}")
        return Copied(wanted, found.id, host, was_there=False)

    def remove(self, names: Sequence[str], hosts: Sequence[str] = ()) -> tuple[ImageFinding, ...]:
        """From ``hosts``, or all that have them. NameTaken, with nothing removed, when one of
        them is in use; NotFound when there is none of that name."""
        wanted = [Reference.parse(name).familiar for name in names]
        found = [
            (held, image, name)
            for held in self._held(hosts)
            for image in held.images
            for name in wanted
            if name in (*image.tags, image.id)
        ]
        self._check_removal(wanted, found)
        removed = []
        for held, image, name in found:
            self._remove(held.view, image, (name,) if name in image.tags else image.tags)
            removed.append(ImageFinding(held.view.host.name, image, True, name))
        return tuple(removed)

    def plan(self, limits: Limits, hosts: Sequence[str] = ()) -> tuple[ImageFinding, ...]:
        """What ``prune`` would do."""
        now = self._parts.clock()
        return tuple(
            finding
            for held in self._held(hosts)
            for finding in findings(held.view.host.name, held.images, held.used, limits, now)
        )

    def prune(self, found: Sequence[ImageFinding]) -> PruneReport:
        """Remove those that go, unless they are in use by now; every failure is in the report."""
        removed, failures = [], []
        kept = [finding for finding in found if not finding.goes]
        for host in dict.fromkeys(finding.host for finding in found if finding.goes):
            (held,) = self._held([host])
            for finding in (each for each in found if each.goes and each.host == host):
                if held.used.get(finding.image.id):
                    kept.append(finding)
                    continue
                try:
                    self._remove(held.view, finding.image, finding.image.tags)
                    removed.append(finding)
                except ClockerError as error:
                    failures.append((finding, error))
        return PruneReport(tuple(removed), tuple(kept), tuple(failures))

    def _held(self, hosts: Sequence[str]) -> list[_Held]:
        for name in hosts:
            engine_of(self._parts, views.host(self._parts, name))
        return [
            _Held(view, listed, self._used(view, listed, running))
            for view, (listed, running) in ask(self._parts, image_list.held)
            if not hosts or view.host.name in hosts
        ]

    def _used(
        self, view: HostView, listed: Sequence[ImageInfo], running: Sequence[ContainerStatus]
    ) -> dict[str, set[str]]:
        """While something is made of an install there, any generated image may be what it is
        waiting for."""
        found = users(listed, running, view.containers, self._parts.spec.name)
        making = {
            container.name
            for container in view.containers
            if container.state is ContainerState.CREATING and container.request.install
        }
        for image in listed if making else ():
            if kind_of(image) in (ImageKind.GENERATED, ImageKind.SSH):
                found.setdefault(image.id, set()).update(making)
        return found

    def _check_removal(
        self, wanted: Sequence[str], found: Sequence[tuple[_Held, ImageInfo, str]]
    ) -> None:
        if missing := sorted(set(wanted) - {name for _, _, name in found}):
            raise NotFound(
                f"no host has {', '.join(missing)}", where="image", remedy="clocker image ls"
            )
        for held, image, name in found:
            if used := held.used.get(image.id):
                raise NameTaken(
                    f"{name} is used by {', '.join(sorted(used))}",
                    where=f"host {held.view.host.name}",
                    remedy="remove these containers first",
                )

    def _remove(self, view: HostView, image: ImageInfo, names: Sequence[str]) -> None:
        engine: Engine = self._parts.connections.engine(view.host)
        for name in names:
            engine.remove_image(name)
        image_record.forget_unused(self._parts, view.host)
        detail = f"from {view.host.name}"
        ledger.log_now(self._parts, "image", names[0], "removed", detail)
