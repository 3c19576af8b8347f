"""This machine's own Docker Engine, which ``local`` makes its nodes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clocker.errors import ProviderError

if TYPE_CHECKING:
    import docker

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


def socket_url(given: str | None = None) -> str:
    """The engine's socket. ``DOCKER_HOST`` counts only if it names a socket of this machine."""
    url = given or os.environ.get("DOCKER_HOST", "")
    return url if url.startswith("unix://") else DEFAULT_SOCKET


def open_engine(url: str | None = None, *, timeout_s: float = 120.0) -> docker.DockerClient:
    """ProviderError, with the remedy, when no engine answers there."""
    import docker
    from docker.errors import DockerException

    where = socket_url(url)
    try:
        client = docker.DockerClient(base_url=where, version="auto", timeout=int(timeout_s))
        # A CA bundle named in the environment must not overrule what the client was told.
        client.api.trust_env = False
        client.ping()
    except DockerException as error:
        raise ProviderError(
            f"no Docker Engine answers: {error}",
            where=where,
            remedy="run `scripts/prepare` (installs and starts one), or start yours; "
            "if permission is denied, run as root or join the group `docker`",
        ) from error
    return client
