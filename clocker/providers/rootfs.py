"""A minimal root file system as an image: pulled where a registry answers, else made by
mmdebstrap from the machine's own package sources."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clocker.errors import ProviderError
from clocker.providers.docker_engine import open_engine

if TYPE_CHECKING:
    import docker

Say = Callable[[str], None]

PULLED = "debian:bookworm-slim"
PULL_SILENCE_S = 15.0
EXCLUDED = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*")
COMPONENTS = frozenset({"main", "universe"})
MERGED_USR = Path("/usr/share/mmdebstrap/hooks/maybe-merged-usr")
# What the machine tells its apt about its sources holds for the same sources inside; a proxy
# only without a password, because an image is no place for one.
APT_OPTIONS = re.compile(r'^Acquire::(Check-Valid-Until|Check-Date|https?::Proxy) "[^"@]+";$')


def family() -> str:
    """``distribution:suite`` of this machine, such as ``debian:bookworm``."""
    release = platform.freedesktop_os_release()
    return f"{release['ID']}:{release.get('VERSION_CODENAME', 'unknown')}"


def obtain_rootfs(client: docker.DockerClient, say: Say) -> tuple[str, str]:
    """An image's id to build on, and the ``distribution:suite`` that is in it."""
    say(f"pulling {PULLED}")
    pulled = _pull()
    if pulled:
        return pulled, PULLED.removesuffix("-slim")
    return _bootstrap(client, say), family()


def choose_sources(targets: str, distribution: str, suite: str, keyring: str | None) -> list[str]:
    """The one-line apt sources of the distribution itself among apt's index targets
    (``uri|suite|component|origin`` each): other vendors' are no part of a base image."""
    suites = {suite, f"{suite}-updates", f"{suite}-security"}
    option = f"[signed-by={keyring}] " if keyring else ""
    lines = []
    for target in targets.splitlines():
        uri, release, component, origin = target.split("|")
        ours = not origin or origin.startswith("$(") or origin.lower() == distribution
        if ours and release in suites and component in COMPONENTS:
            lines.append(f"deb {option}{uri} {release} {component}")
    return list(dict.fromkeys(lines))


def _pull() -> str | None:
    from docker.errors import DockerException
    from requests import RequestException

    # The engine is silent while it tries in vain: the time-out is on silence, not on the pull.
    client = open_engine(timeout_s=PULL_SILENCE_S)
    try:
        return client.images.pull(PULLED).id
    except (DockerException, RequestException):
        return None
    finally:
        client.close()


def _bootstrap(client: docker.DockerClient, say: Say) -> str:
    if shutil.which("mmdebstrap") is None:
        raise ProviderError(
            f"no registry has {PULLED}, and mmdebstrap, which could make it, is not installed",
            remedy="run `scripts/prepare`, or `apt-get install mmdebstrap`",
        )
    say(f"mmdebstrap {family()} (no registry answers)")
    with tempfile.TemporaryDirectory(prefix="clocker-rootfs-") as folder:
        tar = Path(folder) / "rootfs.tar"
        _mmdebstrap(tar, Path(folder) / "machine.list")
        say("importing the root file system")
        return _import(client, tar)


def _mmdebstrap(tar: Path, sources: Path) -> None:
    distribution, suite = family().split(":")
    sources.write_text("\n".join(_machine_sources(distribution, suite)) + "\n")
    command = ["mmdebstrap", "--quiet", "--variant=minbase"]
    command += [f"--aptopt={line}" for line in _output("apt-config", "dump") if _passed_on(line)]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    command.append("--dpkgopt=path-include=/usr/share/doc/*/copyright")
    if MERGED_USR.exists():
        command += [f"--hook-dir={MERGED_USR}", "--include=usr-is-merged"]
    ended = subprocess.run(
        [*command, suite, str(tar), str(sources)], capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise ProviderError(
            f"mmdebstrap failed:\n{_tail(ended.stderr)}",
            remedy="run as root (or install uidmap), and see that `apt-get update` works",
        )


def _machine_sources(distribution: str, suite: str) -> list[str]:
    form = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    targets = _output("apt-get", "indextargets", "--format", form, "Identifier: Packages")
    keyring = Path(f"/usr/share/keyrings/{distribution}-archive-keyring.gpg")
    lines = choose_sources(
        "\n".join(targets), distribution, suite, str(keyring) if keyring.exists() else None
    )
    if not lines:
        raise ProviderError(
            f"this machine has no package lists of {distribution} {suite}",
            remedy="run `apt-get update`, and look at /etc/apt/sources.list",
        )
    return lines


def _passed_on(line: str) -> bool:
    return APT_OPTIONS.match(line) is not None


def _output(*command: str) -> list[str]:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProviderError(
            f"`{command[0]}` failed: {error}",
            remedy=f"without a registry that has {PULLED}, this needs Debian or Ubuntu",
        ) from error
    return ended.stdout.splitlines()


def _import(client: docker.DockerClient, tar: Path) -> str:
    answer = client.api.import_image_from_file(str(tar))
    last = json.loads(str(answer).strip().splitlines()[-1])
    if "error" in last:
        raise ProviderError(f"the engine cannot import the root file system: {last['error']}")
    return str(last["status"])


def _tail(text: str, lines: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
