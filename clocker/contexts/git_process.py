"""git as a process: what it may do is said here, and how long."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from clocker.errors import CommandFailed, InfrastructureError, TimedOut

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "fetch.recurseSubmodules=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
)
# Of the caller's own settings for git; others could change which repository is meant.
_KEPT = frozenset({"GIT_SSL_CAINFO", "GIT_PROXY_SSL_CAINFO"})
_TAIL_LINES = 10
_MOST_SAID = 64 * 1024


class Git:
    """In one folder, over one kind of URL, until one deadline (monotonic)."""

    def __init__(
        self, folder: Path, protocol: str, deadline: float, environ: Mapping[str, str]
    ) -> None:
        self._folder, self._deadline = folder, deadline
        ours = {k: v for k, v in environ.items() if not k.startswith("GIT_") or k in _KEPT}
        self._environ = {
            **ours,
            "GIT_ALLOW_PROTOCOL": protocol,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND", "ssh -oBatchMode=yes"),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_DIR": str(folder),
            "LC_ALL": "C.UTF-8",
        }

    def run(self, *arguments: str) -> str:
        """What it prints. CommandFailed with its last words."""
        with self.output(*arguments) as stream:
            return stream.read().decode()

    @contextmanager
    def output(self, *arguments: str) -> Iterator[IO[bytes]]:
        """It need not be read to its end."""
        with self._process(arguments, stdin=None) as stream:
            yield stream

    @contextmanager
    def objects(self, identities: Sequence[str]) -> Iterator[IO[bytes]]:
        """All of them after each other, each behind a line about it."""
        with tempfile.TemporaryFile() as asked:
            asked.write("".join(f"{identity}\n" for identity in identities).encode())
            asked.seek(0)
            with self._process(("cat-file", "--batch", "--buffer"), stdin=asked) as stream:
                yield stream

    @contextmanager
    def _process(self, arguments: Sequence[str], stdin: IO[bytes] | None) -> Iterator[IO[bytes]]:
        command = ["git", *(word for each in _SETTINGS for word in ("-c", each)), *arguments]
        with tempfile.TemporaryFile() as complaints:
            process = self._begin(command, stdin, complaints)
            expired = threading.Event()
            left_s = max(0.0, self._deadline - time.monotonic())
            timer = threading.Timer(left_s, _expire, (process, expired))
            timer.start()
            try:
                assert process.stdout  # noqa: S101 - it is a pipe
                yield process.stdout
                status = process.wait()
            finally:
                timer.cancel()
                _end(process)
                if expired.is_set():
                    raise TimedOut("git took too long", where=f"git {arguments[0]}")
            if status:
                raise _failure(arguments[0], status, complaints)

    def _begin(
        self, command: Sequence[str], stdin: IO[bytes] | None, complaints: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environ,
                stdin=stdin or subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,  # so that its helpers can be ended with it
            )
        except OSError as error:
            raise InfrastructureError(
                f"git cannot be run: {error.strerror}", remedy="install git on this machine"
            ) from error


def _expire(process: subprocess.Popen[bytes], expired: threading.Event) -> None:
    expired.set()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With whatever it has begun, if it runs at all."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()
    process.wait()


def _failure(verb: str, status: int, complaints: IO[bytes]) -> CommandFailed:
    complaints.seek(0)
    said = complaints.read(_MOST_SAID).decode(errors="replace").strip()
    return CommandFailed(
        f"git {verb} failed",
        status=status,
        tail="\n".join(said.splitlines()[-_TAIL_LINES:]),
        remedy="check the URL and the commit, and that git can log in without asking",
    )
