"""The few words of OpenSSH's multiplexing protocol (PROTOCOL.mux) that tell whether a master
lives: a fraction of a millisecond, where ``ssh -O check`` costs a process."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

_HELLO, _VERSION = 0x00000001, 4
_ALIVE_CHECK, _IS_ALIVE = 0x10000004, 0x80000005
_TERMINATE, _STOP_LISTENING = 0x10000005, 0x10000009


def alive(control: Path, *, timeout_s: float = 3.0) -> int | None:
    """The master's process id; None if it is gone, hangs, or speaks something else."""
    answer = _ask(control, _ALIVE_CHECK, timeout_s)
    if answer is None or len(answer) < 12:
        return None
    kind, _, pid = struct.unpack(">III", answer[:12])
    return int(pid) if kind == _IS_ALIVE else None


def terminate(control: Path) -> None:
    """End the master and everything that goes through it."""
    _ask(control, _TERMINATE, 3.0)


def stop_listening(control: Path) -> None:
    """Take no new sessions, and end when those under way have ended."""
    _ask(control, _STOP_LISTENING, 3.0)


def _ask(control: Path, request: int, timeout_s: float) -> bytes | None:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(control))
            sock.sendall(struct.pack(">IIIIII", 8, _HELLO, _VERSION, 8, request, 1))
            hello = _packet(sock)
            if struct.unpack(">II", hello[:8]) != (_HELLO, _VERSION):
                return None
            return _packet(sock)
    except (OSError, struct.error):
        return None


def _packet(sock: socket.socket) -> bytes:
    (length,) = struct.unpack(">I", _exactly(sock, 4))
    return _exactly(sock, min(length, 4096))


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        chunk = sock.recv(count - len(data))
        if not chunk:
            raise ConnectionResetError
        data += chunk
    return data
