"""Images between the hosts and the registries, on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clocker.cloud import views
from clocker.cloud.logins import Logins
from clocker.cloud.ready_engines import engine_of
from clocker.cloud.shared_registry import shared_registry
from clocker.cloud.steps import each_host
from clocker.errors import BadInput, ImageNotFound
from clocker.images import Reference
from clocker.interfaces import Engine, Parts
from clocker.model import Host, HostState, ImageInfo

_TRANSFER_S = 1800.0


@dataclass(frozen=True, slots=True)
class Pulled:
    """``image``: as each of ``hosts`` has it now."""

    name: str
    image: ImageInfo
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pushed:
    """``digest``: by which the registry has it, under the name ``target``."""

    name: str
    target: str
    digest: str
    host: str


def pull(parts: Parts, reference: str, hosts: Sequence[str] = ()) -> Pulled:
    """From its registry to the hosts, which are all that are ready when none is named; also where
    there is one of that name already. The first failure is raised when all have ended."""
    wanted = _of_a_registry(reference)
    chosen = _hosts(parts, hosts)
    auth = Logins(parts)(wanted)

    def bring(host: Host) -> ImageInfo:
        engine = parts.connections.engine(host)
        tell = _teller(parts, host.name)
        engine.pull(wanted.familiar, auth=auth, on_line=tell, timeout_s=_TRANSFER_S)
        found = engine.image(wanted.familiar)
        if found is None:
            raise ImageNotFound(f"{wanted.familiar} was pulled, and is gone", where=host.name)
        parts.progress.done(host.name, f"has {wanted.familiar}")
        return found

    found, failures = each_host(chosen, bring, parts.spec.hosts.concurrency)
    if failures:
        raise failures[0]
    return Pulled(wanted.familiar, found[0], tuple(host.name for host in chosen))


def push(parts: Parts, reference: str, target: str | None, host: str | None) -> Pushed:
    """From a host that has it. ``target``: the name that it gets at its registry; without one its
    own, or, if that names no registry, that below where images are shared."""
    wanted = Reference.parse(reference)
    goal = _of_a_registry(target or _target(parts, wanted))
    if goal.digest:
        raise BadInput("a digest cannot be chosen", where="target", remedy="give a tag")
    auth = Logins(parts)(goal)
    there, engine = _holder(parts, wanted, host)
    named = engine.image(goal.familiar)
    engine.tag(wanted.familiar, goal.familiar)
    try:
        tell = _teller(parts, there.name)
        digest = engine.push(goal.familiar, auth=auth, on_line=tell, timeout_s=_TRANSFER_S)
    finally:
        if named is None:
            engine.remove_image(goal.familiar)
    parts.progress.done(there.name, f"pushed {goal.familiar}")
    return Pushed(wanted.familiar, goal.familiar, digest, there.name)


def _target(parts: Parts, wanted: Reference) -> str:
    if wanted.explicit:
        return wanted.familiar
    shared = shared_registry(parts)
    if shared is None or wanted.is_id:
        raise BadInput(
            f"{wanted.familiar} names no registry to push it to",
            where="target",
            remedy="give a target: REGISTRY[:PORT]/NAME:TAG",
        )
    return f"{shared.name}/{wanted.familiar}"


def _of_a_registry(text: str) -> Reference:
    found = Reference.parse(text)
    if found.is_id:
        raise BadInput("an id is known by no registry", where="image", remedy="give a name")
    return found


def _holder(parts: Parts, wanted: Reference, name: str | None) -> tuple[Host, Engine]:
    tried: list[str] = []
    for host in _hosts(parts, (name,) if name else ()):
        tried.append(host.name)
        engine = parts.connections.engine(host)
        if engine.image(wanted.familiar):
            return host, engine
    raise ImageNotFound(
        f"no image {wanted.familiar!r} on {', '.join(tried)}",
        where="image",
        remedy="clocker image ls shows what is where",
    )


def _hosts(parts: Parts, names: Sequence[str]) -> list[Host]:
    """Those named, or all that are ready."""
    if names:
        found = [views.host(parts, name) for name in dict.fromkeys(names)]
        for host in found:
            engine_of(parts, host)  # refused before anything is done
        return found
    with parts.store.read() as tx:
        ready = [host for host in tx.hosts() if host.state is HostState.READY]
    if not ready:
        raise BadInput("the cloud has no host that is ready", where="hosts", remedy="clocker up")
    return sorted(ready, key=lambda host: host.name)


def _teller(parts: Parts, subject: str) -> Callable[[str], None]:
    def tell(line: str) -> None:
        parts.progress.step(subject, "".join(char for char in line if char.isprintable())[:100])

    return tell
