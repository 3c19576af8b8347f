"""A container that behaves like a machine: systemd is its first process, it has cgroups and
devices of its own, and what user data a cloud-init would honour lies in its files."""

from __future__ import annotations

import io
import secrets
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clocker.errors import ProviderError

if TYPE_CHECKING:
    import docker

PROBE_LABEL = "clocker.local.probe"
TUN = "/dev/net/tun"

_privileged: dict[str, bool] = {}
_probing = threading.Lock()


@dataclass(frozen=True, slots=True)
class UserData:
    """What a node honours of a ``#cloud-config`` document."""

    hostname: str | None = None
    host_key: str | None = field(default=None, repr=False)
    host_key_public: str | None = None
    authorized_keys: tuple[str, ...] = ()

    def archive(self) -> bytes:
        """The files that carry it, as a tar to unpack at the root of a node not yet started.
        Files and not the environment: a private key must not show in ``inspect``."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            if self.host_key:
                _add(tar, "etc/ssh/ssh_host_ed25519_key", self.host_key, 0o600)
            if self.host_key_public:
                _add(tar, "etc/ssh/ssh_host_ed25519_key.pub", self.host_key_public, 0o644)
            if self.authorized_keys:
                _add_folder(tar, "root/.ssh", 0o700)
                _add(tar, "root/.ssh/authorized_keys", "\n".join(self.authorized_keys), 0o600)
        return buffer.getvalue()


def parse_user_data(text: str | None) -> UserData:
    """ProviderError when the text is no ``#cloud-config``; unknown keys are left alone."""
    if not text or not text.strip():
        return UserData()
    document = _document(text)
    keys = document.get("ssh_keys") or {}
    authorized = document.get("ssh_authorized_keys") or []
    if not isinstance(keys, dict) or not isinstance(authorized, list):
        raise ProviderError("user data: `ssh_keys` must be a mapping, `ssh_authorized_keys` a list")
    hostname = document.get("hostname")
    return UserData(
        hostname=str(hostname) if hostname else None,
        host_key=keys.get("ed25519_private"),
        host_key_public=keys.get("ed25519_public"),
        authorized_keys=tuple(str(key).strip() for key in authorized),
    )


def machine_options(client: docker.DockerClient, image: str) -> dict[str, Any]:
    """What a container's host configuration needs for systemd and an inner engine to run."""
    if _may_be_privileged(client, image):
        return {"Privileged": True, "CgroupnsMode": "private"}
    # The same without `privileged`, for machines whose own root lacks CAP_SYS_RESOURCE.
    devices = [TUN] if Path(TUN).exists() else []
    return {
        "CapAdd": ["ALL"],
        "CapDrop": ["SYS_RESOURCE"],
        "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"],
        "MaskedPaths": [],
        "ReadonlyPaths": [],
        # Never the machine's own cgroups: systemd would reorganise them.
        "CgroupnsMode": "private",
        "DeviceCgroupRules": ["a *:* rwm"],
        "Devices": [
            {"PathOnHost": path, "PathInContainer": path, "CgroupPermissions": "rwm"}
            for path in devices
        ],
    }


def _may_be_privileged(client: docker.DockerClient, image: str) -> bool:
    engine = str(client.info()["ID"])
    with _probing:
        if engine not in _privileged:
            _privileged[engine] = _probe(client, image)
        return _privileged[engine]


def _probe(client: docker.DockerClient, image: str) -> bool:
    from docker.errors import APIError

    probe = client.api.create_container(
        image,
        name=f"clocker-probe-{secrets.token_hex(4)}",
        entrypoint=["/bin/true"],
        labels={PROBE_LABEL: "1"},
        host_config={"Privileged": True, "CgroupnsMode": "private", "NetworkMode": "none"},
    )
    try:
        client.api.start(probe["Id"])
    except APIError:
        return False
    else:
        return True
    finally:
        client.api.remove_container(probe["Id"], force=True)


def _document(text: str) -> Mapping[str, Any]:
    import yaml

    if not text.startswith("#cloud-config"):
        raise ProviderError("user data: the first line must be `#cloud-config`")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        # The parser's own words would quote the text, and with it a private key.
        raise ProviderError("user data: not a YAML document") from None
    if not isinstance(document, dict):
        raise ProviderError("user data: not a YAML mapping")
    return document


def _add(tar: tarfile.TarFile, path: str, text: str, mode: int) -> None:
    data = (text.rstrip("\n") + "\n").encode()
    member = tarfile.TarInfo(path)
    member.size, member.mode = len(data), mode
    tar.addfile(member, io.BytesIO(data))


def _add_folder(tar: tarfile.TarFile, path: str, mode: int) -> None:
    member = tarfile.TarInfo(path)
    member.type, member.mode = tarfile.DIRTYPE, mode
    tar.addfile(member)
