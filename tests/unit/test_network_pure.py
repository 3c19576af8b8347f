from __future__ import annotations

import random
import subprocess
from dataclasses import replace

import pytest

from clocker.errors import BadInput, CommandFailed
from clocker.interfaces import Record
from clocker.model import (
    CloudSpec,
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    NetworkSpec,
    NodePool,
    Resources,
    Result,
    SshAccess,
    Volume,
)
from clocker.network import open_names, open_network
from clocker.network.dnsmasq import reverse_zones
from clocker.network.layout import Layout
from clocker.network.membership import membership, membership_hash
from clocker.testing.shell import RecordingShell

SPEC = CloudSpec("demo", NodePool(("local",)))


def host(number: int, **changes: object) -> Host:
    made = Host(
        id=f"h{number}",
        name=f"demo-{number}",
        provider="local",
        state=HostState.READY,
        capacity=Resources(),
        gateway=f"10.210.0.{number}",
        address=f"192.0.2.{number}",
        created_at=float(number),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_names_of_devices_fit_the_kernel_whatever_the_clouds_name() -> None:
    clouds = [f"cloud-{number}-" + "x" * (number % 50) for number in range(500)]
    layouts = [Layout(cloud) for cloud in clouds]
    assert all(len(layout.bridge) <= 15 and len(layout.device) <= 15 for layout in layouts)
    assert all(4096 * 2 < layout.vni < 2**24 for layout in layouts)
    assert len({layout.bridge for layout in layouts}) == len(clouds)
    assert Layout("demo").bridge == "ck-2a97516c"  # for ever: hosts carry it


def test_membership_is_one_text_for_all() -> None:
    hosts = [host(2), host(1), host(3), host(4, address=None)]
    text = membership(hosts, {"h1", "h3"})
    assert text.splitlines()[1:] == [
        "demo-1 192.0.2.1 10.210.0.1 server -",
        "demo-2 192.0.2.2 10.210.0.2 client -",
        "demo-3 192.0.2.3 10.210.0.3 server -",
    ]
    random.shuffle(hosts)
    assert membership(hosts, {"h3", "h1"}) == text
    assert membership_hash(text) == membership_hash(text.splitlines()[0])
    assert membership_hash(membership(hosts, {"h1"})) != membership_hash(text)
    assert membership_hash("anything") is None and membership_hash("") is None


def test_a_host_verifies_the_text_with_its_own_tools() -> None:
    text = membership([host(1), host(2)], {"h1"})
    command = "tail -n +2 | sha256sum | cut -c -16"
    said = subprocess.check_output(["sh", "-c", command], input=text, text=True)
    assert said.strip() == membership_hash(text)


def test_newcomers_do_not_displace_authoritative_hosts() -> None:
    names = open_names(SPEC)
    hosts = [host(3), host(1), host(2)]
    assert [server.id for server in names.servers(hosts)] == ["h1", "h2"]
    assert [server.id for server in names.servers([*hosts, host(9)])] == ["h1", "h2"]
    assert [server.id for server in names.servers([host(3), host(2)])] == ["h2", "h3"]
    assert names.servers([]) == ()


@pytest.mark.parametrize(
    ("subnet", "count", "first", "last"),
    [
        ("10.210.0.0/20", 16, "0.210.10.in-addr.arpa", "15.210.10.in-addr.arpa"),
        ("10.210.0.0/16", 1, "210.10.in-addr.arpa", "210.10.in-addr.arpa"),
        ("10.2.0.0/15", 2, "2.10.in-addr.arpa", "3.10.in-addr.arpa"),
        ("10.0.0.0/8", 1, "10.in-addr.arpa", "10.in-addr.arpa"),
        ("192.168.3.0/24", 1, "3.168.192.in-addr.arpa", "3.168.192.in-addr.arpa"),
        ("192.168.3.64/28", 1, "3.168.192.in-addr.arpa", "3.168.192.in-addr.arpa"),
    ],
)
def test_reverse_zones_cover_the_subnet(subnet: str, count: int, first: str, last: str) -> None:
    zones = reverse_zones(subnet)
    assert (len(zones), zones[0], zones[-1]) == (count, first, last)


def test_scripts_on_the_host_parse_and_quote() -> None:
    odd = host(1, name="a'b $(id)", address="192.0.2.1'; id; '")
    for step in (open_network(SPEC).step(odd), open_names(SPEC).step(odd)):
        script = step.values["host_script"]
        subprocess.run(["sh", "-n"], input=script, text=True, check=True)
        assert "\nself='a'\"'\"'b $(id)'\n" in script


def test_a_host_that_is_this_machine_has_no_vxlan_device() -> None:
    here = host(1, access=SshAccess("127.0.0.1", local=True))
    step = open_network(SPEC).step(here)
    assert "\nunderlay=''\n" in step.values["host_script"]
    assert "arping" not in {command for command, _, _ in step.values["packages"]}
    there = open_network(SPEC).step(host(1))
    assert "\nunderlay=192.0.2.1\n" in there.values["host_script"]
    assert "arping" in {command for command, _, _ in there.values["packages"]}


def test_containers_ask_the_clouds_names_first() -> None:
    container = Container(
        id="c1",
        name="web",
        host_id="h1",
        state=ContainerState.CREATING,
        request=ContainerRequest("tomcat:9"),
        address="10.210.0.9",
        mac="02:42:0a:d2:00:09",
    )
    attachment = open_network(SPEC).attachment(container)
    resolv = Volume("/etc/clocker/demo/resolv.conf", "/etc/resolv.conf", read_only=True)
    assert attachment.network == "clocker-demo"
    assert (attachment.address, attachment.mac) == (container.address, container.mac)
    assert attachment.binds == (resolv,)
    script = open_names(SPEC).step(host(1)).values["host_script"]
    assert "\nzone=demo.clocker\n" in script and "\ngateway=10.210.0.1\n" in script


def test_own_resolvers_replace_the_hosts() -> None:
    spec = replace(SPEC, network=NetworkSpec(upstream=("192.0.2.53",)))
    config = open_names(spec).step(host(1)).values["config"]
    assert "\nno-resolv\nserver=192.0.2.53\n" in config
    assert "no-resolv" not in open_names(SPEC).step(host(1)).values["config"]


def test_names_go_by_stdin_in_one_round_trip() -> None:
    shell = RecordingShell()
    open_names(SPEC).publish(shell, [Record("web", "10.210.0.9"), Record("db", "10.210.0.10")])
    (ran,) = shell.ran
    assert ran.command == "/usr/local/lib/clocker/demo/names publish"
    assert ran.stdin == b"web 10.210.0.9\ndb 10.210.0.10\n.\n"


def test_what_the_host_says_becomes_the_error() -> None:
    said = b"some output\n::clocker:: error the list arrived incomplete\n::clocker:: remedy again\n"
    shell = RecordingShell(answers={"network sync": Result(1, said, b"warning\n")})
    with pytest.raises(CommandFailed) as failure:
        open_network(SPEC).sync(shell, "")
    assert failure.value.what == (
        "telling the host of its peers failed: the list arrived incomplete"
    )
    assert failure.value.remedy == "again"
    assert failure.value.tail == "some output\nwarning"


def test_an_unknown_driver_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(BadInput) as refusal:
        open_network(replace(SPEC, network=NetworkSpec(driver="vxlans")))
    assert "did you mean 'vxlan'" in str(refusal.value)
