"""One end of a measurement; run where the network is to be measured, by ``nsenter``.

serve                      print the port, then take one connection after the other
throughput PEER PORT S     print how many Mbit/s arrive, sending for S seconds
latency PEER PORT ROUNDS   print the median of a byte's way there and back, in ms
"""

from __future__ import annotations

import socket
import statistics
import sys
import time

_CHUNK = 1 << 20
_WARM_UP = 50


def serve() -> None:
    server = socket.create_server(("0.0.0.0", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if connection.recv(1) == b"t":
                _sink(connection)
            else:
                _echo(connection)


def _sink(connection: socket.socket) -> None:
    buffer, taken, began = bytearray(_CHUNK), 0, time.perf_counter()
    while size := connection.recv_into(buffer):
        taken += size
    mbits = taken * 8 / 1e6 / (time.perf_counter() - began)
    connection.sendall(f"{mbits:.1f}\n".encode())


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(1):
        connection.sendall(data)


def throughput(connection: socket.socket, seconds: float) -> str:
    connection.sendall(b"t")
    data, until = memoryview(bytes(_CHUNK)), time.perf_counter() + seconds
    while time.perf_counter() < until:
        connection.sendall(data)
    connection.shutdown(socket.SHUT_WR)
    return connection.makefile().readline().strip()


def latency(connection: socket.socket, rounds: int) -> str:
    connection.sendall(b"l")
    taken = []
    for _ in range(rounds + _WARM_UP):
        began = time.perf_counter()
        connection.sendall(b"x")
        connection.recv(1)
        taken.append(time.perf_counter() - began)
    return f"{statistics.median(taken[_WARM_UP:]) * 1000:.4f}"


def main() -> None:
    if sys.argv[1] == "serve":
        serve()
        return
    what, peer, port, amount = sys.argv[1:]
    with socket.create_connection((peer, int(port)), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if what == "throughput":
            print(throughput(connection, float(amount)))
        else:
            print(latency(connection, int(amount)))


if __name__ == "__main__":
    main()
