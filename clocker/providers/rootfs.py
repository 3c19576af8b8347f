"""A minimal root file system as an image: pulled where a registry answers, else made from the
machine's own package sources."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from clocker.errors import ProviderError
from clocker.providers.bootstrap_rootfs import make_rootfs, own_release
from clocker.providers.docker_engine import open_engine

if TYPE_CHECKING:
    import docker

Say = Callable[[str], None]

PULLED = "debian:bookworm-slim"
PULL_SILENCE_S = 15.0


def family() -> str:
    """``distribution:suite`` of this machine, such as ``debian:bookworm``."""
    return own_release().name


def obtain_rootfs(client: docker.DockerClient, say: Say) -> tuple[str, str]:
    """An image's id to build on, and the ``distribution:suite`` that is in it."""
    say(f"pulling {PULLED}")
    pulled = _pull()
    if pulled:
        return pulled, PULLED.removesuffix("-slim")
    return _bootstrap(client, say), family()


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
    with tempfile.TemporaryDirectory(prefix="clocker-rootfs-") as folder:
        tar = Path(folder) / "rootfs.tar"
        make_rootfs(tar, own_release(), say)
        say("importing the root file system")
        return _import(client, tar)


def _import(client: docker.DockerClient, tar: Path) -> str:
    answer = client.api.import_image_from_file(str(tar))
    last = json.loads(str(answer).strip().splitlines()[-1])
    if "error" in last:
        raise ProviderError(f"the engine cannot import the root file system: {last['error']}")
    return str(last["status"])
