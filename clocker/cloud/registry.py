"""Registries: those that are containers of the cloud are made, looked at and removed; of all it can
be seen whether each host is let in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from clocker.bootstrap.own_registries import (
    REGISTRY_LABEL,
    add_own,
    is_registry,
    own_registries,
)
from clocker.cloud import holdings, ledger
from clocker.cloud.hosts import ensure_current
from clocker.cloud.labels import check_name
from clocker.cloud.logins import Logins
from clocker.cloud.obtain import obtain
from clocker.cloud.ready_engines import ask
from clocker.cloud.registry_files import CONFIG, DATA
from clocker.cloud.registry_renewal import renew
from clocker.cloud.release import release
from clocker.cloud.shared_registry import shared_registry
from clocker.cloud.steps import each_host
from clocker.errors import (
    BootstrapFailed,
    ClockerError,
    ConfigError,
    ImageNotFound,
    InfrastructureError,
    NameTaken,
    NotFound,
    TimedOut,
)
from clocker.images import Images, Reference
from clocker.interfaces import Engine, Parts
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    HostState,
    Install,
    Registry,
    Resources,
    Restart,
    Volume,
)

BASE = "debian:12"
_PACKAGE = "docker-registry"
_ANSWERS_S = 60.0
_LOOK_S = 0.3
_PULL_S = 60.0


@dataclass(frozen=True, slots=True)
class RegistryView:
    """``container``, ``host``, ``state``: of one that is a container of the cloud. ``shared``: what
    is made of images goes there."""

    registry: Registry
    shared: bool = False
    container: str | None = None
    host: str | None = None
    state: ContainerState | None = None


@dataclass(frozen=True, slots=True)
class RegistryCheck:
    """What a host's engine is told by the registry; ``error``: None where it is let in."""

    host: str
    error: ClockerError | None = None


@dataclass(frozen=True, slots=True)
class RegistryWishes:
    """``image``: one that is a registry; None: the distribution's is installed in ``base``."""

    image: str | None = None
    base: str = BASE
    resources: Resources = Resources()


def run(parts: Parts, images: Images, name: str, wishes: RegistryWishes) -> RegistryView:
    """Idempotent: what is there is given a new certificate where that is due, and every host is
    told of it."""
    check_name(name)
    with parts.store.read() as tx:
        there = tx.container(name)
    if there is not None and not is_registry(there):
        raise NameTaken(f"{name} is a container already, and no registry", where="name")
    add_own(parts, name)
    if there is None:
        there = obtain(parts, images, _request(name, wishes))
    renew(parts)
    tell_hosts(parts)
    found = next(view for view in views(parts) if view.container == name)
    await_answer(parts, there, found.registry)
    ledger.log_now(parts, "registry", name, "running", found.registry.name)
    return found


def remove(parts: Parts, name: str, *, data: bool) -> None:
    """The container; with ``data`` also all images in it. The hosts forget it."""
    found = [view for view in views(parts) if view.container == name]
    if not found:
        raise NotFound(f"no registry of the cloud is called {name}", where="name")
    release(parts, name)
    if data and found[0].host:
        holdings.remove_volume(parts, _volume(name), found[0].host)
    tell_hosts(parts)


def views(parts: Parts) -> tuple[RegistryView, ...]:
    """Those of clocker.yaml, then those that are containers of the cloud."""
    with parts.store.read() as tx:
        own = own_registries(tx, parts.spec.zone)
        hosts = {host.id: host.name for host in tx.hosts()}
        found = {registry: tx.container(registry.name.partition(".")[0]) for registry in own}
    shared = shared_registry(parts)
    return tuple(
        RegistryView(
            registry,
            shared=registry == shared,
            container=container.name if container else None,
            host=hosts.get(container.host_id) if container else None,
            state=container.state if container else None,
        )
        for registry in (*parts.spec.registries, *own)
        for container in (found.get(registry),)
    )


def check(parts: Parts, name: str) -> tuple[RegistryCheck, ...]:
    """Whether the engine of every ready host is let in, by host."""
    known = views(parts)
    found = next((view for view in known if name in (view.registry.name, view.container)), None)
    if found is None:
        names = ", ".join(view.registry.name for view in known) or "none"
        raise NotFound(f"no registry is called {name!r}", where="name", remedy=f"known: {names}")

    def let_in(engine: Engine) -> ClockerError | None:
        try:
            _knock(parts, engine, found.registry)
        except (InfrastructureError, ConfigError) as error:
            return error
        return None

    return tuple(RegistryCheck(view.host.name, error) for view, error in ask(parts, let_in))


def tell_hosts(parts: Parts) -> None:
    """What there is of the cloud's registries. BootstrapFailed names the hosts that were not told;
    the next ``up`` tells them."""
    with parts.store.read() as tx:
        ready = [host for host in tx.hosts() if host.state is HostState.READY]
    most = parts.spec.hosts.concurrency
    _, failures = each_host(ready, lambda host: ensure_current(parts, host.id), most)
    if failures:
        raise BootstrapFailed(
            f"{len(failures)} of {len(ready)} hosts were not told of the cloud's registries; "
            "clocker up tells them",
            failures=failures,
        )


def await_answer(parts: Parts, container: Container, registry: Registry) -> None:
    """Until its own host is let in."""
    with parts.store.read() as tx:
        host = tx.host(container.host_id)
    if host is None:
        raise NotFound("its host is gone", where=container.name)
    engine, deadline = parts.connections.engine(host), parts.clock() + _ANSWERS_S
    while True:
        try:
            _knock(parts, engine, registry)
        except InfrastructureError as error:
            if parts.clock() > deadline:
                raise TimedOut(
                    f"registry {registry.name} does not answer: {error.what}",
                    where=container.name,
                    remedy=f"see: clocker logs {container.name}",
                ) from error
            parts.sleep(_LOOK_S)
        else:
            return


def _knock(parts: Parts, engine: Engine, registry: Registry) -> None:
    """An image that no registry has: it is told so by one that lets us in."""
    reference = f"{registry.name}/clocker/login-check:none"
    auth = Logins(parts)(Reference.parse(reference))
    try:
        engine.pull(reference, auth=auth, timeout_s=_PULL_S)
    except ImageNotFound:
        return


def _request(name: str, wishes: RegistryWishes) -> ContainerRequest:
    plain = ContainerRequest(
        image=wishes.image or wishes.base,
        name=name,
        resources=wishes.resources,
        labels={REGISTRY_LABEL: "tls"},
        volumes=(Volume(_volume(name), DATA),),
        restart=Restart("always"),
    )
    if wishes.image is not None:
        return replace(plain, command=(CONFIG,))
    return replace(
        plain,
        install=Install(packages=(_PACKAGE,)),
        entrypoint=(_PACKAGE,),
        command=("serve", CONFIG),
    )


def _volume(name: str) -> str:
    return f"{name}-data"
