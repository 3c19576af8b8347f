"""What makes a container a registry of the cloud: its configuration, who may come in, and by which
certificate it is known. Put into it before it is started, and in no image."""

from __future__ import annotations

import io
import json
import tarfile

from clocker.bootstrap.own_registries import (
    REGISTRY_PORT,
    add_own,
    registry_name,
    registry_secret,
)
from clocker.certificates import is_due, new_key, server_certificate
from clocker.cloud.logins import OWN_USER, own_password
from clocker.errors import NotFound
from clocker.interfaces import Engine, Parts
from clocker.model import Container

FOLDER = "/etc/docker/registry"
CONFIG = f"{FOLDER}/config.yml"
DATA = "/var/lib/registry"
_CERTIFICATE, _KEY, _USERS = "tls.pem", "tls.key", "htpasswd"
_ROUNDS = 6  # the password is no word of a dictionary, and is checked with every request


def registry_files(parts: Parts, container: Container) -> bytes:
    """A tar to unpack at ``/``; nobody but root can read what is in it."""
    import bcrypt

    password = own_password(parts.keys, parts.spec.name, container.name)
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_ROUNDS)).decode()
    private, certificate = _certified(parts, container)
    files = {
        "config.yml": json.dumps(_configuration(), indent=2),  # which is YAML
        _USERS: f"{OWN_USER}:{hashed}\n",
        _CERTIFICATE: certificate,
        _KEY: private,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(f"{FOLDER}/{name}".removeprefix("/"))
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def renewal_is_due(parts: Parts, engine: Engine, container: Container, engine_id: str) -> bool:
    """Whether its certificate has lived most of its life, or is from another authority."""
    authority = add_own(parts, container.name).authority
    try:
        packed = engine.get_archive(engine_id, f"{FOLDER}/{_CERTIFICATE}")
    except NotFound:
        return True
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        stream = tar.extractfile(tar.next() or "")
        text = stream.read().decode() if stream else ""
    return is_due(text, authority, parts.clock())


def _certified(parts: Parts, container: Container) -> tuple[str, str]:
    authority = add_own(parts, container.name).authority
    name = registry_name(container.name, parts.spec.zone).rpartition(":")[0]
    private, public = new_key()
    certificate = server_certificate(
        authority,
        registry_secret(parts.keys, parts.spec.name),
        public,
        (name, container.address, container.name),
        parts.clock(),
    )
    return private, certificate


def _configuration() -> dict[str, object]:
    """The same in the distribution's package and in the registry's own image."""
    return {
        "version": "0.1",
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": DATA}, "delete": {"enabled": True}},
        "http": {
            "addr": f":{REGISTRY_PORT}",
            "tls": {"certificate": f"{FOLDER}/{_CERTIFICATE}", "key": f"{FOLDER}/{_KEY}"},
        },
        "auth": {"htpasswd": {"realm": "clocker", "path": f"{FOLDER}/{_USERS}"}},
    }
