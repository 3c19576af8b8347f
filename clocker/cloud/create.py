"""A container on the engine of a host, complete but not started."""

from __future__ import annotations

import os
from collections.abc import Mapping

from clocker.bootstrap.own_registries import is_registry
from clocker.cloud import secrets
from clocker.cloud.attach import connect_all, ensure_networks
from clocker.cloud.container_spec import container_spec, ssh_credentials
from clocker.cloud.registry_files import registry_files
from clocker.cloud.volumes import ensure_volumes
from clocker.images import Launch
from clocker.interfaces import Engine, Parts
from clocker.model import Container, Host, ImageInfo


def create(
    parts: Parts,
    engine: Engine,
    host: Host,
    container: Container,
    image: ImageInfo,
    launch: Launch,
    environ: Mapping[str, str] = os.environ,
    former: Host | None = None,
) -> str:
    """On all of its networks, with its volumes, secrets and keys; returns the engine's id.
    ``environ``: where the values come from that the request leaves open; ``former``: the host
    that it comes from, which may have secrets that cannot be read here."""
    ensure_networks(parts, host, container)
    ensure_volumes(parts, engine, container.request)
    delivered = secrets.deliver(parts, host, container, environ, former)
    engine_id = engine.create(container_spec(parts, container, image, launch, environ, delivered))
    connect_all(parts, engine, container, engine_id)
    if container.request.ssh:
        engine.put_archive(engine_id, "/", ssh_credentials(parts, container))
    if is_registry(container):
        engine.put_archive(engine_id, "/", registry_files(parts, container))
    return engine_id
