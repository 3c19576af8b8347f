"""Brings an image onto the engine that needs it: found there, copied from an engine that has
it, or pulled. Copies stream: no archive is ever held whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from clocker.errors import ClockerError, ConfigError, ImageNotFound, InfrastructureError
from clocker.images.reference import Reference
from clocker.images.transfer import transfer
from clocker.interfaces import Engine
from clocker.model import ImageInfo, RegistryAuth

Sources: TypeAlias = Callable[[], Sequence[tuple[str, Engine]]]
"""Other engines that may have an image, each with its name; asked for only when needed."""


Logins: TypeAlias = Callable[[Reference], RegistryAuth | None]
"""Who asks for an image at its registry. ConfigError: the password cannot be had."""


def nobody(reference: Reference) -> RegistryAuth | None:
    return None


def ensure(
    engine: Engine,
    reference: str,
    sources: Sources,
    *,
    pull_timeout_s: float = 300.0,
    logins: Logins = nobody,
) -> ImageInfo:
    """The image on ``engine``. Another engine is asked before the registry, since it answers at
    once; but a registry that was written out is asked first. BadInput for a reference that is
    none; ImageNotFound tells every place that was tried, and why in vain."""
    wanted = Reference.parse(reference)
    if found := engine.image(wanted.familiar):
        return found
    tried: list[str] = ["the host: does not have it"]
    copied = partial(copy, engine, wanted.familiar, sources, tried)
    pulled = partial(_pull, engine, wanted, pull_timeout_s, tried, logins)
    for attempt in (pulled, copied) if wanted.explicit else (copied, pulled):
        if found := attempt():
            return found
    raise ImageNotFound(
        "\n".join(
            [f"no image {wanted.familiar!r} could be had", *(f"  tried {place}" for place in tried)]
        ),
        where="image",
        remedy="check its name, or load it into this machine's engine: docker load",
    )


def copy(
    engine: Engine,
    name: str,
    sources: Sources,
    tried: list[str],
    good: Callable[[ImageInfo], bool] = lambda there: True,
) -> ImageInfo | None:
    """The image from the first other engine that has a ``good`` one, or None; ``tried`` grows by
    the places that could not give it."""
    for place, source in sources():
        if source is engine:
            continue
        try:
            there = source.image(name)
            if there is None or not good(there):
                tried.append(f"{place}: does not have it")
                continue
            return transfer(source, engine, name, there)
        except InfrastructureError as error:
            tried.append(f"{place}: {error.what}")
    return None


def _pull(
    engine: Engine, wanted: Reference, timeout_s: float, tried: list[str], logins: Logins
) -> ImageInfo | None:
    if wanted.is_id:
        tried.append("no registry: an id names what is on an engine already")
        return None
    if wanted.path.startswith("clocker/") and not wanted.explicit:
        # Anybody could have taken the name there.
        tried.append(f"no registry: {wanted.familiar} would be one that Clocker has made")
        return None
    try:
        engine.pull(wanted.familiar, auth=logins(wanted), timeout_s=timeout_s)
    except (InfrastructureError, ConfigError) as error:
        tried.append(f"registry {wanted.registry}: {error.what}{_advice(error)}")
        return None
    found = engine.image(wanted.familiar)
    if found is None:
        tried.append(f"registry {wanted.registry}: pulled, but the host does not list it")
    return found


def _advice(error: ClockerError) -> str:
    return f" ({error.remedy})" if error.remedy else ""
