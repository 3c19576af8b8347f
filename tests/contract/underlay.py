"""Between the hosts, seen from this machine, on which they all run: what goes over the wire, and
programs of this machine run where a container or a host is on the network."""

from __future__ import annotations

import re
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import docker
from inner_hosts import InnerHost

_ALL = 3  # every protocol (ETH_P_ALL)
_EVERY_S = 0.02  # a ping
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1
_RECEIVE = """
import hashlib, socket, sys
server = socket.create_server((sys.argv[1], 7777))
server.settimeout(30)
print("listening", flush=True)
connection, _ = server.accept()
connection.settimeout(30)
digest = hashlib.sha256()
while data := connection.recv(1 << 16):
    digest.update(data)
print(digest.hexdigest())
"""
_SEND = """
import hashlib, random, socket, sys
data = random.Random(7).randbytes(int(sys.argv[2]))
with socket.create_connection((sys.argv[1], 7777), timeout=30) as connection:
    connection.sendall(data)
print(hashlib.sha256(data).hexdigest())
"""


@dataclass
class Capture:
    """What was seen on the wire until the ``with`` block ended."""

    frames: list[bytes] = field(default_factory=list)

    def count(self, text: bytes) -> int:
        return sum(text in frame for frame in self.frames)


@contextmanager
def captured(host: InnerHost) -> Iterator[Capture]:
    """Every frame on the network that joins ``host`` to the others."""
    seen, done = Capture(), Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL)) as wire:
        bridge = _bridge(host)
        wire.bind((bridge, 0))
        # A bridge shows what passes between its ports only to who wants all of it.
        wanted = struct.pack("iHH8s", socket.if_nametoindex(bridge), _PROMISCUOUS, 0, b"")
        wire.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, wanted)
        listener = Thread(target=_listen, args=(wire, seen, done))
        listener.start()
        try:
            yield seen
        finally:
            done.set()
            listener.join()


def _listen(wire: socket.socket, seen: Capture, done: Event) -> None:
    while True:
        ready, _, _ = select.select([wire], [], [], 0.2)
        if ready:
            seen.frames.append(wire.recv(65536))
        elif done.is_set():
            return


def _bridge(host: InnerHost) -> str:
    client = docker.from_env()
    try:
        networks = client.api.inspect_container(host.node)["NetworkSettings"]["Networks"]
        (network,) = networks.values()
        return f"br-{network['NetworkID'][:12]}"
    finally:
        client.close()


def netns(host: InnerHost, container: str | None = None) -> str:
    """The network that a host, or a container on it, sees; a name for ``nsenter --net``."""
    inner = host.run(f"docker inspect -f '{{{{.State.Pid}}}}' {container}") if container else "1"
    return f"/proc/{_pid(host)}/root/proc/{inner}/ns/net"


def _pid(host: InnerHost) -> str:
    command = ["docker", "inspect", "-f", "{{.State.Pid}}", host.node]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def run_at(place: str, script: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python script of this machine at a ``netns``."""
    return subprocess.Popen(
        ["nsenter", f"--net={place}", sys.executable, "-c", script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )


def transfer(sender: str, receiver: str, address: str, size: int) -> bool:
    """Send ``size`` bytes over TCP to ``address``; whether they arrived as they were."""
    receiving = run_at(receiver, _RECEIVE, address)
    assert receiving.stdout and receiving.stdout.readline() == "listening\n"
    sent, _ = run_at(sender, _SEND, address, str(size)).communicate(timeout=60)
    received, _ = receiving.communicate(timeout=60)
    return bool(sent) and sent == received


def forge(host: InnerHost, port: int, vni: int, source_mac: str) -> None:
    """Send the host, from beside it on the underlay, a frame as its VXLAN peers would."""
    mac = bytes.fromhex(source_mac.replace(":", ""))
    frame = b"\xff" * 6 + mac + b"\x08\x06" + b"\0" * 46
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(3):
            sender.sendto(struct.pack(">II", 1 << 27, vni << 8) + frame, (host.host.address, port))


@contextmanager
def partition(one: InnerHost, other: InnerHost) -> Iterator[None]:
    """The two hosts cannot reach each other on the underlay, and all else is as it was."""
    sides: Sequence[tuple[InnerHost, InnerHost]] = ((one, other), (other, one))
    for host, peer in sides:
        host.run(f"iptables -w -t mangle -I PREROUTING -s {peer.host.address} -j DROP")
    try:
        yield
    finally:
        for host, peer in sides:
            host.run(f"iptables -w -t mangle -D PREROUTING -s {peer.host.address} -j DROP")


@contextmanager
def pinging(host: InnerHost, container: str, address: str) -> Iterator[None]:
    """A stream of pings until the block ends; then none of them may have been lost."""
    ping = subprocess.Popen(
        ["nsenter", "-t", _pid(host), "-m", f"--net={netns(host, container)}"]
        + ["ping", "-i", str(_EVERY_S), address],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(10 * _EVERY_S)  # some of them are on their way before anything happens
        yield
    finally:
        ping.send_signal(signal.SIGINT)
        said, _ = ping.communicate(timeout=30)
    answered = {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+)", said)}
    sent = int(re.findall(r"(\d+) packets transmitted", said)[0])
    # The last ones were still on their way when it was stopped.
    missing = set(range(1, sent + 1)) - answered
    assert all(number > sent - 1 / _EVERY_S for number in missing), f"{missing} of {sent} lost"
