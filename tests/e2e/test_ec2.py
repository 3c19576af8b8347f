"""Amazon EC2, end to end: moto answers as EC2, and a local host stands at each instance's private
address (``tests/metal.py``). All else is as there: SSH, bootstrap, containers, growth, down."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ec2_server import IMAGE, KEY, SECRET, STATES, Ec2, Fault
from metal import Metal, metal
from real_cloud import RealCloud, docker_engine, real_cloud

from clocker.model import Host
from clocker.remote.keys import CloudKeys

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def machines(ready_node_image: str) -> Iterator[Metal]:
    with metal(ready_node_image) as found:
        yield found
    engine = docker_engine()
    left = engine.containers.list(all=True, filters={"network": found.network})
    left += engine.networks.list(names=[found.network])
    engine.close()
    assert left == []


@pytest.fixture(scope="module")
def ec2(machines: Metal) -> Ec2:
    return machines.ec2


@pytest.fixture(scope="module")
def cloud(ec2: Ec2, small_image: str) -> Iterator[RealCloud]:
    """Two hosts with a container each, and a third that the third container made necessary."""
    hosts = {"count": 2, "maximum": 3}
    with cloud_at(ec2, hosts=hosts, rules=[{"max_containers": 1}]) as cloud:
        cloud.clocker("up", "--yes")
        for name in ("one", "two", "three"):
            cloud.clocker("run", "--name", name, small_image)
        yield cloud


@contextmanager
def cloud_at(ec2: Ec2, **document: Any) -> Iterator[RealCloud]:
    arguments = ec2.arguments() | {"key": "${EC2_KEY}", "secret": "${EC2_SECRET}"}
    entry = {
        "driver": "ec2",
        "arguments": arguments,
        "image": IMAGE,
        "size": ["t3.small", "t3.medium"],
        "interface": "private",
    }
    with real_cloud(providers={"aws": entry}, **document) as cloud:
        cloud.env |= {"EC2_KEY": KEY, "EC2_SECRET": SECRET}
        yield cloud


def hosts_of(cloud: RealCloud) -> list[tuple[Host, str]]:
    """Each with its derived host key."""
    with cloud.opened() as opened, opened._parts.store.read() as tx:
        keys = opened._parts.keys
        return [(host, keys.derive("host", host.id).public) for host in tx.hosts()]


def of(ec2: Ec2, cloud: RealCloud, *states: str) -> list[dict[str, Any]]:
    """The cloud's instances, by its tag."""
    return [i for i in ec2.instances(*states) if tags_of(i).get("clocker-cloud") == cloud.name]


def tags_of(thing: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in thing.get("Tags", [])}


def test_each_host_is_an_instance_with_its_tags_and_token(ec2: Ec2, cloud: RealCloud) -> None:
    hosts = {host.id: host for host, _ in hosts_of(cloud)}
    instances = of(ec2, cloud, "running")

    assert len(hosts) == len(instances) == 3
    for instance in instances:
        tags = tags_of(instance)
        host = hosts[tags["clocker-host"]]
        assert (tags["clocker-name"], tags["Name"]) == (host.name, f"{cloud.name}-{host.name}")
        assert instance["InstanceId"] == host.node_id
        assert instance["PrivateIpAddress"] == host.address
        assert instance["InstanceType"] == "t3.small"
    tokens = [call.parameters["ClientToken"] for call in ec2.received("RunInstances")]
    assert len(set(tokens)) == len(tokens) == 3


def test_containers_on_all_hosts_reach_each_other(cloud: RealCloud) -> None:
    containers = cloud.containers()

    assert set(containers) == {"one", "two", "three"}
    assert len({container["host"] for container in containers.values()}) == 3
    assert all(container["state"] == "running" for container in containers.values())
    cloud.clocker("network", "check")
    cloud.assert_agrees()


def test_a_second_up_asks_for_nothing(ec2: Ec2, cloud: RealCloud) -> None:
    before = len(ec2.calls)

    assert cloud.clocker("up", "--yes").stdout == "nothing to do: 3 hosts as they should be\n"

    asked = {call.action for call in ec2.calls[before:]}
    assert all(action.startswith("Describe") for action in asked), asked


def test_the_host_keys_are_the_derived_ones(ec2: Ec2, cloud: RealCloud) -> None:
    for host, derived in hosts_of(cloud):
        assert host.access is not None
        assert host.access.host_keys == (derived,)
        assert json.dumps(derived) in ec2.user_data(str(host.node_id))
        scan = ["ssh-keyscan", "-t", "ed25519", host.access.address]
        shown = subprocess.run(scan, capture_output=True, text=True, check=True).stdout
        assert shown.split(" ", 1)[1].strip() == derived


def test_an_impostor_is_refused(machines: Metal, ec2: Ec2) -> None:
    """A machine that has another key than its user data gives it, and would let anybody in."""
    with cloud_at(ec2, hosts={"timeout": "12s"}) as cloud:
        machines.impostor = CloudKeys(cloud.folder / "impostor").derive("host", "impostor")
        try:
            refused = cloud.clocker("up", "--yes", status=4)
        finally:
            machines.impostor = None

        assert "another host key than the one that was made for it" in refused.stderr
        ((host, derived),) = hosts_of(cloud)
        assert host.access is not None
        assert host.access.host_keys == (derived,)
        assert host.stamp is None, "nothing was run there"


def test_up_killed_before_the_answer_and_before_the_record(ec2: Ec2) -> None:
    with cloud_at(ec2) as cloud:
        killed = cloud.begin("up", "--yes")
        with ec2.meeting(Fault("RunInstances", then=killed.kill)):
            killed.communicate(timeout=60)
        assert killed.returncode == -signal.SIGKILL
        (instance,) = of(ec2, cloud)

        cloud.crashed("aws.obtain", "up")
        assert [host.node_id for host, _ in hosts_of(cloud)] == [None]

        cloud.clocker("up", "--yes")
        assert [host.node_id for host, _ in hosts_of(cloud)] == [instance["InstanceId"]]
        assert [i["InstanceId"] for i in of(ec2, cloud, *STATES, "terminated")] == [
            instance["InstanceId"]
        ]
        cloud.assert_agrees()


def test_a_lost_answer_leaves_one_instance(ec2: Ec2) -> None:
    with cloud_at(ec2) as cloud:
        with ec2.meeting(Fault("RunInstances")):
            cloud.clocker("up", "--yes")

        (instance,) = of(ec2, cloud)
        assert [host.node_id for host, _ in hosts_of(cloud)] == [instance["InstanceId"]]
        cloud.assert_agrees()


def test_down_leaves_nothing(machines: Metal, ec2: Ec2, cloud: RealCloud) -> None:
    made = [instance["InstanceId"] for instance in of(ec2, cloud)]
    assert len(made) == 3

    cloud.clocker("down", "--yes")
    machines.settle()

    assert {i["InstanceId"] for i in of(ec2, cloud, "terminated")} == set(made)
    assert of(ec2, cloud) == []
    assert [
        node for node in machines.nodes() if node.extra["tags"]["clocker-cloud"] == cloud.name
    ] == []
    cloud.assert_nothing_left()
