"""Fresh machines for one measurement: what a cloud's image gives, SSH included, and no more. They
are made as Clocker makes hosts, and left where a process that was killed just then leaves them:
`clocker up` goes on from there, and who else comes by SSH finds the same machines."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clocker import open_cloud
from clocker.cloud import Cloud, ledger
from clocker.cloud.intend import intend_host
from clocker.cloud.nodes import obtain_node
from clocker.cloud.steps import side_by_side
from clocker.interfaces import Parts
from clocker.model import Host
from clocker.network.layout import Layout
from clocker.providers.docker_engine import open_engine
from clocker.providers.node_image import ensure_node_image
from clocker.remote import mux

# Debian's own cloud images have both; Ansible cannot do without.
_DOCKERFILE = """FROM {node}
RUN apt-get update \\
 && apt-get install -y -o APT::Keep-Downloaded-Packages=false python3 python3-apt \\
 && rm -f /var/cache/apt/*.bin /var/log/apt/* /var/log/*.log
"""
_REPOSITORY = "clocker-bench/machine"


@dataclass(frozen=True)
class Image:
    """``engine``: the packages that bring a Docker Engine there."""

    tag: str
    engine: tuple[str, ...]


@dataclass(frozen=True)
class Machines:
    """``folder``: for whoever works on them; ``environ``: for the `clocker` command there."""

    image: Image
    cloud: Cloud
    hosts: tuple[Host, ...]
    folder: Path
    environ: Mapping[str, str]

    @property
    def parts(self) -> Parts:
        return self.cloud._parts

    @property
    def layout(self) -> Layout:
        return Layout(self.cloud.spec.name)


@contextmanager
def machine_image() -> Iterator[Image]:
    """The node image, its package cache filled, with Python; removed at the end."""
    client = open_engine(None)
    try:
        dockerfile = _DOCKERFILE.format(node=ensure_node_image(client, print)).encode()
        tag = f"{_REPOSITORY}:{hashlib.sha256(dockerfile).hexdigest()[:12]}"
        output = client.api.build(
            fileobj=io.BytesIO(dockerfile), tag=tag, network_mode="host", rm=True, forcerm=True
        )
        said = b"".join(output).decode(errors="replace")
        if not client.images.list(tag):
            raise SystemExit(f"the machines' image cannot be built:\n{said[-2000:]}")
        try:
            yield Image(tag, _engine_packages(client, tag))
        finally:
            client.images.remove(tag, force=True)
    finally:
        client.close()


@contextmanager
def machines(name: str, image: Image, count: int) -> Iterator[Machines]:
    folder = Path(tempfile.mkdtemp(prefix=f"clocker-{name}-"))
    environ = environment(folder)
    options = {"network": f"{name}-net", "internal": True, "image": image.tag}
    write_documents(folder, name, count, {"driver": "local", "options": options})
    with open_cloud(str(folder / "clocker.yaml"), environ=environ) as cloud:
        try:
            yield Machines(image, cloud, _made(cloud._parts, count), folder, environ)
        finally:
            cloud.down()
            for control in filter(Path.is_socket, (folder / "run").rglob("*")):
                mux.terminate(control)  # connections that others have kept alive
            shutil.rmtree(folder)


def environment(folder: Path) -> dict[str, str]:
    """Of processes that are measured: nothing of the user's own settings has a part in it."""
    (folder / "run").mkdir(mode=0o700)
    inherited = ("PATH", "HOME", "LANG", "LC_ALL", "DOCKER_HOST", "TMPDIR")
    return {
        **{key: os.environ[key] for key in inherited if key in os.environ},
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
    }


def write_documents(
    folder: Path, name: str, count: int, provider: Mapping[str, object], **hosts: object
) -> None:
    """Without encryption: where the kernel has no WireGuard, the hosts would need a key from each
    other halfway, and that is no pastime for a playbook."""
    document = {
        "name": name,
        "hosts": {"provider": "machines", "count": count, "maximum": count, **hosts},
        "network": {"encryption": "none"},
    }
    # JSON is YAML.
    (folder / "providers.yaml").write_text(json.dumps({"machines": provider}))
    (folder / "clocker.yaml").write_text(json.dumps(document))


def _engine_packages(client: Any, tag: str) -> tuple[str, ...]:
    """The client is a package of its own in newer releases."""
    policy = ["policy", "docker-cli"]
    said = client.containers.run(tag, policy, entrypoint="apt-cache", remove=True)
    return ("docker.io", "docker-cli") if re.search(rb"Candidate: \d", said) else ("docker.io",)


def _made(parts: Parts, count: int) -> tuple[Host, ...]:
    with parts.store.transaction() as tx:
        wanted = [intend_host(parts, tx) for _ in range(count)]
    with side_by_side(count) as pool:
        hosts = pool.map(lambda host: obtain_node(parts, host), wanted)
        # Nobody works on them now: whoever comes next may.
        free = tuple(ledger.change_host(parts, host, work=None) for host in hosts)
        list(pool.map(lambda host: _await_boot(parts, host), free))
    return free


def _await_boot(parts: Parts, host: Host) -> None:
    """Over a connection that is not kept. A machine may stay degraded: it is up all the same."""
    shell = parts.connections.installer(host)
    shell.run("systemctl is-system-running --wait", timeout_s=60)
    shell.close()
