"""A socket whose other end is a port of a container, wherever that runs."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO


class Relay:
    """``command``: an argv whose standard input and output are the connection; when empty,
    ``address`` is connected to directly."""

    def __init__(self, command: Sequence[str], address: tuple[str, int]) -> None:
        self._command = list(command)
        self._address = address
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: IO[bytes] | None = None

    def open(self, timeout_s: float | None) -> socket.socket:
        """A new connection; the one before is closed."""
        self.close()
        if not self._command:
            return socket.create_connection(self._address, timeout_s)
        ours, theirs = socket.socketpair()
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        with theirs:
            self._process = subprocess.Popen(
                self._command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=self._complaints,
                start_new_session=True,  # Ctrl-C ends the deployment, which then ends this
            )
        return ours

    def said(self) -> str:
        """What the command complained of."""
        if self._complaints is None:
            return ""
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace").strip()

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        if self._complaints is not None:
            self._complaints.close()
            self._complaints = None
