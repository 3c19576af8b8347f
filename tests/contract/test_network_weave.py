"""What is particular to Weave between the hosts. Runs where CLOCKER_WEAVE_IMAGES names an archive
of its image; where it does not, the run says so at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
from inner_hosts import InnerHost, await_true, tell
from network_kinds import KINDS, WEAVE_IMAGES

from clocker.addressing import mac_of
from clocker.bootstrap import check
from clocker.bootstrap.host import run_script
from clocker.bootstrap.plan import plan
from clocker.errors import CommandFailed
from clocker.model import CloudSpec, Net
from clocker.network.layout import Layout
from clocker.network.weave import OVERHEAD, WeaveNetwork
from clocker.testing.watching import RecordingProgress

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.parametrize(
        "hosts", ["weave"] if WEAVE_IMAGES else [], indirect=True, scope="session"
    ),
]

LAYOUT = Layout("test")
GREEN = Net("green", "10.210.16.0/24")
HOME = "/var/lib/clocker/test-weave"
ONE, TWO, THREE = "10.210.1.1", "10.210.1.2", "10.210.1.3"


def weave(host: InnerHost) -> WeaveNetwork:
    return cast(WeaveNetwork, host.network)


def test_the_router_is_what_is_running(hosts: list[InnerHost]) -> None:
    report = weave(hosts[0]).report(hosts[0].shell)
    assert report.encrypted and report.version
    assert {link.address for link in report.connections} == set(report.targets)
    for link in report.connections:
        assert (link.state, link.encrypted) == ("established", True), link.info
        assert link.path in ("fastdp", "sleeve")


def test_the_mtu_is_what_the_path_leaves(hosts: list[InnerHost]) -> None:
    path = int(hosts[0].run("cat /sys/class/net/eth0/mtu"))
    assert int(hosts[0].interface("one", "mtu")) == path - OVERHEAD["password"]


def test_the_password_is_for_root_alone(hosts: list[InnerHost]) -> None:
    password = KINDS["weave"].weave.password
    assert hosts[0].run(f"cat {HOME}/password") == password
    modes = hosts[0].run(f"stat -c '%a %U' {HOME} {HOME}/password")
    assert modes.splitlines() == ["700 root", "600 root"]
    assert hosts[0].fails("test -e /tmp/x")
    places = "/etc /run /usr/local /var/log /var/lib/clocker /proc/[0-9]*/cmdline"
    found = hosts[0].shell.run(
        f"grep -rlF -D skip -f {HOME}/password {places}; journalctl | grep -cF -f {HOME}/password"
    )
    assert found.text.split() == [f"{HOME}/password", "0"]
    assert password not in hosts[0].plan.script + str(check(hosts[0].shell, "test"))


def test_its_requests_are_taken_from_root_alone(hosts: list[InnerHost]) -> None:
    socket = "/run/clocker-test-weave/api"
    hosts[0].run(f"curl -sf --unix-socket {socket} http://weave/status")
    hosts[0].run("useradd -M stranger 2>/dev/null || true")
    command = f"curl -sf --unix-socket {socket} http://weave/status"
    assert hosts[0].fails(f"setpriv --reuid stranger --clear-groups {command}")
    listening = hosts[0].run("ss -Hltnp | grep weaver").split()
    assert [word for word in listening if word.endswith(":4790")]
    assert len(hosts[0].run("ss -Hltnp | grep weaver").splitlines()) == 1


def test_a_router_that_dies_is_started_again(hosts: list[InnerHost]) -> None:
    before = hosts[0].run("cat /run/clocker-test-weave/pid")
    hosts[0].run(f"kill -9 {before}")
    await_true(lambda: hosts[0].run("cat /run/clocker-test-weave/pid") != before)
    await_true(lambda: hosts[0].reaches("one", TWO), timeout_s=30)
    await_true(lambda: check(hosts[0].shell, "test").bootstrap == hosts[0].plan.stamp)


@pytest.fixture
def apart(hosts: list[InnerHost]) -> Iterator[InnerHost]:
    """A member, who is one as before afterwards."""
    host = hosts[2]
    spec = host.spec
    yield host
    host.spec = spec
    host.bootstrap()
    tell(hosts)
    await_true(lambda: host.reaches("three", ONE), timeout_s=30)


def test_a_wrong_password_is_refused(hosts: list[InnerHost], apart: InnerHost) -> None:
    apart.spec = _with_password(apart.spec, "another password")
    apart.bootstrap()
    tell(hosts)
    assert hosts[0].host.address not in weave(apart).status(apart.shell).peers
    assert not apart.reaches("three", ONE) and not hosts[0].reaches("one", THREE)
    assert hosts[0].reaches("one", TWO)


def test_who_is_no_member_is_not_even_asked(hosts: list[InnerHost], apart: InnerHost) -> None:
    tell(hosts[:2])
    knock = f"timeout 3 bash -c 'echo >/dev/tcp/{hosts[0].host.address}/4790'"
    assert apart.fails(knock)
    assert not hosts[1].fails(knock)


def test_a_host_has_one_weave(hosts: list[InnerHost]) -> None:
    host = hosts[1]
    network = replace(host.spec.network, pool="10.220.0.0/16", subnet="10.220.0.0/20", port=4890)
    other = InnerHost(host.node, 2, host.host.address or "", replace(host.spec, name="other"))
    other.spec = replace(other.spec, network=network)
    other.host = replace(other.host, gateway="10.220.0.2")
    try:
        with pytest.raises(CommandFailed, match="another Weave Net"):
            other.bootstrap()
    finally:
        other.network.leave(other.shell)
    assert hosts[0].reaches("one", TWO)
    assert check(host.shell, "test").bootstrap == host.plan.stamp


def test_containers_keep_their_hardware_address_and_weave_sees_none_that_moves(
    hosts: list[InnerHost],
) -> None:
    assert hosts[0].interface("one", "address") == mac_of(ONE)
    assert hosts[1].reaches("two", ONE)
    seen = hosts[1].run("docker exec two cat /proc/net/arp")
    assert mac_of(ONE) not in seen and mac_of(ONE)[6:] in seen


def test_further_networks_go_through_it_and_no_container_reaches_their_way(
    hosts: list[InnerHost],
) -> None:
    inside = Layout("test", "green")
    try:
        for number, host in enumerate(hosts, 1):
            _bootstrap_with(host, GREEN, gateway=f"10.210.16.{number}")
        tell(hosts)
        for number, host in enumerate(hosts, 1):
            host.run(
                f"docker run -d --name green{number} --network {inside.network} "
                f"--ip 10.210.16.{number + 100} tiny"
            )
        for host, number in ((hosts[0], 1), (hosts[2], 3)):
            assert host.reaches(f"green{number}", "10.210.16.102")
        assert not hosts[0].reaches("green1", TWO) and not hosts[0].reaches("one", "10.210.16.102")
        assert not hosts[0].reaches("one", "250.210.0.2")
    finally:
        for number, host in enumerate(hosts, 1):
            host.run(f"docker rm -f green{number}; {inside.scripts}/network remove")
            host.bootstrap()


def _bootstrap_with(host: InnerHost, net: Net, gateway: str) -> None:
    there = replace(host.host, gateway=gateway)
    steps = [host.network.step(host.host), host.names.step(host.host)]
    steps += [host.network.of(net).step(there), host.names.of(net).step(there)]
    wanted = plan(host.spec, host.host, steps)
    run_script(host.shell, wanted, host.host.name, RecordingProgress(), 300)


def _with_password(spec: CloudSpec, password: str) -> CloudSpec:
    weave = replace(spec.network.weave, password=password)
    return replace(spec, network=replace(spec.network, weave=weave))
