"""Machines that somebody has: local ones that no cloud has made, and that know nothing of any."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from libcloud.compute.base import NodeImage
from real_cloud import docker_engine

from clocker.providers.local_driver import NODE_LABEL, LocalNodeDriver


@dataclass(frozen=True)
class Rack:
    """``network``: of this machine's engine, that they are on."""

    key: Path
    network: str
    addresses: tuple[str, ...]
    nodes: tuple[str, ...]

    def run(self, node: str, command: str) -> str:
        engine = docker_engine()
        (container,) = engine.containers.list(filters={"label": f"{NODE_LABEL}={node}"})
        ran = container.exec_run(["sh", "-c", command])
        engine.close()
        return str(ran.output.decode())

    def inventory(self, folder: Path) -> dict[str, object]:
        """An entry of providers.yaml that has them all."""
        path = folder / "hosts"
        path.write_text("[rack]\n" + "".join(f"{address}\n" for address in self.addresses))
        options = {"inventory": str(path), "claims": str(folder / "claims.json")}
        return {"driver": "static", "options": options}


@contextmanager
def racked(folder: Path, count: int, image: str | None = None) -> Iterator[Rack]:
    """They let a key of ours in, which is in the folder; ``image``: None is the usual one."""
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", "", "-f", key], check=True)
    public = key.with_suffix(".pub").read_text().strip()
    name = f"rack{uuid.uuid4().hex[:6]}"
    driver = LocalNodeDriver(network=f"{name}-net", internal=True)
    size = next(size for size in driver.list_sizes() if size.id == "unlimited")
    made_of = NodeImage(image, image, driver) if image else driver.ex_default_image()
    user_data = f"#cloud-config\nssh_authorized_keys:\n  - {public}\n"
    made = [
        driver.create_node(f"{name}-{n}", size, made_of, ex_userdata=user_data)
        for n in range(count)
    ]
    try:
        addresses = tuple(str(node.private_ips[0]) for node in made)
        yield Rack(key, f"{name}-net", addresses, tuple(str(node.id) for node in made))
    finally:
        for node in made:
            driver.destroy_node(node)
        driver.ex_remove_unused_network()
