"""The images that local machines start from: a plain base for containers, and on top of it the
node image, which is to a local host what a cloud's Debian image is to a virtual machine."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from clocker.errors import ProviderError
from clocker.providers.machine_lock import machine_lock
from clocker.providers.rootfs import PULLED, family, obtain_rootfs
from clocker.providers.translation import translated
from clocker.templating import render

if TYPE_CHECKING:
    import docker

Say = Callable[[str], None]

NODE_REPOSITORY = "clocker/node"
RECIPE_LABEL = "clocker.recipe"

BASE = {
    "packages": ("ca-certificates", "iproute2", "iputils-ping"),
    "cached": ("openssh-server",),
}
NODE = {
    "packages": (
        *("systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "procps", "curl"),
        *("iptables", "kmod"),
    ),
    # All that a bootstrap may ask for: found here, it downloads nothing.
    "cached": (
        *("docker.io", "docker-cli", "dnsmasq-base", "iputils-arping", "iproute2", "iptables"),
        *("conntrack", "ethtool", "nftables", "xz-utils", "wireguard-tools", "wireguard-go"),
    ),
    "masked": (
        *("systemd-sysctl.service", "procps.service", "systemd-modules-load.service"),
        *("kmod-static-nodes.service", "systemd-binfmt.service", "systemd-logind.service"),
        *("proc-sys-fs-binfmt_misc.automount", "proc-sys-fs-binfmt_misc.mount"),
        *("systemd-udevd.service", "systemd-udevd-control.socket", "systemd-udevd-kernel.socket"),
        *("systemd-udev-trigger.service", "systemd-udev-settle.service"),
        *("getty.target", "getty@.service", "getty-static.service", "console-getty.service"),
        *("serial-getty@.service", "systemd-remount-fs.service", "systemd-pstore.service"),
        *("sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount"),
        *("sys-fs-fuse-connections.mount", "dev-hugepages.mount", "systemd-random-seed.service"),
        *("systemd-timesyncd.service", "systemd-journald-audit.socket", "fstrim.timer"),
        *("systemd-networkd.service", "systemd-resolved.service", "ssh.socket"),
        *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer"),
        *("e2scrub_all.timer", "e2scrub_reap.service", "motd-news.timer"),
        *("systemd-tmpfiles-setup-dev.service", "systemd-update-utmp.service"),
    ),
}


def node_image_tag() -> str:
    """It names the recipe; the engine may not have the image yet."""
    return f"{NODE_REPOSITORY}:{_node_recipe()}"


def ensure_node_image(client: docker.DockerClient, say: Say = lambda _: None) -> str:
    """The node image's tag, which names its recipe: built if this engine does not have it."""
    with translated("node image"):
        tag = node_image_tag()
        if _has(client, tag):
            return tag
        with machine_lock(__file__):
            if not _has(client, tag):
                base = _ensure_base(client, say)
                _build(client, _node_files(base), tag, _node_recipe(), "node image", say)
        return tag


def ensure_base_image(client: docker.DockerClient, say: Say = lambda _: None) -> str:
    """The tag of a small image of the distribution, such as ``clocker/debian:bookworm``."""
    with translated("base image"):
        found = _base(client)
        if found:
            return found
        with machine_lock(__file__):
            return _ensure_base(client, say)


def remove_images(client: docker.DockerClient) -> None:
    """Remove what was built here; an image still in use stays."""
    from docker.errors import APIError

    for tag in (*_tags(client, NODE_REPOSITORY), *filter(None, [_base(client)])):
        try:
            client.images.remove(tag)
        except APIError:  # noqa: PERF203
            continue


def _ensure_base(client: docker.DockerClient, say: Say) -> str:
    found = _base(client)
    if found:
        return found
    rootfs, origin = obtain_rootfs(client, say)
    tag = f"clocker/{origin}"
    files = {"Dockerfile": render("node/base.Dockerfile.j2", {"rootfs": rootfs, **BASE})}
    _build(client, files, tag, _base_recipe(), "base image", say)
    return tag


def _base(client: docker.DockerClient) -> str | None:
    for origin in (PULLED.removesuffix("-slim"), family()):
        tag = f"clocker/{origin}"
        if _has(client, tag, _base_recipe()):
            return tag
    return None


def _has(client: docker.DockerClient, tag: str, recipe: str | None = None) -> bool:
    from docker.errors import ImageNotFound

    try:
        image = client.images.get(tag)
    except ImageNotFound:
        return False
    return recipe is None or image.labels.get(RECIPE_LABEL) == recipe


def _tags(client: docker.DockerClient, repository: str) -> list[str]:
    return [tag for image in client.images.list(repository) for tag in image.tags]


def _base_recipe() -> str:
    return _hash({"Dockerfile": render("node/base.Dockerfile.j2", {"rootfs": "", **BASE})})


def _node_recipe() -> str:
    return _hash({**_node_files(""), "base": _base_recipe()})


def _node_files(base: str) -> dict[str, str]:
    return {
        "Dockerfile": render("node/Dockerfile.j2", {"base": base, **NODE}),
        "init": render("node/init.j2", {}),
        "runc": render("node/runc.j2", {}),
    }


def _hash(files: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:12]


def _build(
    client: docker.DockerClient,
    files: Mapping[str, str],
    tag: str,
    recipe: str,
    what: str,
    say: Say,
) -> None:
    say(f"building the {what}")
    output: list[str] = []
    stream = client.api.build(
        fileobj=_tar(files),
        custom_context=True,
        tag=tag,
        network_mode="host",
        labels={RECIPE_LABEL: recipe},
        rm=True,
        forcerm=True,
        decode=True,
    )
    for message in stream:
        for line in str(message.get("stream", "")).splitlines():
            output.append(line)
            if line.startswith("Step "):
                say(f"building the {what}: {line.split(' : ')[0].lower()}")
        if "error" in message:
            tail = "\n".join(output[-12:])
            raise ProviderError(
                f"the {what} cannot be built: {message['error']}\n{tail}",
                remedy="see that `apt-get update` works on this machine",
            )


def _tar(files: Mapping[str, str]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, text in files.items():
            data = text.encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    buffer.seek(0)
    return buffer
