"""The ways to deploy thirty services on two hosts. Each returns once all of them run; nothing is
left of them after ``remove``."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from obtaining.two_hosts import IMAGE, TwoHosts

from clocker.config.applications import load_application
from clocker.deploy import Applications

CHAIN, FAN_OUT = 6, 24
_NAME, _ALONE = "bench", "alone"
_POLL_S = 0.05


class Way(Protocol):
    def deploy(self) -> None: ...

    def remove(self) -> None: ...


def needs() -> dict[str, list[str]]:
    """A chain, each service of which needs the one before, and a fan-out from its end."""
    chain = [f"chain-{number}" for number in range(CHAIN)]
    found = {name: chain[max(at - 1, 0) : at] for at, name in enumerate(chain)}
    return found | {f"leaf-{number}": chain[-1:] for number in range(FAN_OUT)}


class Clocker:
    """The API, in a process that has its connections open."""

    def __init__(self, there: TwoHosts) -> None:
        self._there = there
        self._file = there.folder / "bench.yaml"
        services = {name: {"image": IMAGE, "needs": those} for name, those in needs().items()}
        self._file.write_text(json.dumps({"application": _NAME, "services": services}))

    def deploy(self) -> None:
        application = load_application(self._file, {}).application
        Applications(self._there.cloud).deploy(application)

    def remove(self) -> None:
        Applications(self._there.cloud).remove(_NAME)


class ClockerDeploy(Clocker):
    """The command, from the start of its process to its end: it looks and shows its plan first."""

    def deploy(self) -> None:
        self._there.clocker("deploy", "--yes", str(self._file))


class Stack:
    """``docker stack deploy`` on the manager of Swarm mode, with the same services on an overlay
    network of their own, until all of their tasks run. It knows ``depends_on`` and does not wait
    for anything: no order is kept."""

    def __init__(self, there: TwoHosts) -> None:
        self._shell, self._manager, self._clients = there.shells[0], there.clients[0], there.clients
        services: dict[str, Any] = {
            # The first process of its container would wait ten seconds to be killed.
            name: {"image": IMAGE, "stop_signal": "SIGKILL", "depends_on": those}
            for name, those in needs().items()
        }
        self._file = json.dumps({"version": "3.8", "services": services}).encode()

    def deploy(self) -> None:
        command = f"docker stack deploy --resolve-image never -c - {_NAME}"
        said = self._shell.run(command, stdin=self._file, timeout_s=120)
        assert said.ok, said
        while self._running() < CHAIN + FAN_OUT:
            time.sleep(_POLL_S)

    def remove(self) -> None:
        said = self._shell.run(f"docker stack rm {_NAME}", timeout_s=120)
        assert said.ok, said
        label = {"label": f"com.docker.stack.namespace={_NAME}"}
        while any(client.containers(all=True, filters=label) for client in self._clients):
            time.sleep(_POLL_S)
        while self._manager.networks(names=[f"{_NAME}_default"]):
            time.sleep(_POLL_S)

    def _running(self) -> int:
        tasks = self._manager.tasks(filters={"label": f"com.docker.stack.namespace={_NAME}"})
        return sum(task["Status"]["State"] == "running" for task in tasks)


class Engines:
    """The engines alone, for information: the same containers on a network of their own that is
    there already, each made and started by two calls over connections that are open, in the order
    that is asked for, and nobody looks at them afterwards. Who uses these engines takes longer."""

    def __init__(self, there: TwoHosts) -> None:
        self._clients = there.clients
        for client in self._clients:
            client.create_network(_ALONE)

    def deploy(self) -> None:
        with ThreadPoolExecutor(CHAIN + FAN_OUT) as pool:
            made = list(pool.map(self._create, range(CHAIN + FAN_OUT)))
            for number in range(CHAIN):
                self._start(number, made)
            list(pool.map(lambda number: self._start(number, made), range(CHAIN, len(made))))

    def remove(self) -> None:
        for client in self._clients:
            for container in client.containers(all=True, filters={"label": _ALONE}):
                client.remove_container(container, force=True)

    def _create(self, number: int) -> str:
        client = self._of(number)
        network = client.create_host_config(network_mode=_ALONE)
        made: str = client.create_container(IMAGE, labels=[_ALONE], host_config=network)["Id"]
        return made

    def _start(self, number: int, made: Sequence[str]) -> None:
        self._of(number).start(made[number])

    def _of(self, number: int) -> Any:
        return self._clients[number % len(self._clients)]
