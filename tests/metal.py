"""The metal under the EC2 of the tests: to each instance a local host, at its private address, that
has been told its user data before its first boot, behind its security groups as they are then. An
instance is pending until its host runs, and shutting down until that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_network
from typing import Any

import yaml
from ec2_server import Call, Ec2, serving
from libcloud.compute.base import Node
from moto.ec2.models.instances import InstanceState

from clocker.interfaces import KeyPair
from clocker.providers.docker_engine import open_engine
from clocker.providers.local_driver import NODE_LABEL, LocalNodeDriver
from clocker.providers.local_network import ensure_network, remove_unused

INSTANCE = "ec2-instance"
INTERFACE = "eth0"

_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


class Metal:
    """``impostor``: the host key of machines that do not honour the one in their user data.
    ``gateway``: what this machine's packets come from, on the hosts' network ``cidr``."""

    def __init__(self, ec2: Ec2, image: str, network: Mapping[str, Any]) -> None:
        self.ec2 = ec2
        self.image = image
        self.network = str(network["Name"])
        ipam = network["IPAM"]["Config"][0]
        self.cidr = ip_network(ipam["Subnet"])
        self.gateway = str(ipam.get("Gateway", self.cidr[1]))
        self.impostor: KeyPair | None = None
        # What happens to one instance happens in order.
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._jobs: list[Future[None]] = []

    def follow(self, call: Call) -> None:
        """Of calls that have taken place, and are not answered yet."""
        if call.action == "RunInstances":
            for instance in self.ec2.backend.all_instances():
                if instance.id not in self._workers:
                    self._begin(instance.id, "pending", self._boot, "running")
        elif call.action in _DEEDS:
            for name, instance_id in call.parameters.items():
                if name.startswith("InstanceId."):
                    meanwhile, deed, then = _DEEDS[call.action]
                    self._begin(instance_id, meanwhile, lambda one, do=deed: do(self, one), then)

    def settle(self) -> None:
        """Wait until all is as EC2 has it; raises what has failed."""
        while self._jobs:
            self._jobs.pop(0).result(timeout=120)

    def close(self) -> None:
        try:
            self.settle()
        finally:
            for worker in self._workers.values():
                worker.shutdown()
            for instance_id in self._workers:
                self._destroy(instance_id)

    def _begin(
        self, instance_id: str, meanwhile: str, deed: Callable[[str], object], then: str
    ) -> None:
        worker = self._workers.setdefault(instance_id, ThreadPoolExecutor(1))
        self._say(instance_id, meanwhile)

        def act() -> None:
            deed(instance_id)
            if self.ec2.backend.get_instance(instance_id).state == meanwhile:
                self._say(instance_id, then)

        self._jobs.append(worker.submit(act))

    def _say(self, instance_id: str, state: str) -> None:
        self.ec2.backend.get_instance(instance_id)._state = InstanceState(state, _CODES[state])

    def _boot(self, instance_id: str) -> None:
        instance = self.ec2.backend.get_instance(instance_id)
        tags = {tag["key"]: tag["value"] for tag in instance.get_tags()}
        driver = self._local()
        (size,) = (size for size in driver.list_sizes() if size.id == "unlimited")
        made = driver.create_node(
            tags.get("Name", instance_id),
            size,
            driver.ex_default_image(),
            ex_userdata=self._user_data(instance_id),
            ex_metadata={**tags, INSTANCE: instance_id},
            ex_address=instance.private_ip,
        )
        self._wall_in(instance_id, made)

    def _wall_in(self, instance_id: str, node: Node) -> None:
        engine = self._local().client
        (container,) = engine.containers.list(filters={"label": f"{NODE_LABEL}={node.id}"})
        for rule in self._firewall(instance_id):
            ended = container.exec_run(["iptables", "-w", "-t", "mangle", *rule.split()])
            assert ended.exit_code == 0, (rule, ended.output)

    def _firewall(self, instance_id: str) -> Iterator[str]:
        """At the network's edge, before any address is translated. This machine is in no group,
        although it is in the network."""
        (instance,) = self.ec2.described(instance_id)
        groups = [group["GroupId"] for group in instance["SecurityGroups"]]
        found = self.ec2.client().describe_security_groups(GroupIds=groups)["SecurityGroups"]
        permissions = [each for group in found for each in group["IpPermissions"]]
        append = f"-A PREROUTING -i {INTERFACE}"
        yield f"{append} -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
        for allowed in permissions:
            for source in allowed["IpRanges"]:
                yield f"{append} {_ports(allowed)} -s {source['CidrIp']} -j ACCEPT"
        yield f"{append} -s {self.gateway} -j DROP"
        for allowed in permissions:
            if any(pair["GroupId"] in groups for pair in allowed["UserIdGroupPairs"]):
                yield f"{append} {_ports(allowed)} -s {self.cidr} -j ACCEPT"
        yield f"{append} -j DROP"

    def _user_data(self, instance_id: str) -> str:
        told = self.ec2.user_data(instance_id)
        if self.impostor is None:
            return told
        document = yaml.safe_load(told)
        document["ssh_keys"] = {
            "ed25519_private": self.impostor.private,
            "ed25519_public": self.impostor.public,
        }
        return f"#cloud-config\n{yaml.safe_dump(document)}"

    def _start(self, instance_id: str) -> None:
        node = self._node(instance_id)
        self._local().start_node(node)
        self._wall_in(instance_id, node)

    def _stop(self, instance_id: str) -> None:
        self._local().stop_node(self._node(instance_id))

    def _destroy(self, instance_id: str) -> None:
        driver = self._local()
        for node in driver.list_nodes(ex_filters={INSTANCE: instance_id}):
            driver.destroy_node(node)

    def _node(self, instance_id: str) -> Node:
        (node,) = self._local().list_nodes(ex_filters={INSTANCE: instance_id})
        return node

    def _local(self) -> LocalNodeDriver:
        """One for each use: none may be shared by threads."""
        return LocalNodeDriver(network=self.network, internal=True, image=self.image)


def _ports(allowed: Mapping[str, Any]) -> str:
    return f"-p {allowed['IpProtocol']} --dport {allowed['FromPort']}:{allowed['ToPort']}"


_DEEDS: dict[str, tuple[str, Callable[[Metal, str], Any], str]] = {
    "StartInstances": ("pending", Metal._start, "running"),
    "StopInstances": ("stopping", Metal._stop, "stopped"),
    "TerminateInstances": ("shutting-down", Metal._destroy, "terminated"),
}
"""What EC2 says meanwhile, what is done, and what EC2 says then."""


@contextmanager
def metal(image: str) -> Iterator[Metal]:
    """EC2 with machines that start from ``image``, in a network without a way out."""
    with serving() as ec2:
        engine = open_engine()
        network = ensure_network(engine, f"metal-{ec2.account}", internal=True, subnet=None)
        found = Metal(ec2, image, network)
        ec2.settle_at(str(found.cidr))
        ec2.follow = found.follow
        try:
            yield found
        finally:
            try:
                found.close()
            finally:
                remove_unused(engine, found.network)
                engine.close()
