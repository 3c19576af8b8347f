"""A container as the engine is told to create it. Pure but for the values taken from the
environment by reference."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from clocker.cloud.nets import attachment
from clocker.cloud.secrets import Delivered
from clocker.errors import BadInput
from clocker.images import Launch, credentials_tar
from clocker.images.install import without_contents
from clocker.interfaces import Parts
from clocker.model import Container, ContainerSpec, ImageInfo, Volume

CLOUD_LABEL = "clocker.cloud"


def container_spec(
    parts: Parts,
    container: Container,
    image: ImageInfo,
    launch: Launch,
    environ: Mapping[str, str] = os.environ,
    delivered: Delivered = Delivered(),
) -> ContainerSpec:
    request = container.request
    return ContainerSpec(
        name=engine_name(parts.spec.name, container.name),
        image=image.id,
        hostname=request.hostname or container.name,
        labels={**request.labels, **own_labels(parts.spec.name, container)},
        resources=request.resources,
        attachment=attachment(parts, container, container.endpoints[0]),
        env={**environment(request.env, environ), **delivered.env},
        volumes=tuple(_volume(parts.spec.name, volume) for volume in request.volumes),
        binds=delivered.binds,
        ports=container.ports,
        command=launch.command,
        entrypoint=launch.entrypoint,
        user=launch.user,
        workdir=request.workdir,
        capabilities=request.capabilities,
        privileged=request.privileged,
        read_only=request.read_only,
        interactive=launch.interactive,
        init=launch.init,
        # A waiting shell ignores SIGTERM.
        stop_signal=request.stop_signal or ("SIGHUP" if launch.interactive else None),
        stop_grace_s=request.stop_grace_s,
        restart=request.restart,
        health=request.health,
        sandbox=request.sandbox,
    )


def engine_name(cloud: str, name: str) -> str:
    """What the engine calls a container: clouds that share an engine do not clash."""
    return f"{cloud}.{name}"


def own_labels(cloud: str, container: Container) -> dict[str, str]:
    """What suffices to rebuild a lost store. Never the environment: it may hold secrets; nor the
    contents of files, which every list of containers would carry."""
    request = replace(
        container.request,
        env=dict.fromkeys(container.request.env),
        install=without_contents(container.request.install),
    )
    return {
        CLOUD_LABEL: cloud,
        "clocker.id": container.id,
        "clocker.name": container.name,
        "clocker.address": container.address,
        "clocker.request": msgspec.json.encode(request).decode(),
    }


def environment(env: Mapping[str, str | None], source: Mapping[str, str]) -> dict[str, str]:
    """``env`` with the values that were left open taken from ``source``."""
    missing = sorted(name for name, value in env.items() if value is None and name not in source)
    if missing:
        raise BadInput(
            f"not set in this environment: {', '.join(missing)}",
            where="env",
            remedy=f"export {missing[0]}=..., or give the value in the request",
        )
    return {name: source[name] if value is None else value for name, value in env.items()}


def ssh_credentials(parts: Parts, container: Container) -> bytes:
    """The files that make this container's sshd its own: a tar to unpack at ``/``."""
    key = parts.keys.derive("container", container.id)
    allowed = (parts.keys.public, *parts.spec.ssh_public_keys, *container.request.ssh_keys)
    return credentials_tar(key.private, allowed)


def _volume(cloud: str, volume: Volume) -> Volume:
    if volume.source.startswith("/"):
        return volume
    return replace(volume, source=volume_name(cloud, volume.source))


def volume_name(cloud: str, name: str) -> str:
    return f"{cloud}.{name}"
