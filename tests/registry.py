"""A registry as a process of this machine: the distribution's program, with a password, and with
TLS where asked for. Nothing is installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

_PACKAGE = "docker-registry"
_PROGRAM = "usr/bin/docker-registry"


@dataclass
class Registry:
    """``certificate``, ``key``: files in PEM, of one that speaks TLS."""

    folder: Path
    address: str = "127.0.0.1"
    user: str = "tester"
    password: str = "sesame-4711"
    certificate: Path | None = None
    key: Path | None = None
    port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.port = self.port or _free_port(self.address)

    @property
    def name(self) -> str:
        return f"{self.address}:{self.port}"

    def start(self) -> None:
        """Returns once it answers."""
        import bcrypt

        hashed = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
        (self.folder / "htpasswd").write_text(f"{self.user}:{hashed}\n")
        (self.folder / "config.yml").write_text(json.dumps(self._config()))
        log = (self.folder / "log").open("ab")
        command = [program(), "serve", str(self.folder / "config.yml")]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + 30
        while not self._listens():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the registry does not listen"
            time.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def tags(self, repository: str) -> list[str]:
        """What is whole there; without TLS only."""
        import base64

        token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        url = f"http://{self.name}/v2/{repository}/tags/list"
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return list(json.load(answer)["tags"] or ())
        except urllib.error.HTTPError as error:
            assert error.code == 404, error
            return []

    def uploads(self) -> int:
        """Bytes of layers that have begun to come."""
        parts = (self.folder / "data").rglob("_uploads/*/data")
        return sum(part.stat().st_size for part in parts if part.exists())

    def _config(self) -> dict[str, Any]:
        http: dict[str, Any] = {"addr": self.name}
        if self.certificate:
            http["tls"] = {"certificate": str(self.certificate), "key": str(self.key)}
        realm = {"realm": "tests", "path": str(self.folder / "htpasswd")}
        return {
            "version": "0.1",
            "log": {"level": "warn"},
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}},
            "http": http,
            "auth": {"htpasswd": realm},
        }

    def _listens(self) -> bool:
        with closing(socket.socket()) as probe:
            return probe.connect_ex((self.address, self.port)) == 0


@contextmanager
def registry(**given: Any) -> Iterator[Registry]:
    """It runs; its data go with it."""
    folder = Path(tempfile.mkdtemp(prefix="clocker-test-registry-"))
    made = Registry(folder, **given)
    try:
        made.start()
        yield made
    finally:
        made.kill()
        shutil.rmtree(folder)


def certificate(folder: Path, address: str, days: float) -> dict[str, Path]:
    """Signed by itself, and good for so many days from now; less than 0: it was."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=10))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    files = {"certificate": folder / "registry.pem", "key": folder / "registry.key"}
    files["certificate"].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files["key"].write_bytes(private)
    return files


def program() -> str:
    """The installed one, else the package's, downloaded beside the temporary files."""
    if installed := shutil.which("docker-registry"):
        return installed
    folder = Path(tempfile.gettempdir()) / f"clocker-test-{_PACKAGE}-{os.getuid()}"
    if not (folder / _PROGRAM).exists():
        with tempfile.TemporaryDirectory() as download:
            _call("apt-get", "-q", "download", _PACKAGE, cwd=download)
            (package,) = Path(download).glob("*.deb")
            _call("dpkg-deb", "-x", str(package), str(folder), cwd=download)
    return str(folder / _PROGRAM)


def _free_port(address: str) -> int:
    with closing(socket.socket()) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _call(*command: str, cwd: str) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)
