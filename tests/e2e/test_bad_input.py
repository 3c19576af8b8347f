"""What goes wrong, each with its message and exit code; and nothing is left half-done."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import docker
import pytest
from real_cloud import Ran, RealCloud, docker_engine, real_cloud

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def two(pair: RealCloud, small_image: str) -> RealCloud:
    """Two hosts, and a container `old`."""
    pair.clocker("run", "--name", "old", small_image)
    return pair


@pytest.fixture
def cloud(two: RealCloud) -> Iterator[RealCloud]:
    """Whatever went wrong, what was there is there, and nothing else."""
    yield two
    assert list(two.containers()) == ["old"]
    two.assert_agrees()


@pytest.fixture
def fresh(ready_node_image: str) -> Iterator[RealCloud]:
    """Not up."""
    with real_cloud(node_image=ready_node_image, hosts={"count": 2}) as cloud:
        yield cloud


def refused(ran: Ran[str], *sentences: str) -> None:
    for sentence in sentences:
        assert sentence in ran.stderr, ran.stderr


@pytest.mark.parametrize(
    "name", ["a;reboot", "$(id)", "a b", "`id`", "../etc", "-v", "A", "a.b", "x" * 64, "a\nb", ""]
)
def test_a_name_that_is_no_host_name(cloud: RealCloud, small_image: str, name: str) -> None:
    ran = cloud.clocker("run", f"--name={name}", small_image, status=2)

    refused(
        ran, f"must be a DNS label: 1 to 63 small letters, digits and inner hyphens, not {name!r}"
    )


def test_a_name_that_is_taken(cloud: RealCloud, small_image: str) -> None:
    ran = cloud.clocker("run", "--name", "old", "--ram", "32MiB", small_image, status=2)

    host = cloud.containers()["old"]["host"]
    refused(
        ran,
        f"host {host}: the name 'old' is taken by a container that is running",
        "remedy: choose another name, or remove it: clocker rm old",
    )


def test_an_image_that_does_not_exist(cloud: RealCloud) -> None:
    ran = cloud.clocker("run", "127.0.0.1:1/no/such:1", status=4)

    refused(
        ran,
        "no image '127.0.0.1:1/no/such:1' could be had",
        "tried the host: does not have it",
        "tried this machine: does not have it",
        "tried registry 127.0.0.1:1: ",
        "remedy: check its name, or load it into this machine's engine: docker load",
    )


def test_an_image_reference_that_is_none(cloud: RealCloud) -> None:
    ran = cloud.clocker("run", "UPPER CASE", status=2)

    refused(ran, "'UPPER CASE'")


def test_no_room(cloud: RealCloud, small_image: str) -> None:
    ran = cloud.clocker("run", "--ram", "9000GiB", small_image, status=3)

    for host in cloud.json("hosts")["hosts"]:
        assert f"{host['name']}: fits: " in ran.stderr
    full = "new host: maximum: the cloud has 2 of at most 2 hosts"
    refused(ran, full, "remedy: raise hosts.maximum")


def test_a_variable_that_is_not_set(cloud: RealCloud, small_image: str) -> None:
    ran = cloud.clocker("run", "-e", "NOT_SET_ANYWHERE", small_image, status=2)

    refused(
        ran,
        "env: not set in this environment: NOT_SET_ANYWHERE",
        "remedy: export NOT_SET_ANYWHERE=..., or give the value in the request",
    )


def test_a_wrong_ssh_key(cloud: RealCloud, small_image: str, tmp_path: Path) -> None:
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-qt", "ed25519", "-N", "", "-f", key], check=True)
    hosts = [host["name"] for host in cloud.json("hosts")["hosts"]]

    cloud.write(ssh={"key": str(key)})
    try:
        run = cloud.clocker("run", small_image, status=4)
        up = cloud.clocker("up", status=4)
    finally:
        cloud.write(ssh={})

    told = "it refuses the key of user 'root'"
    refused(run, told, "remedy: authorise the cloud's public key for that user on the machine")
    refused(up, "2 of 2 hosts could not be made ready")
    for name in hosts:
        (line,) = [line for line in up.stderr.splitlines() if line.startswith(f"{name} (")]
        assert line.endswith(told)
    # What could not be removed with that key is removed by the next command.
    assert cloud.clocker("up").stdout.startswith("recovered: small-")


def test_a_changed_host_key(cloud: RealCloud, engine: docker.DockerClient) -> None:
    where = cloud.containers()["old"]["host"]
    key = "/etc/ssh/ssh_host_ed25519_key"
    breaking = f"mv {key} /root/ && ssh-keygen -qt ed25519 -N '' -f {key} && systemctl restart ssh"
    mending = f"mv /root/ssh_host_ed25519_key {key} && systemctl restart ssh"

    with broken(cloud, engine, [where], breaking, mending):
        forget_connections(cloud)
        ran = cloud.clocker("restart", "old", status=4)

    refused(
        ran,
        where,
        "it answers with another host key than the pinned one: another machine, or an impostor",
        "remedy: if the machine was replaced on purpose, release the host",
    )
    cloud.clocker("restart", "old")


def test_a_host_without_its_engine(
    cloud: RealCloud, engine: docker.DockerClient, small_image: str
) -> None:
    where = cloud.containers()["old"]["host"]
    stopping = "systemctl stop docker.socket docker"

    with broken(cloud, engine, [where], stopping, "true"):
        ran = cloud.clocker("restart", "old", status=4)
        assert f"changed: {where}" in cloud.clocker("up").stdout

    refused(ran, where, "SSH works, but no Docker Engine answers", "remedy: start the engine there")
    cloud.clocker("start", "old")


def test_a_full_disk_on_a_host(
    cloud: RealCloud, engine: docker.DockerClient, base_image: str
) -> None:
    """By the name of a registry that is none, so that nobody waits for one."""
    tag = f"127.0.0.1:1/{cloud.name}:1"
    engine.images.get(base_image).tag(tag)
    hosts = [host["name"] for host in cloud.json("hosts")["hosts"]]
    filling = "mount -t tmpfs -o size=1m none /var/lib/docker/tmp"
    try:
        with broken(cloud, engine, hosts, filling, "umount /var/lib/docker/tmp"):
            ran = cloud.clocker("run", "--name", "new", tag, status=4)
            assert list(cloud.containers()) == ["old"]
        cloud.clocker("run", "--name", "new", tag)
        cloud.clocker("rm", "-y", "new")
    finally:
        engine.images.remove(tag)

    refused(
        ran, f"no image '{tag}' could be had", "tried this machine: the disk of the host is full"
    )


def test_ctrl_c_in_the_middle_of_run(cloud: RealCloud, small_image: str) -> None:
    for when in ("image on", "create on"):
        ran = interrupted(cloud, when, "run", "--name", "new", small_image)
        refused(ran, "interrupted: what was begun is on record; the same command goes on")

        cloud.clocker("run", "--name", "new", small_image)
        cloud.assert_agrees()
        cloud.clocker("rm", "-y", "new")


def test_ctrl_c_in_the_middle_of_up(fresh: RealCloud) -> None:
    for when in ("machine from", "SSH", "engine"):
        ran = interrupted(fresh, when, "up")
        refused(ran, "interrupted: what was begun is on record; the same command goes on")

    fresh.clocker("up")

    assert len(fresh.json("hosts")["hosts"]) == 2
    fresh.assert_agrees()


def test_two_ups_at_once(fresh: RealCloud) -> None:
    both = [fresh.begin("up"), fresh.begin("up")]
    said = [process.communicate(timeout=300) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert len(fresh.json("hosts")["hosts"]) == 2
    fresh.assert_agrees()


def test_no_engine_on_this_machine(fresh: RealCloud) -> None:
    ran = fresh.clocker("up", env={"DOCKER_HOST": "unix:///nowhere/docker.sock"}, status=4)

    refused(ran, "no Docker Engine answers", "unix:///nowhere/docker.sock", "scripts/prepare")
    fresh.clocker("down", "-y")
    fresh.assert_nothing_left()


def test_a_full_disk_below_the_store(fresh: RealCloud) -> None:
    """No machine is made whose intent could not be stored. Ten pages are left: SQLite needs eight
    of them to open the store."""
    state = fresh.folder / "state"
    state.mkdir()
    clocker = f"{sys.executable} -m clocker.cli"
    script = (
        f"mount -t tmpfs -o size=400k none {state} && {clocker} status && "
        f"! cat /dev/zero > {state}/ballast && truncate -s -40k {state}/ballast && "
        f"exec {clocker} up"
    )
    ran = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        cwd=fresh.folder,
        env=fresh.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 4, ran
    refused(ran, "state.db: the disk is full, nothing was changed", "remedy: free some space")
    assert fresh.leftovers() == []


def test_a_pool_that_overlaps_the_hosts_own_network(fresh: RealCloud) -> None:
    pool = _pool_that_no_network_has()
    providers = fresh.folder / "providers.yaml"
    entry = json.loads(providers.read_text())
    entry["local"]["options"]["subnet"] = str(next(pool.subnets(new_prefix=24)))
    providers.write_text(json.dumps(entry))
    fresh.write(network={"pool": str(pool)})

    ran = fresh.clocker("up", status=4)

    hosts = [host["name"] for host in fresh.json("hosts")["hosts"]]
    refused(ran, "2 of 2 hosts could not be made ready", "network.pool")
    for name in hosts:
        assert f"host {name}: step network failed: the pool {pool} overlaps" in ran.stderr
    # No host has come to use an address of that pool: they are made anew.
    fresh.write(network={})
    fresh.clocker("up")
    assert len(fresh.json("hosts")["hosts"]) == 2
    fresh.assert_agrees()


def _pool_that_no_network_has() -> IPv4Network:
    networks = docker_engine().api.networks()
    configs = [config for network in networks for config in network["IPAM"]["Config"] or ()]
    taken = [ip_network(config["Subnet"]) for config in configs if ":" not in config["Subnet"]]
    pools = list(ip_network("10.128.0.0/9").subnets(new_prefix=16))
    random.shuffle(pools)
    return next(pool for pool in pools if not any(pool.overlaps(other) for other in taken))


def test_a_subnet_that_changes_under_the_hosts(cloud: RealCloud) -> None:
    cloud.write(network={"pool": "10.211.0.0/16"})
    try:
        ran = cloud.clocker("up", status=2)
    finally:
        cloud.write(network={})

    refused(
        ran,
        "network.subnet: it is 10.211.0.0/20 now, but 2 hosts are in use with addresses of another",
        "remedy: set it back; or take the cloud down, and up again",
    )
    assert cloud.clocker("up").stdout.startswith("nothing to do")


def interrupted(cloud: RealCloud, when: str, *args: str) -> Ran[str]:
    """Press Ctrl-C as soon as it tells of a step."""
    process = cloud.begin(*args)
    assert process.stdout
    assert process.stderr
    lines = []
    for line in process.stderr:
        lines.append(line)
        if when in line:
            break
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, (lines, err)
    return Ran(args, process.returncode, out, "".join(lines) + err)


@contextmanager
def broken(
    cloud: RealCloud, engine: docker.DockerClient, hosts: list[str], breaking: str, mending: str
) -> Iterator[None]:
    """Commands on these hosts, not through Clocker."""
    for host in hosts:
        on_host(cloud, engine, host, breaking)
    try:
        yield
    finally:
        for host in hosts:
            on_host(cloud, engine, host, mending)


def on_host(cloud: RealCloud, engine: docker.DockerClient, host: str, command: str) -> None:
    filters = {"label": [f"clocker-cloud={cloud.name}", f"clocker-name={host}"]}
    (node,) = engine.containers.list(filters=filters)
    status, output = node.exec_run(["sh", "-c", command])
    assert status == 0, output


def forget_connections(cloud: RealCloud) -> None:
    """End those that are kept alive for the next command."""
    for pid, line in cloud.processes():
        if line.startswith("ssh "):
            os.kill(pid, signal.SIGTERM)
