"""Images that are built because somebody asks for them, before any container needs them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from clocker.cloud import views
from clocker.cloud.build_once import BuildOnce
from clocker.cloud.ready_engines import engine_of
from clocker.cloud.sources import other_engines
from clocker.errors import BadInput, InfrastructureError, Unreachable
from clocker.images import Images, Reference
from clocker.images.built import built_tag
from clocker.images.ensure import copy
from clocker.interfaces import Context, Engine, Parts
from clocker.model import Build, Host, HostState, ImageInfo

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """``tag``: by what it was built of, for containers that are asked for with the same build.
    ``name``: what was asked for, empty if nothing. ``updated``: other hosts that had another image
    of that name, and have this one now."""

    tag: str
    name: str
    id: str
    host: str
    size_bytes: int
    took_s: float
    updated: tuple[str, ...] = ()


def build(
    parts: Parts,
    images: Images,
    build: Build,
    *,
    name: str | None = None,
    host: str | None = None,
    on_line: Tell | None = None,
) -> BuildReport:
    """On ``host``, or on the one with the fewest containers. An image of the same context that a
    host has already is taken instead. BadInput; CommandFailed with the failing step's last lines;
    TimedOut."""
    reference = None if name is None else _reference(name)
    with parts.contexts.open(build) as context:
        return _build(parts, images, build, context, reference, _chosen(parts, host), on_line)


def build_library(
    parts: Parts,
    images: Images,
    build: Build,
    *,
    name: str,
    host: str | None = None,
    on_line: Tell | None = None,
) -> Iterator[BuildReport]:
    """Every variant of a checkout with a folder for each, as ``name:VARIANT``; those first that
    others build on."""
    repository = _repository(name)
    place = _chosen(parts, host)
    with parts.contexts.variants(build) as found:
        for variant in _ordered(found, repository):
            reference = Reference.parse(f"{repository}:{variant}")
            yield _build(parts, images, build, found[variant], reference, place, on_line)


def _build(
    parts: Parts,
    images: Images,
    build: Build,
    context: Context,
    reference: Reference | None,
    host: Host,
    on_line: Tell | None,
) -> BuildReport:
    engine, sources, tag = engine_of(parts, host), other_engines(parts, host), built_tag(context)
    subject = reference.familiar if reference else tag
    parts.progress.step(subject, f"build on {host.name}")
    begun = time.monotonic()
    once = BuildOnce(parts, images, engine, host, sources, subject, build.timeout_s)
    made = images.built_now(engine, context, build, sources, on_line, once)
    updated: tuple[str, ...] = ()
    if reference:
        engine.tag(made.id, reference.familiar)
        updated = _updated(parts, host, engine, reference.familiar, made)
    took_s = time.monotonic() - begun
    parts.progress.done(subject, f"built on {host.name}")
    return BuildReport(
        tag,
        reference.familiar if reference else "",
        made.id,
        host.name,
        made.size_bytes,
        took_s,
        updated,
    )


def _updated(
    parts: Parts, host: Host, engine: Engine, name: str, made: ImageInfo
) -> tuple[str, ...]:
    """The name must not mean the older image to a container that is made on another host."""
    found = []
    for view in views.hosts(parts):
        other = view.host
        if other.id == host.id or other.state is not HostState.READY:
            continue
        target = parts.connections.engine(other)
        there = target.image(name)
        if there is None or there.id == made.id:
            continue
        tried: list[str] = []
        if copy(target, name, lambda: [(host.name, engine)], tried) is None:
            raise InfrastructureError(
                f"it still has an older {name}: {'; '.join(tried)}", where=f"host {other.name}"
            )
        found.append(other.name)
    return tuple(found)


def _chosen(parts: Parts, name: str | None) -> Host:
    if name is not None:
        host = views.host(parts, name)
        engine_of(parts, host)  # refuses one that is not ready
        return host
    ready = [view for view in views.hosts(parts) if view.host.state is HostState.READY]
    if not ready:
        raise Unreachable("no host is ready to build on", remedy="make one: clocker up")
    return min(ready, key=lambda view: (len(view.containers), view.host.name)).host


def _reference(name: str) -> Reference:
    found = Reference.parse(name)
    if found.digest or found.path.startswith("clocker/"):
        raise BadInput(
            f"{name!r} cannot be the name of what is built",
            where="--tag",
            remedy="write NAME or NAME:TAG; those below clocker/ are Clocker's own",
        )
    return found


def _repository(name: str) -> str:
    if ":" in name.rsplit("/", 1)[-1]:
        raise BadInput(
            f"{name!r} has a tag, and each variant is one",
            where="--tag",
            remedy="write NAME: each variant becomes NAME:VARIANT",
        )
    return _reference(name).familiar.removesuffix(":latest")


def _ordered(found: Mapping[str, Context], repository: str) -> list[str]:
    graph = {
        variant: {
            other
            for other in found
            if other != variant and f"{repository}:{other}" in context.images
        }
        for variant, context in found.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise BadInput(
            f"variants build on each other in a circle: {', '.join(error.args[1])}",
            where=repository,
        ) from None
