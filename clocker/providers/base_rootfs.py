"""The root file system of a base image for containers: the least, and what the cloud's checks and
an sshd need. The package lists stay, and so do the packages of an SSH server: it can be installed
where there is no way to the internet."""

from __future__ import annotations

from pathlib import Path

from clocker.providers.bootstrap_rootfs import Release, Say, check_release, make_rootfs, own_release
from clocker.providers.node_image import BASE

_APT = (
    'APT::Install-Recommends "false";',
    'Acquire::Languages "none";',
    'Acquire::GzipIndexes "true";',
)
_HOOKS = (
    f'chroot "$1" apt-get install -y --download-only {" ".join(BASE["cached"])}',
    'rm -f "$1"/var/cache/apt/*.bin "$1"/var/log/apt/* "$1"/var/log/*.log',
)
_KEEP = ("cleanup/apt/lists", "cleanup/apt/cache")


def release_of(distribution: str | None, suite: str | None, mirror: str | None) -> Release:
    """This machine's, but for what is said. BadInput."""
    own = own_release()
    if distribution not in (None, own.distribution) and suite is None:
        suite = {"debian": "bookworm", "ubuntu": "noble"}.get(distribution or "", "unknown")
    found = Release(distribution or own.distribution, suite or own.suite, mirror)
    check_release(found)
    return found


def make_base_rootfs(tar: Path, release: Release, say: Say = lambda _: None) -> None:
    """ProviderError with mmdebstrap's last lines."""
    make_rootfs(tar, release, say, apt=_APT, include=BASE["packages"], hooks=_HOOKS, keep=_KEEP)
