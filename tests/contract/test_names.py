"""Names by dnsmasq, on three real hosts of which two hold them."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from inner_hosts import RECORDS, InnerHost, await_true, tell
from network_kinds import DEFAULT

from clocker.bootstrap import check
from clocker.interfaces import Record

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.parametrize("hosts", [DEFAULT], indirect=True, scope="session"),
]


def test_every_container_is_found_by_every_name(hosts: list[InnerHost]) -> None:
    for host, own in zip(hosts, ("one", "two", "three"), strict=True):
        for record in RECORDS:
            assert host.resolve(own, f"{record.name}.test.clocker") == record.address
            # A container knows its own address by its /etc/hosts.
            known = own if own == record.name else f"{record.name}.test.clocker"
            assert host.reverse(own, record.address) == known


def test_names_come_and_go_at_once(hosts: list[InnerHost]) -> None:
    for host in hosts[:2]:
        hosts[0].names.publish(host.shell, [Record("brief", "10.210.1.9")])
    for host, own in zip(hosts, ("one", "two", "three"), strict=True):
        assert host.resolve(own, "brief") == "10.210.1.9"
    for host in hosts[:2]:
        hosts[0].names.publish(host.shell, [Record("brief", "10.210.1.10")])
    assert hosts[2].resolve("three", "brief") == "10.210.1.10"
    for host in hosts[:2]:
        hosts[0].names.withdraw(host.shell, ["brief", "never-was"])
    for host, own in zip(hosts, ("one", "two", "three"), strict=True):
        assert host.resolve(own, "brief") == ""
        assert host.resolve(own, "one") == "10.210.1.1"


def test_names_published_at_once_do_not_disturb_each_other(hosts: list[InnerHost]) -> None:
    many = [Record(f"many-{number}", f"10.210.2.{number}") for number in range(1, 21)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda record: hosts[0].names.publish(hosts[0].shell, [record]), many))
    found = hosts[0].run("cat /etc/clocker/test/names.d/many-*").splitlines()
    assert len(found) == len(many)
    assert hosts[0].resolve("one", "many-20") == "10.210.2.20"
    hosts[0].names.replace(hosts[0].shell, RECORDS)
    assert hosts[0].run("ls /etc/clocker/test/names.d").split() == ["one", "three", "two"]


def test_a_list_cut_short_or_with_tricks_in_it_changes_nothing(hosts: list[InnerHost]) -> None:
    host, scripts = hosts[0], "/usr/local/lib/clocker/test"
    before = host.run("ls /etc/clocker/test/names.d; cat /etc/clocker/test/members")
    for command, stdin in (
        (f"{scripts}/names replace", b"one 10.210.1.1\n"),
        (f"{scripts}/names withdraw", b"../members\n.\n"),
        (f"{scripts}/names publish", b"$(touch${IFS}/tmp/x) 10.210.1.1\n.\n"),
        (f"{scripts}/network sync", b"# clocker-members 0123456789abcdef\ntest-1 10."),
        (f"{scripts}/network sync", b""),
    ):
        assert not host.shell.run(command, stdin=stdin).ok
    assert host.run("ls /etc/clocker/test/names.d; cat /etc/clocker/test/members") == before


def test_one_authoritative_host_may_be_away(hosts: list[InnerHost]) -> None:
    subprocess.run(["docker", "kill", hosts[0].node], check=True, capture_output=True)
    try:
        began = time.monotonic()
        assert hosts[2].resolve("three", "two") == "10.210.1.2"
        assert hosts[1].resolve("two", "three") == "10.210.1.3"
        assert time.monotonic() - began < 4
    finally:
        subprocess.run(["docker", "start", hosts[0].node], check=True, capture_output=True)
    # The host comes back by itself, with all that was on it.
    await_true(lambda: check(hosts[0].shell, "test").bootstrap == hosts[0].plan.stamp)
    await_true(lambda: hosts[0].reaches("one", "three"))
    assert hosts[2].reaches("three", "one")


def test_a_forwarder_becomes_authoritative_and_forgets_afterwards(hosts: list[InnerHost]) -> None:
    swapped = [replace(hosts[2].host, created_at=0.5), hosts[0].host, hosts[1].host]
    text = hosts[0].network.membership(swapped)
    hosts[0].names.replace(hosts[2].shell, RECORDS)
    for host in hosts:
        hosts[0].network.sync(host.shell, text)
    hosts[0].run("systemctl stop clocker-test-dnsmasq")
    try:
        assert hosts[2].resolve("three", "one") == "10.210.1.1"
        assert hosts[1].resolve("two", "three") == "10.210.1.3"
    finally:
        hosts[0].run("systemctl start clocker-test-dnsmasq")
        tell(hosts)
    assert hosts[2].run("ls /etc/clocker/test/names.d") == ""
    hosts[0].names.replace(hosts[1].shell, RECORDS)
    assert hosts[2].resolve("three", "one") == "10.210.1.1"
