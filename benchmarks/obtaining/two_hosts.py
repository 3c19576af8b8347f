"""A cloud of two hosts on this machine, with the image on both, made for one benchmark and
removed after it."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clocker import open_cloud
from clocker.cloud import Cloud
from clocker.interfaces import Shell
from clocker.model import Host

IMAGE = "clocker-bench/sleep:latest"
_NOT_OURS = ("CLOCKER", "PYTHONDONTWRITEBYTECODE")
_CLOCKER = str(Path(sys.executable).with_name("clocker"))


@dataclass(frozen=True)
class TwoHosts:
    """``clients``: the Docker SDK's, one per host, over the socket that Clocker forwards;
    ``home``: that of this machine, on whose engine the hosts are."""

    cloud: Cloud
    hosts: tuple[Host, ...]
    shells: tuple[Shell, ...]
    clients: tuple[Any, ...]
    home: Any
    folder: Path
    environ: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.cloud.spec.name

    def clocker(self, *args: str) -> None:
        """The command, as a whole process."""
        subprocess.run(
            [_CLOCKER, *args], cwd=self.folder, env=self.environ, check=True, capture_output=True
        )

    def cpu_s(self) -> float:
        """What the hosts have computed so far. Unlike time it does not depend on what else this
        machine does, of which the hosts are only a part."""
        nodes = self.home.containers(filters={"label": f"clocker-cloud={self.name}"})
        stats = [self.home.stats(node["Id"], stream=False, one_shot=True) for node in nodes]
        used: int = sum(each["cpu_stats"]["cpu_usage"]["total_usage"] for each in stats)
        return used / 1e9


@contextmanager
def two_hosts(network: Mapping[str, object] = MappingProxyType({})) -> Iterator[TwoHosts]:
    """``network``: as in clocker.yaml."""
    name = f"b{secrets.token_hex(3)}"
    folder = Path(tempfile.mkdtemp(prefix=f"clocker-{name}-"))
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith(_NOT_OURS)},
        # An installed command has its bytecode; here the first use of it, not timed, writes it.
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_RUNTIME_DIR": str(folder / "run"),
    }
    (folder / "run").mkdir(mode=0o700)
    _write_documents(folder, name, network)
    with open_cloud(str(folder / "clocker.yaml"), environ=environ) as cloud:
        try:
            cloud.up()
            yield _prepared(cloud, folder, environ)
        finally:
            cloud.down()
            shutil.rmtree(folder)


def _write_documents(folder: Path, name: str, network: Mapping[str, object]) -> None:
    """Live restore would not go together with Swarm: all ways are measured without it."""
    options = {"network": f"{name}-net", "internal": True}
    document = {
        "name": name,
        "hosts": {"provider": "local", "count": 2, "maximum": 2},
        "engine": {"options": {"live-restore": False}},
        "network": dict(network),
        "rules": ["fits", "breadth_first"],
    }
    # JSON is YAML.
    (folder / "providers.yaml").write_text(
        json.dumps({"local": {"driver": "local", "options": options}})
    )
    (folder / "clocker.yaml").write_text(json.dumps(document))


def _prepared(cloud: Cloud, folder: Path, environ: Mapping[str, str]) -> TwoHosts:
    parts = cloud._parts
    hosts = tuple(view.host for view in cloud.hosts())
    engines = [parts.connections.engine(host) for host in hosts]
    clients: list[Any] = [engine._client for engine in engines]  # type: ignore[attr-defined]
    clients[0].import_image_from_data(
        _root_file_system(), *IMAGE.split(":"), changes=['CMD ["/bin/sleep", "infinity"]']
    )
    for engine in engines[1:]:
        engine.load(engines[0].save(IMAGE))
    home: Any = parts.connections.home_engine()._client  # type: ignore[union-attr]
    shells = tuple(parts.connections.shell(host) for host in hosts)
    return TwoHosts(cloud, hosts, shells, tuple(clients), home, folder, environ)


def _root_file_system() -> bytes:
    """A static busybox and its ``sleep``."""
    busybox = shutil.which("busybox")
    if busybox is None:
        sys.exit("no busybox here: apt-get install busybox-static")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(busybox, "bin/busybox")
        link = tarfile.TarInfo("bin/sleep")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        archive.addfile(link)
    return packed.getvalue()
