"""The main job: a cloud of hosts with nothing but SSH, asked for containers as for machines."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from crash import Fuse, fused
from real_cloud import Ran, RealCloud, real_cloud, until

from clocker.cloud import Cloud

pytestmark = pytest.mark.hosts

EXAMPLE = Path(__file__).parents[2] / "examples" / "api.py"
FOUR = ("web1", "web2", "web3", "db1")
WITH_SSH = "db1"
SERVE = (
    "use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 5, "
    'ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c "$ARGV[0]\\n"; close $c }'
)
MEMORY_LIMIT = (
    "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null"
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[RealCloud]:
    hosts = {"count": 2, "maximum": 3}
    with real_cloud(hosts=hosts, rules=[{"max_containers": 3}]) as cloud:
        made = cloud.clocker("up")
        assert made.stdout.startswith("made: ")
        yield cloud


@pytest.fixture(scope="module")
def four(cloud: RealCloud, base_image: str) -> RealCloud:
    for name in FOUR:
        options = ["--ssh"] if name == WITH_SSH else []
        cloud.clocker("run", "--name", name, *options, base_image)
    return cloud


def test_a_second_up_says_that_there_is_nothing_to_do(cloud: RealCloud) -> None:
    assert cloud.clocker("up").stdout == "nothing to do: 2 hosts as they should be\n"
    assert cloud.json("up")["unchanged"] == [host["name"] for host in cloud.json("hosts")["hosts"]]


def test_a_second_up_is_one_round_trip_per_host(cloud: RealCloud) -> None:
    with cloud.opened() as plain:
        fuse = Fuse(0, lambda: None)
        report = Cloud(fused(plain._parts, fuse)).up()

    assert len(report.unchanged) == 2
    trips = [call for call in fuse.passed if call.endswith((".run", ".put"))]
    assert sorted(trips) == sorted(f"shell {name}.run" for name in report.unchanged)


def test_the_example_program_asks_for_containers(cloud: RealCloud, base_image: str) -> None:
    ran = subprocess.run(
        [sys.executable, EXAMPLE, base_image],
        cwd=cloud.folder,
        env=cloud.env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    placed, reached, _port = ran.stdout.splitlines()
    first, second = (part.split(" on ") for part in placed.split(", "))
    assert first[1] != second[1], "they are spread over the hosts"
    assert reached == f"{first[0]} reaches {second[0]}: True"
    assert cloud.containers() == {}


def test_containers_are_spread_and_reach_each_other_by_name(four: RealCloud) -> None:
    containers = four.containers()
    assert set(containers) >= set(FOUR)
    held = sorted(len(host["containers"]) for host in four.json("hosts")["hosts"])
    assert held[-2:] == [2, 2]
    zone = four.json("status")["zone"]
    pairs = [(a, b) for a in FOUR for b in FOUR if containers[a]["host"] != containers[b]["host"]]
    assert len(pairs) == 8

    for here, there in pairs:
        address = containers[there]["address"]
        assert "1 received" in four.exec(here, "ping", "-c", "1", "-W", "5", there)
        assert four.exec(here, "getent", "hosts", f"{there}.{zone}").split()[0] == address
        assert four.exec(here, "getent", "hosts", address).split()[1] == f"{there}.{zone}"


def test_plain_ssh_and_scp_reach_a_container(four: RealCloud, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text(four.clocker("ssh-config").stdout)
    (tmp_path / "sent").write_text("by scp\n")

    assert _plain("ssh", "-F", config, WITH_SSH, "hostname; id -un").stdout == f"{WITH_SSH}\nroot\n"
    _plain("scp", "-F", config, tmp_path / "sent", f"{WITH_SSH}:/tmp/sent")
    _plain("scp", "-F", config, f"{WITH_SSH}:/tmp/sent", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "by scp\n"
    (host,) = {four.containers()[WITH_SSH]["host"]}
    assert _plain("ssh", "-F", config, host, "hostname").stdout == f"{host}\n"
    assert four.clocker("ssh", WITH_SSH, "--", "hostname").stdout == f"{WITH_SSH}\n"


def test_cp_copies_both_ways(four: RealCloud, tmp_path: Path) -> None:
    (tmp_path / "sent").write_bytes(bytes(range(256)))

    four.clocker("cp", str(tmp_path / "sent"), "web1:/tmp/copy")
    four.clocker("cp", "web1:/tmp/copy", str(tmp_path / "back"))

    assert (tmp_path / "back").read_bytes() == bytes(range(256))


def test_exec_hands_over_the_exit_code(four: RealCloud) -> None:
    assert four.clocker("exec", "web1", "--", "sh", "-c", "exit 42", status=42)


def test_a_file_and_the_address_survive_a_restart(four: RealCloud) -> None:
    before = four.containers()["web2"]["address"]
    four.exec("web2", "sh", "-c", "echo kept > /root/file")

    four.clocker("restart", "web2")
    four.clocker("stop", "web2")
    four.clocker("start", "web2")

    assert four.exec("web2", "cat", "/root/file") == "kept"
    assert before in four.exec("web2", "ip", "-4", "addr", "show", "eth0")
    assert four.containers()["web2"]["address"] == before
    assert four.exec("web1", "getent", "hosts", "web2").split()[0] == before
    assert "1 received" in four.exec("web1", "ping", "-c", "1", "-W", "5", "web2")


def test_memory_is_limited(four: RealCloud, base_image: str) -> None:
    four.clocker("run", "--name", "small", "--ram", "64MiB", "--cores", "0.5", base_image)

    assert four.exec("small", "sh", "-c", MEMORY_LIMIT, status=None) == str(64 * 1024 * 1024)
    greedy = 'my $x = "a" x (300 * 1024 * 1024); print length $x'
    four.exec("small", "perl", "-e", greedy, status=137)
    four.clocker("rm", "-y", "small")


def test_a_fixed_port_a_third_host_and_a_refusal(four: RealCloud, base_image: str) -> None:
    """Twice the same port: two hosts. A third time, and the hosts full: a third host. Once more:
    there may be no fourth, and the refusal names every rule of every host."""
    for number in (1, 2, 3):
        serve = ("--", "perl", "-e", SERVE, f"port{number}")
        four.clocker("run", "--name", f"port{number}", "-p", "8080:80", base_image, *serve)

    containers = four.containers()
    hosts = {host["name"]: host for host in four.json("hosts")["hosts"]}
    placed = {containers[f"port{number}"]["host"] for number in (1, 2, 3)}
    assert placed == set(hosts)
    assert len(hosts) == 3
    for number in (1, 2, 3):
        address = hosts[containers[f"port{number}"]["host"]]["address"]
        until(lambda: _says(address, 8080) == f"port{number}\n")  # noqa: B023 - asked at once
    assert "1 received" in four.exec("port3", "ping", "-c", "1", "-W", "5", "web1")
    assert "1 received" in four.exec("web1", "ping", "-c", "1", "-W", "5", "port3")

    refused = four.clocker("run", "--name", "p4", "-p", "8080:80", base_image, status=3).stderr
    for name, host in hosts.items():
        (line,) = [line for line in refused.splitlines() if line.strip().startswith(f"{name}:")]
        assert "ports_free: port 8080/tcp is taken by port" in line
        full = len(host["containers"]) == 3
        assert ("max_containers: holds 3 of at most 3 containers" in line) == full
    assert "new host: maximum: the cloud has 3 of at most 3 hosts" in refused
    assert "remedy: raise hosts.maximum" in refused
    assert "p4" not in four.containers()

    four.clocker("rm", "-y", "port1", "port2", "port3")
    four.assert_agrees()


def test_a_removed_name_stops_resolving_within_two_seconds(
    four: RealCloud, base_image: str
) -> None:
    four.clocker("run", "--name", "brief", base_image)
    watchers = ("web1", "web2")  # on two hosts
    assert all(four.exec(name, "getent", "hosts", "brief") for name in watchers)

    four.clocker("rm", "-y", "brief")
    removed = time.monotonic()

    for name in watchers:
        until(lambda: not four.exec(name, "getent", "hosts", "brief", status=None))  # noqa: B023
    assert time.monotonic() - removed < 2 + 2 * _exec_costs(four)


def test_events_tell_who_did_what(four: RealCloud) -> None:
    four.clocker("restart", "web3")

    events = four.json("events")["events"]

    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    told = [(event["verb"], event["subject"], event["outcome"]) for event in events]
    assert ("obtain", "web3", "running") in told
    assert told[-1] == ("restart", "web3", "running")
    assert all("@" in event["who"] for event in events)


def test_a_lost_store_is_rebuilt(four: RealCloud) -> None:
    before, hosts = four.containers(), four.json("hosts")["hosts"]
    for path in four.folder.glob("state/clocker/*/state.db*"):
        path.unlink()
    assert four.containers() == {}

    four.clocker("adopt")

    same = ("id", "host", "address", "state", "ports", "image", "ssh", "resources")
    assert _only(four.containers(), same) == _only(before, same)
    assert [host["name"] for host in four.json("hosts")["hosts"]] == sorted(
        host["name"] for host in hosts
    )
    four.assert_agrees()
    assert four.clocker("ssh", WITH_SSH, "--", "hostname").stdout == f"{WITH_SSH}\n"
    four.clocker("adopt")
    assert _only(four.containers(), same) == _only(before, same)


def test_down_leaves_nothing(four: RealCloud) -> None:
    assert four.leftovers() != []

    four.clocker("down", "--yes")

    four.assert_nothing_left()
    assert sorted(path.name for path in four.folder.iterdir()) == [
        "clocker.yaml",
        "providers.yaml",
        "run",
    ]


def _plain(*command: str | Path) -> Ran[str]:
    words = [str(word) for word in command]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran
    return ran


def _says(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            return connection.makefile().read()
    except OSError:
        return ""


def _exec_costs(cloud: RealCloud) -> float:
    began = time.monotonic()
    cloud.exec("web1", "true")
    return time.monotonic() - began


def _only(containers: dict[str, dict[str, object]], keys: tuple[str, ...]) -> str:
    picked = {name: {key: item[key] for key in keys} for name, item in containers.items()}
    return json.dumps(picked, sort_keys=True)
