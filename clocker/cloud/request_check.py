"""What no host could ever run is refused before anything is decided. Pure."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from clocker.cloud.key_pairs import public_key
from clocker.cloud.labels import check_aliases, check_hostname, check_labels, check_name
from clocker.contexts import check_build
from clocker.errors import BadInput
from clocker.images.install import check_install
from clocker.model import ContainerRequest

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check(request: ContainerRequest) -> None:
    """BadInput for what no host could ever run."""
    if request.name is not None:
        check_name(request.name)
    check_aliases(request.aliases, request.name)
    check_labels(request.labels)
    check_hostname(request.hostname)
    if len(request.networks) != len(set(request.networks)):
        raise BadInput("the same network is named twice", where="networks")
    if request.ssh_keys and not request.ssh:
        raise BadInput("keys are of no use without an sshd", where="ssh_keys", remedy="ask for ssh")
    for key in request.ssh_keys:
        public_key(key)
    _check_image(request)
    check_secrets(request)
    need = request.resources
    if min(need.cores, need.ram_mb, need.disk_mb) < 0:
        raise BadInput("resources cannot be negative", where="resources")
    if 0 < need.ram_mb < 6:
        raise BadInput("an engine gives a container at least 6 MiB of RAM", where="resources.ram")
    for port in request.ports:
        if not (0 < port.container < 65536 and 0 <= port.host_port < 65536):
            raise BadInput(f"no such port: {port.host_port}:{port.container}", where="ports")
    fixed = [(port.host_port, port.protocol) for port in request.ports if port.host_port]
    if len(fixed) != len(set(fixed)):
        raise BadInput("the same host port is asked for twice", where="ports")


def _check_image(request: ContainerRequest) -> None:
    if request.build is not None:
        check_build(request.build)
    if request.install is not None:
        check_install(request.install)


def check_secrets(request: ContainerRequest) -> None:
    targets = [secret.target for secret in request.secrets]
    for secret in request.secrets:
        where = f"secret {secret.name}"
        sources = (secret.env, secret.file, secret.command, secret.text)
        if sum(source is not None for source in sources) != 1:
            raise BadInput("has to have one source: env, file or command", where=where)
        if targets.count(secret.target) > 1:
            raise BadInput(f"two secrets go to {secret.target!r}", where=where)
        if secret.as_env:
            if not _VARIABLE.fullmatch(secret.target) or secret.target in request.env:
                remedy = "name one that is not there yet"
                raise BadInput(
                    f"{secret.target!r} cannot be its variable", where=where, remedy=remedy
                )
        elif not _is_file(secret.target):
            remedy = "give an absolute path, or one below /run/secrets"
            raise BadInput(f"{secret.target!r} cannot be its file", where=where, remedy=remedy)


def _is_file(target: str) -> bool:
    parts = PurePosixPath(target).parts
    named = bool(parts) and parts[-1] != "/" and not target.endswith("/")
    return named and ".." not in parts and target.isprintable()
