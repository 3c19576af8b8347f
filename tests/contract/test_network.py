"""The contract of ``clocker.interfaces.Network``, on three real hosts, over every kind of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from inner_hosts import InnerHost, await_true, tell
from network_kinds import KINDS, is_encrypted
from underlay import captured, netns, partition, pinging, transfer

from clocker.bootstrap import HostStamp, check, membership_hash
from clocker.model import Container, ContainerRequest, ContainerState

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.parametrize("hosts", KINDS, indirect=True, scope="session"),
]

ONE, TWO, THREE = "10.210.1.1", "10.210.1.2", "10.210.1.3"
OWN = {"one": ONE, "two": TWO, "three": THREE}
_FILTERED = "cat /proc/sys/net/bridge/bridge-nf-call-iptables 2>/dev/null || true"
PLANTED = b"clocker-planted!"


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["hosts"])


def test_every_container_reaches_every_other_by_address_and_name(hosts: list[InnerHost]) -> None:
    for host, own in zip(hosts, OWN, strict=True):
        for name, address in OWN.items():
            assert host.reaches(own, address), f"{own} does not reach {name}"
            assert host.resolve(own, name) == address


def test_a_host_knows_its_state_and_tells_it_in_one_round_trip(hosts: list[InnerHost]) -> None:
    text = hosts[0].network.membership([host.host for host in hosts])
    for host in hosts:
        before = host.shell.calls
        assert check(host.shell, "test") == HostStamp(host.plan.stamp, membership_hash(text))
        assert host.shell.calls == before + 1


def test_the_network_tells_what_it_is(hosts: list[InnerHost], kind: str) -> None:
    said = hosts[0].network.status(hosts[0].shell)
    assert said.driver == KINDS[kind].driver
    assert (said.encryption != "none") == is_encrypted(kind)
    assert said.mtu == int(hosts[0].interface("one", "mtu"))
    assert set(said.peers) == {host.host.address for host in hosts[1:]}


def test_transfers_fill_the_mtu(hosts: list[InnerHost]) -> None:
    mtu = int(hosts[0].interface("one", "mtu"))
    hosts[0].run(f"docker exec one ping -M do -s {mtu - 28} -c 2 -i 0.2 -w 5 {TWO}")
    assert hosts[0].fails(f"docker exec one ping -M do -s {mtu - 27} -c 1 -w 2 {TWO}")
    sender, receiver = netns(hosts[0], "one"), netns(hosts[1], "two")
    assert transfer(sender, receiver, TWO, size=8 << 20)


def test_encryption_is_seen_on_the_wire(hosts: list[InnerHost], kind: str) -> None:
    with captured(hosts[0]) as seen:
        hosts[0].run(f"docker exec one ping -c 3 -i 0.2 -w 5 -p {PLANTED.hex()} {TWO}")
    assert len(seen.frames) >= 6
    if is_encrypted(kind):
        assert seen.count(PLANTED) == 0
        assert all(seen.count(bytes(map(int, a.split(".")))) == 0 for a in (ONE, TWO))
    else:
        assert seen.count(PLANTED) >= 6


def test_only_the_port_of_the_document_is_used(hosts: list[InnerHost], kind: str) -> None:
    ports = {KINDS[kind].port.to_bytes(2, "big")}
    addresses = {bytes(map(int, host.host.address.split("."))) for host in hosts}
    with captured(hosts[0]) as seen:
        hosts[0].run(f"docker exec one ping -c 3 -i 0.2 -w 5 {TWO}")
    udp = [
        frame[36:38]  # where it goes to
        for frame in seen.frames
        if frame[12:14] == b"\x08\x00"
        and frame[23] == 17
        and {frame[26:30], frame[30:34]} <= addresses
    ]
    assert len(udp) >= 6 and set(udp) == ports


def test_the_packet_filter_is_spared_the_frames_of_containers(hosts: list[InnerHost]) -> None:
    for host in hosts:
        assert host.run(_FILTERED) in ("0", "")
        if not host.fails("test -e /etc/clocker/test/unfiltered"):
            assert "nf_call_iptables 1" in host.run("ip -d link show docker0")


def test_an_address_is_fixed(hosts: list[InnerHost]) -> None:
    before = hosts[1].interface("two", "address")
    hosts[1].run("docker restart -t 0 two")
    assert hosts[1].interface("two", "address") == before
    assert hosts[0].reaches("one", TWO) and hosts[2].reaches("three", TWO)


def test_a_moved_address_is_found_at_once(hosts: list[InnerHost]) -> None:
    container = _container("moving", "10.210.1.20")
    hosts[0].start("moving", container.address)
    try:
        for host, own in ((hosts[1], "two"), (hosts[2], "three")):
            assert host.reaches(own, container.address)
        hosts[0].run("docker rm -f moving")
        hosts[1].start("moving", container.address)
        pid = int(hosts[1].run("docker inspect -f '{{.State.Pid}}' moving"))
        hosts[1].network.announce(hosts[1].shell, container, pid)
        await_true(lambda: hosts[2].reaches("three", container.address), timeout_s=5)
        assert hosts[0].reaches("one", container.address)
    finally:
        hosts[0].run("docker rm -f moving")
        hosts[1].run("docker rm -f moving")


def test_a_host_joins_and_leaves_unnoticed(hosts: list[InnerHost]) -> None:
    tell(hosts[:2], also=hosts[2:])
    with pinging(hosts[0], "one", TWO):
        tell(hosts)
        assert hosts[2].reaches("three", ONE)
        tell(hosts[:2])
        tell(hosts)
    assert hosts[2].reaches("three", TWO)


def test_a_removed_member_is_no_longer_sent_anything(hosts: list[InnerHost]) -> None:
    tell(hosts[:2])
    try:
        peers = hosts[0].network.status(hosts[0].shell).peers
        assert set(peers) == {hosts[1].host.address}
        assert not hosts[0].reaches("one", THREE)
    finally:
        tell(hosts)
    assert hosts[0].reaches("one", THREE)


def test_the_engine_restarts_under_running_containers(hosts: list[InnerHost]) -> None:
    before = hosts[1].run("docker inspect -f '{{.State.Pid}}' two")
    with pinging(hosts[0], "one", TWO):
        hosts[1].run("systemctl restart docker")
    assert hosts[1].run("docker inspect -f '{{.State.Pid}}' two") == before
    assert hosts[1].reaches("two", "one")
    await_true(lambda: check(hosts[1].shell, "test").bootstrap == hosts[1].plan.stamp)


def test_two_hosts_are_parted_and_find_each_other_again(hosts: list[InnerHost]) -> None:
    with partition(hosts[0], hosts[1]):
        assert not hosts[0].reaches("one", TWO)
        assert hosts[2].reaches("three", ONE) and hosts[2].reaches("three", TWO)
    await_true(lambda: hosts[0].reaches("one", TWO), timeout_s=30)
    assert hosts[1].reaches("two", ONE)


def test_a_host_dies_and_comes_back_by_itself(hosts: list[InnerHost]) -> None:
    with pinging(hosts[1], "two", THREE):
        subprocess.run(["docker", "kill", hosts[0].node], check=True, capture_output=True)
        try:
            assert hosts[2].resolve("three", "two") == TWO
        finally:
            subprocess.run(["docker", "start", hosts[0].node], check=True, capture_output=True)
        await_true(lambda: check(hosts[0].shell, "test").bootstrap == hosts[0].plan.stamp)
        await_true(lambda: hosts[0].reaches("one", "three"))
    assert hosts[2].reaches("three", ONE)


def test_what_is_gone_is_noticed_and_mended(hosts: list[InnerHost]) -> None:
    host = hosts[0]
    host.run("ip link delete $(ls /sys/class/net | grep ^cv-)")
    assert check(host.shell, "test").bootstrap is None
    host.bootstrap()
    assert check(host.shell, "test").bootstrap == host.plan.stamp
    assert host.reaches("one", THREE)


@pytest.fixture
def left(hosts: list[InnerHost]) -> Iterator[InnerHost]:
    """A member that may leave, and is one again afterwards."""
    host = hosts[2]
    yield host
    host.bootstrap()
    host.start("three", THREE)
    tell(hosts)


def test_leaving_removes_every_device_rule_route_and_file(left: InnerHost) -> None:
    made = left.traces()
    assert any("clocker" in line for line in made)
    left.network.leave(left.shell)
    left.run("docker rm -f three")
    found = left.traces()
    assert not {line for line in found if "clocker" in line} - {"clocker.lock", "/etc/clocker:"}
    assert not {line for line in found if line[:3] in ("ck-", "cv-", "cw-", "wg-")}
    assert not {line for line in found if "10.210." in line or "250.210." in line}
    assert not {line for line in found if line.endswith((" dnsmasq", "wireguard-go"))}
    assert found < made
    assert left.run(_FILTERED) in ("1", "")
    left.network.leave(left.shell)


def _container(name: str, address: str) -> Container:
    return Container(
        id=name,
        name=name,
        host_id="id-1",
        state=ContainerState.RUNNING,
        request=ContainerRequest("tiny", name=name),
        address=address,
        mac="",
    )
