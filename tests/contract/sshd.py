"""A real sshd of the tests' own on loopback: its keys, its port, its configuration."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clocker.interfaces import KeyPair
from clocker.model import Host, HostState, Resources, SshAccess
from clocker.remote.keys import CloudKeys

_CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
LogLevel ERROR
MaxStartups 100
Subsystem sftp internal-sftp
"""


class Sshd:
    """``authorise`` and ``answer_with`` take effect for the connections that come after."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.user = getpass.getuser()
        self._process: subprocess.Popen[bytes] | None = None
        self.authorise("")
        (folder / "config").write_text(_CONFIG.format(port=self.port, folder=folder))

    @property
    def access(self) -> SshAccess:
        return SshAccess("127.0.0.1", user=self.user, port=self.port, host_keys=(self.key,))

    @property
    def key(self) -> str:
        return (self.folder / "host_key.pub").read_text().strip()

    def host(self, **changes: object) -> Host:
        values: dict[str, object] = {
            "id": f"sshd-{self.port}",
            "name": "loopback",
            "provider": "tests",
            "state": HostState.READY,
            "capacity": Resources(),
            "gateway": "",
            "access": self.access,
        }
        return Host(**{**values, **changes})  # type: ignore[arg-type]

    def authorise(self, public: str) -> None:
        (self.folder / "authorized_keys").write_text(f"{public}\n")

    def answer_with(self, pair: KeyPair) -> None:
        private = self.folder / "host_key"
        private.write_text(pair.private)
        private.chmod(0o600)
        (self.folder / "host_key.pub").write_text(f"{pair.public}\n")

    def start(self) -> None:
        # A privileged sshd wants this folder; without systemd nobody has made it.
        with suppress(PermissionError):
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        assert sshd, "the tests need openssh-server"
        self._process = subprocess.Popen(
            [sshd, "-D", "-e", "-f", str(self.folder / "config")],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._await_port()

    def stop(self) -> None:
        """Ends the listener; connections that were made go on, as with any sshd."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _await_port(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self._process and self._process.poll() is None, "sshd has ended"
            time.sleep(0.02)
        raise AssertionError("sshd does not listen")


@contextmanager
def serving(keys: CloudKeys, host_keys: CloudKeys) -> Iterator[Sshd]:
    """An sshd that lets ``keys`` in and answers with a key derived from ``host_keys``."""
    with tempfile.TemporaryDirectory(prefix="clocker-sshd-") as folder:
        sshd = Sshd(Path(folder))
        sshd.authorise(keys.public)
        sshd.answer_with(host_keys.derive("host", "sshd"))
        sshd.start()
        try:
            yield sshd
        finally:
            sshd.stop()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
