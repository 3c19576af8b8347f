"""A base image that was made on this machine, on the engines that are to have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker.cloud import views
from clocker.cloud.ready_engines import engine_of
from clocker.errors import BadInput, EngineError
from clocker.images import Images, Reference
from clocker.images.archive import RootImage
from clocker.interfaces import Engine, Parts
from clocker.model import ImageInfo

HERE = "this machine"
_SSH = "-ssh"


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """``host``: a name, or ``this machine``."""

    name: str
    id: str
    host: str
    size_bytes: int


def places(parts: Parts, hosts: Sequence[str]) -> list[tuple[str, Engine]]:
    """The engines of these hosts, or else this machine's own; each with its name. To be asked
    before anything is made."""
    if hosts:
        return [(name, engine_of(parts, views.host(parts, name))) for name in dict.fromkeys(hosts)]
    home = parts.connections.home_engine()
    if home is None:
        raise BadInput(
            "no Docker Engine answers on this machine",
            where="image base",
            remedy="name the hosts that are to have it: --host HOST",
        )
    return [(HERE, home)]


def load_base(
    parts: Parts, images: Images, image: RootImage, hosts: Sequence[str], *, ssh: bool
) -> list[LoadedImage]:
    """``ssh``: besides, the same with an sshd, which ``run --ssh`` then finds made."""
    found: list[LoadedImage] = []
    loaded: list[tuple[str, Engine]] = []
    for place, engine in places(parts, hosts):
        parts.progress.step(image.name, f"load on {place}")
        engine.load(image.archive())
        base = engine.image(image.name)
        if base is None or base.id != image.id:
            raise EngineError("the image was loaded, and is not what was made", where=place)
        found.append(_told(image.name, base, place))
        if ssh:
            layer = images.with_ssh(engine, base, lambda: tuple(loaded))
            name = with_ssh_name(image.name)
            engine.tag(layer.id, name)
            found.append(_told(name, layer, place))
        loaded.append((place, engine))
    return found


def with_ssh_name(name: str) -> str:
    reference = Reference.parse(name)
    return f"{reference.familiar}{_SSH}"


def _told(name: str, image: ImageInfo, place: str) -> LoadedImage:
    return LoadedImage(name, image.id, place, image.size_bytes)
