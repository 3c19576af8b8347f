"""The images on the ready hosts, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.ready_engines import ask
from clocker.images.kinds import BASE_LABEL, ImageKind, kind_of
from clocker.images.reference import Reference
from clocker.interfaces import Engine, Parts
from clocker.model import Container, ContainerStatus, ImageInfo


@dataclass(frozen=True, slots=True)
class ImageView:
    """One name of one image; another host may have another image of that name, which is another
    view. ``created_at``: epoch seconds, 0 when nobody knows. ``used_by``: containers of this cloud
    by their names, others by what their engine calls them; also those that use it through an image
    that Clocker made of it."""

    name: str
    id: str
    size_bytes: int
    hosts: tuple[str, ...] = ()
    kind: ImageKind = ImageKind.NAMED
    created_at: float = 0.0
    used_by: tuple[str, ...] = ()


def images(parts: Parts) -> tuple[ImageView, ...]:
    """What containers can be made of without fetching anything, by name."""
    found: dict[tuple[str, str], ImageView] = {}
    for view, (listed, running) in ask(parts, held):
        used = users(listed, running, view.containers, parts.spec.name)
        for image in listed:
            for name in image.tags:
                known = found.get((name, image.id)) or _view(name, image)
                found[name, image.id] = replace(
                    known,
                    hosts=(*known.hosts, view.host.name),
                    used_by=tuple(sorted({*known.used_by, *used.get(image.id, ())})),
                )
    return tuple(found[key] for key in sorted(found))


def users(
    listed: Sequence[ImageInfo],
    running: Iterable[ContainerStatus],
    recorded: Iterable[Container],
    cloud: str,
) -> dict[str, set[str]]:
    """Who uses each image of one host, by the image's id. Those on record count before their
    engine knows them: an image that is being brought for one is in use."""
    by_name = {tag: image.id for image in listed for tag in image.tags}
    found: dict[str, set[str]] = {}
    for status in running:
        mine = status.labels.get(CLOUD_LABEL) == cloud
        name = status.labels.get("clocker.name", status.name) if mine else status.name
        found.setdefault(status.image_id, set()).add(name)
    for container in recorded:
        wanted = Reference.parse(container.request.image).familiar
        for image_id in (container.image_id, by_name.get(wanted, wanted)):
            if image_id:
                found.setdefault(image_id, set()).add(container.name)
    return _with_bases(listed, found)


def _with_bases(listed: Sequence[ImageInfo], found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Whoever uses an image uses what it was made of."""
    bases = {image.id: image.labels.get(BASE_LABEL, "") for image in listed}
    for image_id, names in list(found.items()):
        seen = {image_id}
        while (image_id := bases.get(image_id, "")) and image_id not in seen:
            seen.add(image_id)
            found.setdefault(image_id, set()).update(names)
    return found


def held(engine: Engine) -> tuple[Sequence[ImageInfo], Sequence[ContainerStatus]]:
    return engine.list_images(), engine.list({})


def _view(name: str, image: ImageInfo) -> ImageView:
    return ImageView(
        name, image.id, image.size_bytes, kind=kind_of(image), created_at=image.created_at
    )
