"""Servers on loopback that greet as SSH servers do, and no more."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

BANNER = b"SSH-2.0-greeter\r\n"


class _Greeter(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(BANNER)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def greeting(count: int) -> Iterator[list[str]]:
    """Where they are, each as ADDRESS:PORT at an address of its own."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            address = f"127.0.0.{number + 2}"
            server = stack.enter_context(_Server((address, 0), _Greeter))
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            stack.callback(server.shutdown)
            found.append(f"{address}:{server.server_address[1]}")
        yield found
