"""The named volumes of a container: made, and carried from host to host."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

from clocker.cloud.container_spec import CLOUD_LABEL, engine_name, volume_name
from clocker.interfaces import Engine, Parts
from clocker.model import Container, ContainerRequest, ContainerSpec, ImageInfo, Volume

_ROOT = "/clocker"


def named(request: ContainerRequest) -> tuple[Volume, ...]:
    """Those that are not a folder of the host; each once."""
    found = {v.source: v for v in request.volumes if not v.source.startswith("/")}
    return tuple(found.values())


def ensure_volumes(parts: Parts, engine: Engine, request: ContainerRequest) -> None:
    """With the cloud's label, by which they are found when the cloud is removed."""
    for volume in named(request):
        name = volume_name(parts.spec.name, volume.source)
        engine.ensure_volume(name, {CLOUD_LABEL: parts.spec.name})


def copy_volumes(
    parts: Parts, container: Container, image: ImageInfo, here: Engine, there: Engine
) -> None:
    """Stream what is in them from the stopped container, through one over there that is never
    started, into volumes that are new. Before the container itself is made there: an engine
    fills a volume that is empty with what the image has at its place."""
    ensure_volumes(parts, there, container.request)
    known = engine_name(parts.spec.name, container.name)
    with _helper(parts, container, image, there) as helper:
        for number, volume in enumerate(named(container.request)):
            parts.progress.step(container.name, f"copying volume {volume.source}")
            tar = here.read_archive(known, volume.target)
            there.write_archive(helper, f"{_ROOT}/{number}", tar)


@contextmanager
def _helper(parts: Parts, container: Container, image: ImageInfo, engine: Engine) -> Iterator[str]:
    """Each volume below a folder of its own, under the name that it has in the archive."""
    cloud = parts.spec.name
    mounts = [
        Volume(volume_name(cloud, v.source), f"{_ROOT}/{n}/{PurePosixPath(v.target).name}")
        for n, v in enumerate(named(container.request))
    ]
    spec = ContainerSpec(
        name=f"{engine_name(cloud, container.name)}.volumes",
        image=image.id,
        hostname="volumes",
        labels={CLOUD_LABEL: cloud, "clocker.id": container.id},
        volumes=tuple(mounts),
        command=("true",),
    )
    helper = engine.create(spec)
    yield helper
    engine.remove(helper)
