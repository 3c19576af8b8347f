"""A libcloud compute driver over an infrastructure in memory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from libcloud.compute.base import Node, NodeDriver, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState


@dataclass
class Infrastructure:
    """What all drivers of one account see. ``boots``: how many listings a node needs until it has
    an address; None: it never gets one. ``errors``: raised by the next calls of that name;
    ``lost``: the next creations succeed, but their answer is this error."""

    boots: int | None = 0
    errors: dict[str, list[Exception]] = field(default_factory=dict)
    lost: list[Exception] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    user_data: dict[str, str | None] = field(default_factory=dict)
    ages: dict[str, int] = field(default_factory=dict)
    created: int = 0
    lock: RLock = field(default_factory=RLock, repr=False)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def fail_if_told(self, call: str) -> None:
        if self.errors.get(call):
            raise self.errors[call].pop(0)

    def number(self) -> int:
        return next(self._numbers)


class FakeNodeDriver(NodeDriver):
    name = "fake"

    def __init__(self, infrastructure: Infrastructure) -> None:
        self.infrastructure = infrastructure

    def list_nodes(self) -> list[Node]:
        world = self.infrastructure
        with world.lock:
            world.fail_if_told("list_nodes")
            for node in world.nodes.values():
                self._age(node)
            return list(world.nodes.values())

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        shapes = (("huge", 16, 65536), ("tiny", 1, 512), ("middle", 4, 8192))
        return [
            NodeSize(name, name, ram, 10, 0, 0, self, extra={"cpu": cores})
            for name, cores, ram in shapes
        ]

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        return [NodeImage("img-1", "debian", self)]

    def list_locations(self) -> list[NodeLocation]:
        return [NodeLocation("1", "zone-a", "", self)]

    def create_node(
        self,
        name: str,
        size: NodeSize,
        image: NodeImage,
        location: NodeLocation | None = None,
        auth: Any = None,
        ex_userdata: str | None = None,
        ex_metadata: Mapping[str, str] | None = None,
    ) -> Node:
        world = self.infrastructure
        with world.lock:
            world.fail_if_told("create_node")
            node_id = f"node-{world.number()}"
            extra: dict[str, Any] = {"tags": dict(ex_metadata or {}), "size": size.id}
            node = Node(node_id, name, NodeState.PENDING, [], [], self, extra=extra)
            world.nodes[node_id] = node
            world.user_data[node_id] = ex_userdata
            world.created += 1
            if world.lost:
                raise world.lost.pop(0)
            return node

    def destroy_node(self, node: Node) -> bool:
        world = self.infrastructure
        with world.lock:
            world.fail_if_told("destroy_node")
            return world.nodes.pop(str(node.id), None) is not None

    def start_node(self, node: Node) -> bool:
        self.infrastructure.nodes[str(node.id)].state = NodeState.RUNNING
        return True

    def _age(self, node: Node) -> None:
        world, node_id = self.infrastructure, str(node.id)
        age = world.ages[node_id] = world.ages.get(node_id, 0) + 1
        if node.state == NodeState.PENDING and world.boots is not None and age > world.boots:
            number = int(node_id.removeprefix("node-"))
            node.state = NodeState.RUNNING
            node.public_ips, node.private_ips = [f"192.0.2.{number}"], [f"10.0.0.{number}"]
