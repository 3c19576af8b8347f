"""Images that are built from a Dockerfile. Each is named by the digest of what it is built from:
whoever has that name has the same, wherever it was built, also when the context is long gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from clocker.errors import BadInput, ClockerError, EngineError, ImageNotFound
from clocker.images.kinds import LAYER_LABEL, ImageKind, kind_of
from clocker.interfaces import Context, Contexts, Engine
from clocker.model import Build, ContainerRequest, ImageInfo

Ensure = Callable[[str], ImageInfo]
Tell = Callable[[str], None]
Once = Callable[[str, Callable[[], ImageInfo]], ImageInfo]
"""The image of that name: brought from where it is, or made; never made twice at the same time."""

_REPOSITORY = "clocker/build"


def built_tag(context: Context) -> str:
    return f"{_REPOSITORY}:{context.digest[:24]}"


def is_built_tag(reference: str) -> bool:
    return reference.startswith(f"{_REPOSITORY}:")


def is_built(image: ImageInfo) -> bool:
    return kind_of(image) is ImageKind.BUILT


def resolved(contexts: Contexts, request: ContainerRequest) -> ContainerRequest:
    """The request by the name of what is to be built for it, which stays when the context goes or
    changes. BadInput and InfrastructureError as of ``Contexts.open``."""
    if request.build is None or is_built_tag(request.image):
        return request
    with contexts.open(request.build) as context:
        return replace(request, image=built_tag(context))


@dataclass(frozen=True, slots=True)
class Order:
    """``ensure``: brings an image that it is built on to the engine."""

    build: Build
    tag: str
    ensure: Ensure
    on_line: Tell | None = None


def build_again(engine: Engine, contexts: Contexts, order: Order) -> ImageInfo:
    """From a context that must be the same as when ``order.tag`` was made of it. ImageNotFound
    when that is gone or has changed."""
    try:
        with contexts.open(order.build) as context:
            if built_tag(context) != order.tag:
                raise _lost(order.tag, f"{order.build.context} has changed since")
            return build_from(engine, context, order)
    except BadInput as error:
        raise _lost(order.tag, f"{error.where or order.build.context}: {error.what}") from error


def build_from(engine: Engine, context: Context, order: Order) -> ImageInfo:
    """ImageNotFound: one that it is built on is nowhere; CommandFailed, TimedOut: the build."""
    for image in context.images:
        try:
            order.ensure(image)
        except BadInput:  # no name of an image: the engine says what is wrong with it, and where
            continue
    built = engine.build(
        context.tar,
        tag=order.tag,
        labels={LAYER_LABEL: ImageKind.BUILT.value},
        timeout_s=order.build.timeout_s,
        dockerfile=context.dockerfile,
        args=order.build.args,
        target=order.build.target,
        on_line=order.on_line,
    )
    found = engine.image(built)
    if found is None:
        raise EngineError("the image was built, but is not there", where="image")
    return found


def _lost(tag: str, why: str) -> ClockerError:
    return ImageNotFound(
        f"no host has {tag}, and it cannot be built again: {why}",
        where="image",
        remedy="ask for it anew, from the context as it is now",
    )
