"""Takes an image from one engine to another, with no registry between them."""

from __future__ import annotations

from collections.abc import Iterator

from clocker.errors import EngineError
from clocker.images import missing_layers
from clocker.interfaces import Engine
from clocker.model import ImageInfo

_WORTH_A_LOOK = 4 * 1024 * 1024


def transfer(source: Engine, target: Engine, name: str, there: ImageInfo) -> ImageInfo:
    """``name`` as ``source`` has it, on ``target``: the layers that are missing there, streamed.
    What has arrived is the very image, or EngineError."""
    layers = _layers_on(target, there)
    try:
        target.load(_parts(source, name, there, layers))
    except EngineError:
        if not layers:
            raise
        # What was there a moment ago is not any more, or that engine wants an archive whole.
        target.load(source.save(name))
    # A digest is not part of an archive: what came by digest is known by its id only.
    found = target.image(name) or target.image(there.id)
    if found is None:
        raise EngineError("copied, but the host does not list it")
    if found.id != there.id:
        raise EngineError(f"asked for {there.id}, and {found.id} has arrived")
    return found if found.tags else _named(target, there)


def _named(target: Engine, there: ImageInfo) -> ImageInfo:
    """Asked for by its id, it has come without its names, by which alone it would be listed."""
    for name in there.tags:
        if target.image(name) is None:
            target.tag(there.id, name)
    return target.image(there.id) or there


def _parts(source: Engine, name: str, there: ImageInfo, layers: int) -> Iterator[bytes]:
    archive = iter(source.save(name))
    drop = missing_layers.droppable(there.layers, layers)
    return missing_layers.without(archive, drop) if drop else archive


def _layers_on(target: Engine, wanted: ImageInfo) -> int:
    """How many of the lowest layers the target has. To ask takes as long as a few MB."""
    if wanted.size_bytes < _WORTH_A_LOOK or not wanted.layers:
        return 0
    listed = (target.image(image.id) for image in target.list_images())
    return missing_layers.common(wanted.layers, [found.layers for found in listed if found])
