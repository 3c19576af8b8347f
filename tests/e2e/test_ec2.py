"""Amazon EC2, end to end: moto answers as EC2, and a local host stands at each instance's private
address (``tests/metal.py``). All else is as there: SSH, bootstrap, containers, growth, down."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ec2_server import IMAGE, KEY, SECRET, STATES, Ec2, Fault
from metal import Metal, metal
from real_cloud import RealCloud, docker_engine, real_cloud
from watched import command_lines

from clocker.model import Host
from clocker.remote.keys import CloudKeys

pytestmark = pytest.mark.hosts

# Where Clocker writes on a host.
_RENDERED = "/etc/clocker /usr/local/lib/clocker /etc/docker /etc/systemd/system"


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
def cloud(machines: Metal, small_image: str) -> Iterator[RealCloud]:
    """Two hosts with a container each, and a third that the third container made necessary."""
    hosts = {"count": 2, "maximum": 3}
    with cloud_at(machines, hosts=hosts, rules=[{"max_containers": 1}]) as cloud:
        cloud.clocker("up", "--yes")
        for name in ("one", "two", "three"):
            cloud.clocker("run", "--yes", "--name", name, small_image)
        yield cloud


@pytest.fixture(scope="module")
def other(machines: Metal) -> Iterator[RealCloud]:
    """One host, not yet made; what is done to it leaves it ready."""
    with cloud_at(machines, hosts={"maximum": 2}) as cloud:
        yield cloud


@contextmanager
def cloud_at(machines: Metal, **document: Any) -> Iterator[RealCloud]:
    arguments = machines.ec2.arguments() | {"key": "${EC2_KEY}", "secret": "${EC2_SECRET}"}
    entry = {
        "driver": "ec2",
        "arguments": arguments,
        "image": IMAGE,
        "size": ["t3.small", "t3.medium"],
        "interface": "private",
        "firewall": {"from": [f"{machines.gateway}/32"]},
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


def shared(ec2: Ec2, cloud: RealCloud) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The cloud's key pairs and its security groups, by their names."""
    client, prefix = ec2.client(), f"clocker-{cloud.name}-"
    pairs = client.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    groups = client.describe_security_groups()["SecurityGroups"]
    return (
        [pair for pair in pairs if pair["KeyName"].startswith(prefix)],
        [group for group in groups if group["GroupName"].startswith(prefix)],
    )


def opened_by(group: dict[str, Any]) -> Iterator[tuple[str, int, int, str]]:
    for allowed in group["IpPermissions"]:
        sources = [source["CidrIp"] for source in allowed["IpRanges"]]
        sources += [pair["GroupId"] for pair in allowed["UserIdGroupPairs"]]
        for source in sources:
            yield allowed["IpProtocol"], allowed["FromPort"], allowed["ToPort"], source


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


def test_the_instances_share_a_key_pair_and_a_group_that_opens_what_is_needed(
    machines: Metal, ec2: Ec2, cloud: RealCloud
) -> None:
    instances = of(ec2, cloud, "running")
    (mark,) = {tags_of(instance)["clocker-key"] for instance in instances}
    name = f"clocker-{cloud.name}-{mark}"
    (pair,), (group,) = shared(ec2, cloud)

    with cloud.opened() as opened:
        assert (pair["KeyName"], pair["PublicKey"]) == (name, opened._parts.keys.public)
    assert {instance["KeyName"] for instance in instances} == {name}
    assert group["GroupName"] == name
    assert all([g["GroupId"] for g in i["SecurityGroups"]] == [group["GroupId"]] for i in instances)
    assert sorted(opened_by(group)) == [
        ("tcp", 22, 22, f"{machines.gateway}/32"),
        ("udp", 4790, 4790, group["GroupId"]),
    ]


def test_what_the_group_does_not_open_is_closed(cloud: RealCloud) -> None:
    """Nobody listens there: without the group the answer would be a refusal, and at once."""
    for host, _ in hosts_of(cloud):
        socket.create_connection((host.address, 22), timeout=5).close()
        with pytest.raises(TimeoutError):
            socket.create_connection((host.address, 8080), timeout=0.5)


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


def secrets_of(cloud: RealCloud) -> list[str]:
    """The account's, and lines of the hosts' private keys, which are in their user data."""
    with cloud.opened() as opened:
        keys = opened._parts.keys
        hosts = [keys.derive("host", host.id) for host, _ in hosts_of(cloud)]
    return [SECRET, *(line for host in hosts for line in host.private.splitlines()[2:-1])]


def test_secrets_are_in_no_file_and_no_output(cloud: RealCloud) -> None:
    secrets = secrets_of(cloud)
    texts = {str(p): p.read_bytes() for p in cloud.folder.rglob("*") if p.is_file()}
    for command in ("status", "hosts", "events"):
        texts[command] = cloud.clocker(command, "--json").stdout.encode()

    assert len(secrets) > 3
    assert [n for n, text in texts.items() for each in secrets if each.encode() in text] == []


def test_nobody_sees_secrets_while_a_host_is_made(machines: Metal, small_image: str) -> None:
    """Whoever runs ps, reads the log with debug on or an error, or looks at the files on the host:
    neither the account's and the keys, nor one that a container is given."""
    planted = "hunter2-is-planted"
    with cloud_at(machines) as cloud, command_lines() as seen:
        cloud.env |= {"CLOCKER_DEBUG": "1", "TOKEN": planted}
        fault = Fault("RunInstances", "UnauthorizedOperation", status="403 Forbidden")
        with machines.ec2.meeting(fault):
            said = {"refused": debugged(cloud, 4, "up", "--yes")}
        said["up"] = debugged(cloud, 0, "up", "--yes", "--json")
        said["run"] = debugged(cloud, 0, "run", "-e", "TOKEN", "--name", "told", small_image)
        secrets = [planted, *secrets_of(cloud)]
        ((host, _),) = hosts_of(cloud)
        with cloud.opened() as opened:
            shell = opened._parts.connections.shell(host)
            files = shell.run(f"cat $(find {_RENDERED} -type f ! -name '*.key')")
            secrets += Path(opened._parts.keys.private_path).read_text().splitlines()[2:-1]
        for command in ("events", "hosts", "ps"):
            said[command] = cloud.clocker(command, "--json").stdout.encode()

    assert files.ok and b"clocker" in files.stdout
    said |= {line.decode(errors="replace"): line for line in seen} | {"files": files.stdout}
    assert b"UnauthorizedOperation" in said["refused"]
    assert any(b"clocker.cli" in line for line in seen), "nothing was watched"
    assert any(line.startswith(b"ssh") for line in seen)
    assert [n for n, text in said.items() for each in secrets if each.encode() in text] == []


def debugged(cloud: RealCloud, status: int, *args: str) -> bytes:
    """All that it says; a traceback is what is asked for."""
    process = cloud.begin("-v", *args)
    out, err = process.communicate(timeout=300)
    assert process.returncode == status, err
    return (out + err).encode()


def test_an_impostor_is_refused(machines: Metal) -> None:
    """A machine that has another key than its user data gives it, and would let anybody in."""
    with cloud_at(machines, hosts={"timeout": "12s"}) as cloud:
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


def test_up_killed_before_the_answer_and_before_the_record(ec2: Ec2, other: RealCloud) -> None:
    killed = other.begin("up", "--yes")
    with ec2.meeting(Fault("RunInstances", then=killed.kill)):
        killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (made,) = of(ec2, other)

    other.crashed("aws.obtain", "up")
    assert [host.node_id for host, _ in hosts_of(other)] == [None]

    other.clocker("up", "--yes")
    assert [host.node_id for host, _ in hosts_of(other)] == [made["InstanceId"]]
    assert len(of(ec2, other, *STATES, "terminated")) == 1
    other.assert_agrees()


def test_errors_and_a_lost_answer_leave_one_instance(ec2: Ec2, other: RealCloud) -> None:
    """Throttled, then short of the first size, then the next one is made and nobody hears of it."""
    other.clocker("up", "--yes")
    other.write(hosts={**other.document["hosts"], "count": 2})
    small, medium = {"InstanceType": "t3.small"}, {"InstanceType": "t3.medium"}
    faults = (
        Fault("RunInstances", "RequestLimitExceeded"),
        Fault("RunInstances", "InsufficientInstanceCapacity", parameters=small),
        Fault("RunInstances", parameters=medium),
    )

    with ec2.meeting(*faults):
        other.clocker("up", "--yes")

    assert [fault.times for fault in faults] == [0, 0, 0]
    instances = of(ec2, other, *STATES, "terminated")
    assert sorted(i["InstanceType"] for i in instances) == ["t3.medium", "t3.small"]
    assert {host.node_id for host, _ in hosts_of(other)} == {i["InstanceId"] for i in instances}
    (told,) = (e for e in other.json("events")["events"] if e["outcome"] == "refused")
    assert told["detail"].startswith("aws: t3.small: InsufficientInstanceCapacity")
    other.assert_agrees()


def test_a_host_that_was_stopped_and_started_is_as_it_was(
    machines: Metal, ec2: Ec2, other: RealCloud
) -> None:
    other.clocker("up", "--yes")
    (host, *_), ids = of(ec2, other), {i["InstanceId"] for i in of(ec2, other)}

    ec2.client().stop_instances(InstanceIds=[host["InstanceId"]])
    machines.settle()
    assert len(of(ec2, other, "stopped")) == 1
    ec2.client().start_instances(InstanceIds=[host["InstanceId"]])
    machines.settle()

    with other.opened() as opened:
        for made, _ in hosts_of(other):
            assert made.access is not None
            opened._parts.connections.await_ssh(made.access, timeout_s=30)
    other.clocker("up", "--yes")
    assert {i["InstanceId"] for i in of(ec2, other, "running")} == ids
    other.assert_agrees()


def test_down_leaves_nothing(machines: Metal, ec2: Ec2, cloud: RealCloud) -> None:
    made = [instance["InstanceId"] for instance in of(ec2, cloud)]
    assert len(made) == 3

    cloud.clocker("down", "--yes")
    machines.settle()

    assert {i["InstanceId"] for i in of(ec2, cloud, "terminated")} == set(made)
    assert of(ec2, cloud) == []
    assert shared(ec2, cloud) == ([], [])
    volumes = ec2.client().describe_volumes()["Volumes"]
    assert [v for v in volumes if tags_of(v).get("clocker-cloud") == cloud.name] == []
    cloud.assert_nothing_left()
