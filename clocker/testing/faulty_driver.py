"""A libcloud compute driver of an unreliable account, as EC2's in its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import KeyPair, Node, NodeDriver, NodeImage, NodeLocation, NodeSize
from libcloud.compute.types import NodeState

from clocker.model import Resources
from clocker.testing.account import CREATION, REFUSALS, Account, Group, Instance

_WRITES = (*REFUSALS, "answer lost")


class FaultyDriver(NodeDriver):
    """``passed`` is told of every call that has changed something, before it is answered."""

    name = "faulty"

    def __init__(self, account: Account, passed: Callable[[str], None] = lambda _: None) -> None:
        self.account = account
        self._passed = passed

    def list_nodes(self, ex_filters: Mapping[str, str] | None = None) -> list[Node]:
        self._refuse_if(self.account.fault("list_nodes", REFUSALS))
        return [self._node(instance) for instance in self.account.listed()]

    def list_sizes(self, location: NodeLocation | None = None) -> list[NodeSize]:
        self._refuse_if(self.account.fault("list_sizes", REFUSALS))
        return [
            NodeSize(name, name, ram, 200, 0, 0.01, self, extra={"cpu": cores})
            for name, cores, ram in (("middle", 4, 8192), ("tiny", 1, 512))
        ]

    def list_images(self, location: NodeLocation | None = None) -> list[NodeImage]:
        self._refuse_if(self.account.fault("list_images", REFUSALS))
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
        ex_clienttoken: str | None = None,
        ex_keyname: str | None = None,
        ex_security_groups: Sequence[str] = (),
    ) -> Node:
        fault = self.account.fault("create_node", CREATION)
        if fault == "no capacity":
            raise BaseHTTPError(500, "InsufficientInstanceCapacity: none left")
        self._refuse_if(fault)
        known = self._known(ex_clienttoken)
        count = 1 if known else 2 if fault.startswith("two machines") else 1
        made = [known] if known else []
        made += [
            self.account.make(
                name,
                ex_metadata or {},
                Resources(4.0, 8192, 100_000),
                ex_userdata,
                groups=ex_security_groups,
                addressed=fault != "no address",
                silent=fault == "silent",
            )
            for _ in range(count - len(made))
        ]
        if ex_clienttoken:
            self.account.tokens[ex_clienttoken] = made[0].id
        self._passed("create_node")
        self._lose_if(fault)
        return self._node(made[0])

    def destroy_node(self, node: Node) -> bool:
        fault = self.account.fault("destroy_node", _WRITES)
        self._refuse_if(fault)
        gone = self.account.destroy(str(node.id))
        self._passed("destroy_node")
        self._lose_if(fault)
        return gone

    def ex_create_tags(self, resource: Node, tags: Mapping[str, str]) -> bool:
        fault = self.account.fault("ex_create_tags", _WRITES)
        self._refuse_if(fault)
        self.account.instances[str(resource.id)].tags.update(tags)
        self._passed("ex_create_tags")
        self._lose_if(fault)
        return True

    def list_key_pairs(self) -> list[KeyPair]:
        self._refuse_if(self.account.fault("list_key_pairs", REFUSALS))
        return [KeyPair(name, key, "", self) for name, key in self.account.key_pairs.items()]

    def import_key_pair_from_string(self, name: str, key_material: str) -> KeyPair:
        fault = self.account.fault("import_key_pair", _WRITES)
        self._refuse_if(fault)
        if name in self.account.key_pairs:
            raise BaseHTTPError(400, f"InvalidKeyPair.Duplicate: {name}")
        self.account.key_pairs[name] = key_material
        self._passed("import_key_pair")
        self._lose_if(fault)
        return KeyPair(name, key_material, "", self)

    def delete_key_pair(self, key_pair: KeyPair) -> bool:
        fault = self.account.fault("delete_key_pair", _WRITES)
        self._refuse_if(fault)
        self.account.key_pairs.pop(key_pair.name, None)
        self._passed("delete_key_pair")
        self._lose_if(fault)
        return True

    def ex_get_security_groups(self, filters: Mapping[str, str] | None = None) -> list[Any]:
        self._refuse_if(self.account.fault("list_groups", REFUSALS))
        return [
            SimpleNamespace(id=g.id, name=g.name, ingress_rules=list(g.rules), extra={})
            for g in self.account.groups.values()
        ]

    def ex_create_security_group(
        self, name: str, description: str, vpc_id: str | None = None
    ) -> dict[str, str]:
        fault = self.account.fault("create_group", _WRITES)
        self._refuse_if(fault)
        if any(group.name == name for group in self.account.groups.values()):
            raise BaseHTTPError(400, f"InvalidGroup.Duplicate: {name}")
        group = Group(f"sg-{self.account.number()}", name)
        self.account.groups[group.id] = group
        self._passed("create_group")
        self._lose_if(fault)
        return {"group_id": group.id}

    def ex_authorize_security_group_ingress(
        self,
        id: str,  # noqa: A002 - libcloud's own name
        from_port: int,
        to_port: int,
        cidr_ips: Sequence[str] | None = None,
        group_pairs: Sequence[Mapping[str, str]] | None = None,
        protocol: str = "tcp",
    ) -> bool:
        fault = self.account.fault("allow", _WRITES)
        self._refuse_if(fault)
        rule = {
            "protocol": protocol,
            "from_port": from_port,
            "to_port": to_port,
            "cidr_ips": list(cidr_ips or []),
            "group_pairs": [dict(pair) for pair in group_pairs or []],
        }
        if rule in self.account.groups[id].rules:
            raise BaseHTTPError(400, "InvalidPermission.Duplicate: it is there")
        self.account.groups[id].rules.append(rule)
        self._passed("allow")
        self._lose_if(fault)
        return True

    def ex_delete_security_group_by_id(self, group_id: str) -> bool:
        fault = self.account.fault("delete_group", _WRITES)
        self._refuse_if(fault)
        group = self.account.groups.get(group_id)
        if group is None:
            raise BaseHTTPError(400, "InvalidGroup.NotFound: it is gone")
        if self.account.uses(group.name):
            raise BaseHTTPError(400, "DependencyViolation: an instance uses it")
        self.account.groups.pop(group_id)
        self._passed("delete_group")
        self._lose_if(fault)
        return True

    def _known(self, token: str | None) -> Instance | None:
        """What the token has made; refused where that is gone."""
        if token is None or token not in self.account.tokens:
            return None
        instance = self.account.instances[self.account.tokens[token]]
        if not instance.lives:
            raise BaseHTTPError(400, "IdempotentInstanceTerminated: the token's instance is gone")
        return instance

    def _node(self, instance: Instance) -> Node:
        access = instance.machine.node.access
        boots = self.account.clock() < instance.made_at + 2 * self.account.call_s
        waits = boots or not instance.addressed or access is None
        addresses = [] if waits or access is None else [access.address]
        state = NodeState.PENDING if waits else NodeState.RUNNING
        extra = {"tags": dict(instance.tags)}
        return Node(instance.id, instance.name, state, addresses, addresses, self, extra=extra)

    def _refuse_if(self, fault: str) -> None:
        if fault == "error":
            raise BaseHTTPError(500, "InternalError: something broke")
        if fault == "throttled":
            raise BaseHTTPError(503, "RequestLimitExceeded: asked too often")

    def _lose_if(self, fault: str) -> None:
        if fault.endswith("answer lost"):
            raise ConnectionResetError("the connection was lost")
