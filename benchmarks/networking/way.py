"""A way between two hosts: the raw link, or the network that two containers are on. Programs of
this machine run at its ends, so that nothing has to be installed there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from obtaining.two_hosts import TwoHosts

_STREAM = str(Path(__file__).with_name("stream.py"))


@dataclass(frozen=True)
class Way:
    """``sender``: the network that one end sees, a name for ``nsenter``. ``peer``, ``port``:
    where the other end answers."""

    sender: str
    peer: str
    port: str

    def throughput_mbits(self, seconds: float) -> float:
        return float(self._said("throughput", str(seconds)))

    def latency_ms(self, rounds: int) -> float:
        return float(self._said("latency", str(rounds)))

    def _said(self, what: str, amount: str) -> str:
        command = _at(self.sender, what, self.peer, self.port, amount)
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def raw_link(there: TwoHosts) -> Iterator[Way]:
    address = there.hosts[1].address
    assert address
    with _served(_seen_by_host(there, 0), _seen_by_host(there, 1), address) as path:
        yield path


@contextmanager
def between(there: TwoHosts, names: tuple[str, str], address: str) -> Iterator[Way]:
    """Two containers, one on each host; ``address``: the second one's."""
    ends = [_seen_by_container(there, index, name) for index, name in enumerate(names)]
    with _served(ends[0], ends[1], address) as path:
        yield path


@contextmanager
def _served(sender: str, receiver: str, address: str) -> Iterator[Way]:
    with ExitStack() as stack:
        server = subprocess.Popen(_at(receiver, "serve"), stdout=subprocess.PIPE, text=True)
        stack.callback(server.wait)
        stack.callback(server.kill)
        assert server.stdout
        yield Way(sender, address, server.stdout.readline().strip())


def _at(place: str, *arguments: str) -> list[str]:
    return ["nsenter", f"--net={place}", sys.executable, _STREAM, *arguments]


def _seen_by_host(there: TwoHosts, index: int) -> str:
    return f"{_processes(there, index)}/1/ns/net"


def _seen_by_container(there: TwoHosts, index: int, name: str) -> str:
    pid = there.clients[index].inspect_container(name)["State"]["Pid"]
    return f"{_processes(there, index)}/{pid}/ns/net"


def _processes(there: TwoHosts, index: int) -> str:
    """The processes of a host, which is a container of this machine."""
    client = docker.from_env()
    try:
        label = {"label": f"clocker-host={there.hosts[index].id}"}
        (node,) = client.api.containers(filters=label)
        pid = client.api.inspect_container(node)["State"]["Pid"]
    finally:
        client.close()
    return f"/proc/{pid}/root/proc"
