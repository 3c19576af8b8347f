from __future__ import annotations

import io
import subprocess
import tarfile
import uuid
from collections.abc import Iterator

import docker
import pytest
from real_cloud import RealCloud, docker_engine, real_cloud

from clocker.providers.node_image import ensure_base_image, ensure_node_image

# The shell and what it needs, taken from the distribution: quickly copied from host to host.
_SMALL = """
set -e
cd "$(mktemp -d)"
for file in /bin/sh /bin/cat /bin/sleep; do
    for part in "$file" $(ldd "$file" | grep -o '/[^ ]*'); do
        mkdir -p ".${part%/*}"
        cp -L "$part" ".$part"
    done
done
mkdir -p etc tmp proc
tar -c .
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """This machine's, which `scripts/test` has made answer."""
    client = docker_engine()
    assert client.ping()
    yield client
    client.close()


@pytest.fixture(scope="session")
def base_image(engine: docker.DockerClient) -> str:
    return ensure_base_image(engine)


@pytest.fixture(scope="session")
def small_image(engine: docker.DockerClient, base_image: str) -> Iterator[str]:
    tag = f"clocker-test/small:{uuid.uuid4().hex[:8]}"
    packed = subprocess.run(
        ["docker", "run", "--rm", "--network=none", base_image, "sh", "-c", _SMALL],
        capture_output=True,
        check=True,
    )
    subprocess.run(
        ["docker", "import", "--change", 'CMD ["sleep", "1000000"]', "-", tag],
        input=packed.stdout,
        capture_output=True,
        check=True,
    )
    yield tag
    engine.images.remove(tag, force=True)


@pytest.fixture(scope="session")
def ready_node_image(engine: docker.DockerClient) -> Iterator[str]:
    """A machine with the packages of a host, as some providers offer: made ready in seconds, so
    that many may be made. Its engine was never started."""
    dockerfile = (
        f"FROM {ensure_node_image(engine)}\n"
        "RUN printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d"
        " && chmod +x /usr/sbin/policy-rc.d"
        " && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends"
        " docker.io dnsmasq-base iputils-arping && rm /usr/sbin/policy-rc.d\n"
    )
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile.encode()))
    context.seek(0)
    tag = f"clocker-test/ready-node:{uuid.uuid4().hex[:8]}"
    engine.images.build(fileobj=context, custom_context=True, tag=tag, network_mode="none", rm=True)
    yield tag
    engine.images.remove(tag, force=True)


@pytest.fixture(scope="module")
def pair(ready_node_image: str) -> Iterator[RealCloud]:
    """Two hosts for the tests of one file, which leave them as they were: empty."""
    document = {"hosts": {"count": 2, "maximum": 2}, "rules": [{"max_containers": 6}]}
    with real_cloud(node_image=ready_node_image, **document) as cloud:
        cloud.clocker("up")
        yield cloud
