"""Real hosts from an unreliable driver: one call in five fails, as clocker.testing.faulty_driver's
do. As a program it carries out one verb on the cloud of a folder, and kills itself with SIGKILL at
the boundary of that number (0: never); ``SEED`` says which calls fail:

    python tests/faults_local.py FOLDER SEED BOUNDARY VERB [ARGUMENT]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from crash import Fuse, fused, kill_oneself, verbs
from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import Node

from clocker.cloud import Cloud
from clocker.errors import ClockerError, InfrastructureError
from clocker.providers import dialects
from clocker.providers.local_driver import NODE_LABEL, PROVIDER, LocalNodeDriver
from clocker.testing.account import CREATION, REFUSALS

ONE_IN = 5
LAG_S = 3.0
GRACE_S = 1.0
SEED = "CLOCKER_TEST_FAULTS"
PLAYED = "faults.log"


class FaultyLocalDriver(LocalNodeDriver):
    """What is to be missing or silent for good is so by the machine's id or on the machine."""

    def list_nodes(self, ex_filters: Mapping[str, str] | None = None) -> list[Node]:
        _refuse_if(_fault("list_nodes", REFUSALS))
        since = {
            container["Labels"][NODE_LABEL]: float(container["Created"])
            for container in self.client.api.containers(all=True, filters={"label": NODE_LABEL})
        }
        now = time.time()
        nodes = [node for node in super().list_nodes(ex_filters) if _is_listed(node, since, now)]
        for node in nodes:
            if str(node.name).endswith("-nowhere"):
                node.public_ips, node.private_ips = [], []
        return nodes

    def create_node(self, name: str, *args: Any, **kwargs: Any) -> Node:
        fault = _fault("create_node", CREATION)
        if fault == "no capacity":
            raise BaseHTTPError(500, "InsufficientInstanceCapacity: none left")
        _refuse_if(fault)
        if fault == "no address":
            name += "-nowhere"
        node = super().create_node(name, *args, **kwargs)
        if fault == "silent":
            self.client.api.disconnect_container_from_network(
                self._container(node), self.network_name, force=True
            )
        if fault.startswith("two machines"):
            super().create_node(f"{name}-twin", *args, **kwargs)
        if fault == "no address":
            node.public_ips, node.private_ips = [], []
        _lose_if(fault)
        return node

    def destroy_node(self, node: Node) -> bool:
        fault = _fault("destroy_node", (*REFUSALS, "answer lost"))
        _refuse_if(fault)
        gone = super().destroy_node(node)
        _lose_if(fault)
        return gone


_random = Random(os.environ.get(SEED))


def _fault(call: str, kinds: tuple[str, ...]) -> str:
    if _random.randrange(ONE_IN):
        return ""
    kind = _random.choice(kinds)
    with Path(PLAYED).open("a") as log:
        log.write(f"{call}: {kind}\n")
    return kind


def _is_listed(node: Node, since: Mapping[str, float], now: float) -> bool:
    """From some moment after its creation, which is its own."""
    return now >= since.get(str(node.id), 0.0) + Random(str(node.id)).choice((0.0, LAG_S))


def _refuse_if(fault: str) -> None:
    if fault == "error":
        raise BaseHTTPError(500, "InternalError: something broke")
    if fault == "throttled":
        raise BaseHTTPError(503, "RequestLimitExceeded: asked too often")


def _lose_if(fault: str) -> None:
    if fault.endswith("answer lost"):
        raise ConnectionResetError("the connection was lost")


def _collect(cloud: Cloud) -> None:
    """Until nothing waits for the grace any more."""
    found = cloud.remnants(GRACE_S)
    report = cloud.gc(found.findings)
    for failure in (*found.failures, *(error for _, error in report.failures)):
        raise failure
    if report.kept:
        raise InfrastructureError(f"not yet: {report.kept}")


def install() -> None:
    """Instead of the driver of the provider ``local``, in this process."""
    from libcloud.compute.providers import set_driver

    set_driver(PROVIDER, "faults_local", FaultyLocalDriver.__name__)  # type: ignore[arg-type]
    known: Any = dialects.DIALECTS
    known[PROVIDER] = replace(known[PROVIDER], lag_s=2 * LAG_S, poll_s=0.2)


def main(folder: str, seed: str, boundary: str, verb: str, argument: str = "") -> int:
    from clocker.assembly import open_cloud

    os.chdir(folder)
    os.environ[SEED] = seed
    install()
    fuse = Fuse(int(boundary), kill_oneself)
    try:
        with open_cloud(str(Path(folder, "clocker.yaml"))) as plain:
            cloud = Cloud(fused(plain._parts, fuse))
            {**verbs(cloud, argument), "gc": lambda: _collect(cloud)}[verb]()
    except ClockerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
