"""A TLS connection of which one direction can be closed, as a command's input needs it.

``ssl.SSLSocket`` cannot: it answers the end of its own direction by waiting for the other's, and
takes output that comes meanwhile for an error. Here TLS is done in memory, between two buffers."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Self

_CHUNK = 65536


class TlsStream:
    """As much of a socket as a command needs. Not thread-safe. While it does not block, what
    cannot be done now raises BlockingIOError, and is to be tried again."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self._unsent = b""
        self._closing = False
        try:
            self._shake_hands()
        except BaseException:
            sock.close()
            raise

    def fileno(self) -> int:
        return self._sock.fileno()

    def settimeout(self, timeout_s: float) -> None:
        self._sock.settimeout(timeout_s)

    def setblocking(self, blocking: bool) -> None:
        self._sock.setblocking(blocking)

    def sendall(self, data: bytes) -> None:
        """Only while it blocks."""
        self._tls.write(data)
        try:
            self._flush()
        except ConnectionError:
            self.recv()  # in which the other end may have said why it is gone
            raise

    def send(self, data: memoryview) -> int:
        """How much was taken; what was taken before leaves first."""
        self._flush()
        taken = self._tls.write(data)
        with suppress(BlockingIOError):
            self._flush()
        return taken

    def recv(self, _most: int = _CHUNK) -> bytes:
        """All that is there, so that none of it waits where no selector sees it; nothing at the
        end."""
        while True:
            data, ended = self._decrypted()
            if data and ended:
                # An engine may keep the connection that it has ended: the selector is to see it.
                with suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RD)
            if data or ended:
                return data
            self._receive()

    def shutdown(self, _how: int = socket.SHUT_WR) -> None:
        """Say that nothing more will be sent. What the other end sends is read as before."""
        self._flush()
        if not self._closing:
            self._closing = True
            with suppress(ssl.SSLWantReadError):
                self._tls.unwrap()
        self._flush()

    def close(self) -> None:
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _shake_hands(self) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
            else:
                return self._flush()

    def _decrypted(self) -> tuple[bytes, bool]:
        data = b""
        while True:
            try:
                piece = self._tls.read(_CHUNK)
            except ssl.SSLWantReadError:
                return data, False
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return data, True
            if not piece:
                return data, True
            data += piece

    def _receive(self) -> None:
        data = self._sock.recv(_CHUNK)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self) -> None:
        """Until all is sent, or the socket takes no more (BlockingIOError)."""
        self._unsent += self._outgoing.read()
        while self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]
