"""What is particular to WireGuard between the hosts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from inner_hosts import InnerHost, await_true, tell
from network_kinds import DEFAULT
from underlay import forge

from clocker.bootstrap import check
from clocker.model import NetworkSpec
from clocker.network.layout import Layout
from clocker.network.wireguard import inner_port, overlay_mtu, tunnel_address

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.parametrize("hosts", [DEFAULT], indirect=True, scope="session"),
]

LAYOUT = Layout("test")
KEY = "/etc/clocker/test/tunnel.key"
TWO = "10.210.1.2"


def test_a_private_key_is_on_its_host_and_nowhere_else(hosts: list[InnerHost]) -> None:
    assert hosts[0].run(f"stat -c '%a %U' {KEY}") == "600 root"
    private = hosts[0].run(f"cat {KEY}")
    assert private != hosts[1].run(f"cat {KEY}")
    found = check(hosts[0].shell, "test")
    assert found.tunnel_key == hosts[0].host.tunnel_key == hosts[0].run(f"wg pubkey <{KEY}")
    assert private not in hosts[0].plan.script + tell(hosts) + str(found)
    hosts[0].run('! grep -rlF "$(cat /etc/clocker/test/tunnel.key)" /run /proc/*/cmdline /var/log')


def test_the_mtu_is_what_the_path_leaves(hosts: list[InnerHost]) -> None:
    path = int(hosts[0].run("cat /sys/class/net/eth0/mtu"))
    assert int(hosts[0].interface("one", "mtu")) == overlay_mtu(path, encrypted=True)


def test_a_key_that_is_lost_is_made_anew_and_told(hosts: list[InnerHost]) -> None:
    before = hosts[1].host.tunnel_key
    hosts[1].run(f"rm {KEY}")
    assert check(hosts[1].shell, "test").bootstrap is None
    hosts[1].bootstrap()
    assert hosts[1].host.tunnel_key not in (None, before)
    tell(hosts)
    assert check(hosts[1].shell, "test").tunnel_key == hosts[1].host.tunnel_key
    assert hosts[0].reaches("one", TWO) and hosts[2].reaches("three", TWO)
    assert before not in hosts[0].run("wg show all peers")


def test_what_runs_wireguard_is_started_again(hosts: list[InnerHost]) -> None:
    """The kernel's has no process; its device may be lost all the same."""
    hosts[0].run(f"ip link delete dev {LAYOUT.tunnel}")
    if hosts[0].fails(f"systemctl is-enabled {LAYOUT.tunnel_unit} && pgrep wireguard-go"):
        hosts[0].run(f"{LAYOUT.scripts}/tunnel up")
    await_true(lambda: hosts[0].reaches("one", TWO), timeout_s=30)
    assert check(hosts[0].shell, "test").bootstrap == hosts[0].plan.stamp


def test_what_does_not_come_through_the_tunnel_is_not_believed(hosts: list[InnerHost]) -> None:
    """The guard is all that keeps it out: without it, the frame arrives."""
    port, mac = inner_port(hosts[0].spec.network.port), "02:66:6f:72:67:65"
    learned = f"bridge fdb show dev {LAYOUT.device} | grep {mac}"
    forge(hosts[0], port, LAYOUT.vni, mac)
    assert hosts[0].fails(learned)
    rule = f"INPUT ! -i {LAYOUT.tunnel} -p udp --dport {port} -j DROP"
    hosts[0].run(f"iptables -w -D {rule}")
    assert check(hosts[0].shell, "test").bootstrap is None
    try:
        forge(hosts[0], port, LAYOUT.vni, mac)
        await_true(lambda: not hosts[0].fails(learned), timeout_s=10)
    finally:
        hosts[0].run(f"bridge fdb delete {mac} dev {LAYOUT.device}; {LAYOUT.scripts}/network up")
    assert check(hosts[0].shell, "test").bootstrap == hosts[0].plan.stamp


def test_no_container_reaches_where_the_hosts_are_inside(hosts: list[InnerHost]) -> None:
    """Its host would route what it sends there, and the others would believe it."""
    peer = tunnel_address(hosts[1].host.gateway)
    assert not hosts[0].fails(f"ping -c 1 -w 5 {peer}")
    assert not hosts[0].reaches("one", peer)


def test_a_cloud_changes_its_encryption_under_its_containers(hosts: list[InnerHost]) -> None:
    hosts[0].start("stopped", "10.210.1.30")
    hosts[0].run("docker stop -t 0 stopped")
    path = int(hosts[0].run("cat /sys/class/net/eth0/mtu"))
    encrypted = hosts[0].spec
    try:
        # Made without encryption, its Docker network promises containers more than fits a tunnel.
        _become(hosts, replace(encrypted.network, encryption="none"))
        _make_network_anew(hosts[0], "one", "stopped")
        assert int(hosts[0].interface("one", "mtu")) == overlay_mtu(path, encrypted=False)
        assert hosts[0].reaches("one", TWO)
        assert hosts[0].fails(f"test -e {KEY} || ip link show {LAYOUT.tunnel}")
    finally:
        _become(hosts, encrypted.network)
    mtu = overlay_mtu(path, encrypted=True)
    assert int(hosts[0].interface("one", "mtu")) == mtu
    hosts[0].run(f"docker exec one ping -M do -s {mtu - 28} -c 1 -w 5 {TWO}")
    hosts[0].run("docker start stopped")
    assert hosts[1].reaches("two", "10.210.1.30")
    assert int(hosts[0].interface("stopped", "mtu")) == mtu
    hosts[0].run("docker rm -f stopped")


def _become(hosts: list[InnerHost], network: NetworkSpec) -> None:
    for host in hosts:
        host.spec = replace(host.spec, network=network)
        host.bootstrap()
    tell(hosts)
    for host in hosts:
        assert check(host.shell, "test").bootstrap == host.plan.stamp


def _make_network_anew(host: InnerHost, *containers: str) -> None:
    addresses = {"one": "10.210.1.1", "stopped": "10.210.1.30"}
    for name in containers:
        host.run(f"docker network disconnect -f {LAYOUT.network} {name}")
    host.run(f"docker network rm {LAYOUT.network}; {LAYOUT.scripts}/network up")
    for name in containers:
        host.run(f"docker network connect --ip {addresses[name]} {LAYOUT.network} {name}")
