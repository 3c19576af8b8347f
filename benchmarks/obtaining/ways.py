"""The ways to get N running containers on two hosts. Each returns once all of them run; nothing
is left of it after ``remove``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any, Protocol

from clocker import ContainerRequest
from clocker.model import Host
from obtaining.two_hosts import IMAGE, TwoHosts

_POLL_S = 0.05


class Way(Protocol):
    def obtain(self, number: int) -> None: ...

    def remove(self) -> None: ...


class Clocker:
    """The API, in a process that has its connections open."""

    def __init__(self, there: TwoHosts) -> None:
        self._cloud = there.cloud

    def obtain(self, number: int) -> None:
        self._cloud.obtain_many([ContainerRequest(IMAGE)] * number)

    def remove(self) -> None:
        _side_by_side(self._cloud.release, [found.name for found in self._cloud.list()])


class ClockerRun(Clocker):
    """The command, from the start of its process to its end."""

    def __init__(self, there: TwoHosts) -> None:
        super().__init__(there)
        self._there = there

    def obtain(self, number: int) -> None:
        self._there.clocker("run", "--count", str(number), IMAGE)


class BareEngine:
    """The Docker SDK over the same sockets, on the same network, spread over both hosts:
    ``at_once`` containers are being created and started."""

    _addresses = count(1)

    def __init__(self, there: TwoHosts, at_once: int) -> None:
        self._clients = there.clients
        self._network = f"clocker-{there.name}"
        self._at_once = at_once
        self._made: list[tuple[Any, str]] = []

    def obtain(self, number: int) -> None:
        with ThreadPoolExecutor(self._at_once) as pool:
            clients = [self._clients[index % len(self._clients)] for index in range(number)]
            self._made = list(pool.map(self._run, clients))

    def remove(self) -> None:
        _side_by_side(lambda made: made[0].remove_container(made[1], force=True), self._made)
        self._made = []

    def _run(self, client: Any) -> tuple[Any, str]:
        """At an address that Clocker does not come to: the engines know nothing of each other's,
        so that somebody has to assign them."""
        number = next(self._addresses)
        address = f"10.210.{14 + number // 250 % 2}.{number % 250 + 1}"
        body = {
            "Image": IMAGE,
            "HostConfig": {"NetworkMode": self._network},
            "NetworkingConfig": {
                "EndpointsConfig": {self._network: {"IPAMConfig": {"IPv4Address": address}}}
            },
        }
        made = client.create_container_from_config(body)["Id"]
        client.start(made)
        return client, made


class Swarm:
    """A service of N replicas on an attachable overlay network over the same two hosts. Its
    manager is asked through the same socket, without the docker command's own time."""

    def __init__(self, there: TwoHosts) -> None:
        self._manager, self._clients = there.clients[0], there.clients

    def obtain(self, number: int) -> None:
        from docker.types import ContainerSpec, ServiceMode, TaskTemplate

        # It is the first process of its container, and would wait ten seconds to be killed.
        spec = ContainerSpec(IMAGE, stop_signal="SIGKILL")
        template = TaskTemplate(spec, networks=["bench-overlay"])
        self._manager.create_service(template, name="bench", mode=ServiceMode("replicated", number))
        while self._running() < number:
            time.sleep(_POLL_S)

    def remove(self) -> None:
        self._manager.remove_service("bench")
        label = {"label": "com.docker.swarm.service.name=bench"}
        while any(client.containers(all=True, filters=label) for client in self._clients):
            time.sleep(_POLL_S)

    def _running(self) -> int:
        tasks = self._manager.tasks(filters={"service": "bench"})
        return sum(task["Status"]["State"] == "running" for task in tasks)


def make_swarm(there: TwoHosts) -> None:
    """Swarm mode on both hosts. Its workers would ask a registry for the image first, and wait
    in vain: they are told to look at their own engine first."""
    prefer = "mkdir -p $d && printf '[Service]\\nEnvironment=%s\\n' $e >$d/bench.conf"
    setting = "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1"
    folder = "/etc/systemd/system/docker.service.d"
    restart = "systemctl daemon-reload && systemctl restart docker"
    manager, first = there.shells[0], there.hosts[0]
    for shell in there.shells:
        _said(shell, f"d={folder} e={setting}; {prefer} && {restart}")
    _said(manager, f"docker swarm init --advertise-addr {first.address}")
    token = _said(manager, "docker swarm join-token -q worker")
    for host, shell in zip(there.hosts[1:], there.shells[1:], strict=True):
        _join(host, shell, token, f"{first.address}:2377")
    _said(manager, "docker network create -d overlay --attachable bench-overlay")


def _join(host: Host, shell: Any, token: str, manager: str) -> None:
    _said(shell, f"docker swarm join --advertise-addr {host.address} --token {token} {manager}")


def _said(shell: Any, command: str) -> str:
    result = shell.run(command, timeout_s=120)
    if not result.ok:
        raise SystemExit(f"{command}: {result.stderr.decode()}")
    return str(result.text.strip())


def _side_by_side(work: Any, things: Sequence[Any]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, things))
