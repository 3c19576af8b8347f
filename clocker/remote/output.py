"""What a command has said so far, and telling its lines as they come."""

from __future__ import annotations

import os
import selectors
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

_CHUNK = 65536
_LINGER_S = 0.2


class Expired(Exception):
    """The deadline passed and the process still runs."""


@dataclass(slots=True)
class Output:
    on_line: Callable[[str], None] | None = None
    stdout: bytearray = field(default_factory=bytearray)
    stderr: bytearray = field(default_factory=bytearray)
    _told: int = 0

    def add(self, data: bytes) -> None:
        self.stdout += data
        if self.on_line is None:
            return
        while (end := self.stdout.find(b"\n", self._told)) >= 0:
            self._tell(end)
            self._told = end + 1

    def end(self) -> None:
        """Tell the last line if it has no end."""
        if self.on_line is not None and self._told < len(self.stdout):
            self._tell(len(self.stdout))
            self._told = len(self.stdout)

    def both(self) -> tuple[bytes, bytes]:
        return bytes(self.stdout), bytes(self.stderr)

    def _tell(self, end: int) -> None:
        if self.on_line is not None:
            self.on_line(self.stdout[self._told : end].decode(errors="replace"))


def attend(
    process: subprocess.Popen[bytes], output: Output, stdin: bytes | None, timeout_s: float | None
) -> int:
    """Feed and read the process (all three as unbuffered pipes) until it ends; its status.
    Expired at the deadline: killing is the caller's."""
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        _watch(selector, process, stdin)
        while _open_outputs(selector, process):
            # Before the look at the pipes: what is written last, and then the end, may come after.
            ended = process.poll() is not None
            events = selector.select(_wait(process, deadline))
            for key, _ in events:
                key.data(selector, key.fileobj, output)
            if not events and ended:
                break  # a child left behind holds the pipe: it is not the command
            if deadline is not None and time.monotonic() >= deadline and process.poll() is None:
                raise Expired
    output.end()
    try:
        return process.wait(None if deadline is None else max(0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise Expired from None


def _watch(
    selector: selectors.BaseSelector, process: subprocess.Popen[bytes], stdin: bytes | None
) -> None:
    if process.stdin:
        os.set_blocking(process.stdin.fileno(), False)
        feed = _Feed(memoryview(stdin or b""))
        selector.register(process.stdin, selectors.EVENT_WRITE, feed)
    for pipe, reader in ((process.stdout, _read_stdout), (process.stderr, _read_stderr)):
        if pipe:
            selector.register(pipe, selectors.EVENT_READ, reader)


def _open_outputs(selector: selectors.BaseSelector, process: subprocess.Popen[bytes]) -> bool:
    open_files = [key.fileobj for key in selector.get_map().values()]
    return process.stdout in open_files or process.stderr in open_files


def _wait(process: subprocess.Popen[bytes], deadline: float | None) -> float:
    if process.poll() is not None or deadline is None:
        return _LINGER_S
    return min(_LINGER_S, max(0.0, deadline - time.monotonic()))


@dataclass(slots=True)
class _Feed:
    rest: memoryview

    def __call__(self, selector: selectors.BaseSelector, pipe: IO[bytes], _: Output) -> None:
        try:
            written = os.write(pipe.fileno(), self.rest[:_CHUNK]) if self.rest else 0
        except BlockingIOError:
            return
        except BrokenPipeError:  # the command does not care for the rest
            written = len(self.rest)
        self.rest = self.rest[written:]
        if not self.rest:
            selector.unregister(pipe)
            pipe.close()


def _read_stdout(selector: selectors.BaseSelector, pipe: IO[bytes], output: Output) -> None:
    if data := os.read(pipe.fileno(), _CHUNK):
        output.add(data)
    else:
        selector.unregister(pipe)


def _read_stderr(selector: selectors.BaseSelector, pipe: IO[bytes], output: Output) -> None:
    if data := os.read(pipe.fileno(), _CHUNK):
        output.stderr += data
    else:
        selector.unregister(pipe)
