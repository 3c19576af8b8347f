"""Many networks on three real hosts: what passes and what does not, names, checks, and whether
everybody agrees in the end."""

from __future__ import annotations

import json
import random
import re
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from network_kinds import WEAVE_IMAGES
from real_cloud import RealCloud, real_cloud, until

from clocker.cloud import Cloud
from clocker.cloud.nets import all_nets, hosts_on
from clocker.model import ContainerRequest, Host
from clocker.network.layout import Layout

pytestmark = pytest.mark.hosts

# A shell, a resolver and sleep, taken from the distribution.
_TOOLS = """
set -e
cd "$(mktemp -d)"
for file in /bin/sh /bin/cat /bin/sleep /usr/bin/getent; do
    for part in "$file" $(ldd "$file" | grep -o '/[^ ]*'); do
        mkdir -p ".${part%/*}"
        cp -L "$part" ".$part"
    done
done
mkdir -p etc tmp proc
tar -c .
"""


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, base_image: str) -> Iterator[str]:
    tag = f"clocker-test/tools:{uuid.uuid4().hex[:8]}"
    packed = subprocess.run(
        ["docker", "run", "--rm", "--network=none", base_image, "sh", "-c", _TOOLS],
        capture_output=True,
        check=True,
    )
    command = ["docker", "import", "--change", 'CMD ["sleep", "1000000"]', "-", tag]
    subprocess.run(command, input=packed.stdout, capture_output=True, check=True)
    yield tag
    engine.images.remove(tag, force=True)


@dataclass
class Lab:
    """Three hosts; a container of the default network and one of ``blue`` on each."""

    real: RealCloud
    cloud: Cloud
    image: str

    @property
    def driver(self) -> str:
        return self.cloud.spec.network.driver

    @property
    def hosts(self) -> list[Host]:
        return sorted((v.host for v in self.cloud.hosts()), key=lambda h: (h.created_at, h.name))

    def on(self, host: Host, command: str) -> tuple[bool, str]:
        result = self.cloud._parts.connections.shell(host).run(command, timeout_s=60)
        return result.ok, result.text + result.stderr.decode()

    def said(self, host: Host, command: str) -> str:
        ok, text = self.on(host, command)
        assert ok, text
        return text.strip()

    def gateways(self, network: str) -> dict[str, str]:
        """Of the hosts, by their names."""
        leases = self.cloud.network(network).addresses
        return {o.partition("/")[2]: a for a, o in leases.items() if o.startswith("host/")}

    def addresses(self, network: str) -> dict[str, str]:
        """Of the containers, by their names."""
        leases = self.cloud.network(network).addresses
        return {o.partition("/")[2]: a for a, o in leases.items() if o.startswith("container/")}

    def within(self, container: str, command: str) -> tuple[bool, str]:
        """Run the host's programs in the container's network."""
        machine = self.cloud.machine(container)
        pid = machine.engine.inspect(machine.engine_name).pid
        return self.on(machine.host, f"nsenter -t {pid} -n sh -c '{command}'")

    def reached(self, container: str, targets: list[str]) -> set[str]:
        command = "; ".join(
            f"(ping -q -c 2 -i 0.2 -w 2 {t} >/dev/null && echo {t}) &" for t in targets
        )
        return set(self.within(container, command.replace("&;", "&") + " wait")[1].split())

    def resolve(self, container: str, name: str) -> set[str]:
        result = self.cloud.machine(container).run(["getent", "ahostsv4", name], timeout_s=30)
        return {line.split()[0] for line in result.text.splitlines()}

    def request(self, name: str, **changes: object) -> ContainerRequest:
        return ContainerRequest(self.image, name=name, **changes)  # type: ignore[arg-type]


# By a path of 1500 bytes: the largest packet of a container, and what encrypts it.
_CARRIED = {"vxlan": (1450, "none"), "weave": (1414, "password")}
# Weave where there is an image of it: see network_kinds.
_NETWORKS: dict[str, dict[str, Any]] = {"plain": {"encryption": "none"}}
if WEAVE_IMAGES:
    _NETWORKS["weave"] = {"driver": "weave", "weave": {"archive": WEAVE_IMAGES}}


@pytest.fixture(scope="module", params=_NETWORKS)
def lab(request: pytest.FixtureRequest, ready_node_image: str, image: str) -> Iterator[Lab]:
    document = {
        "hosts": {"count": 3, "maximum": 3},
        "network": {"quarantine": 0, **_NETWORKS[request.param]},
        "rules": ["breadth_first"],
    }
    with real_cloud(node_image=ready_node_image, **document) as real:
        real.clocker("up")
        with real.opened() as cloud:
            made = Lab(real, cloud, image)
            cloud.create_network("blue")
            plain = [made.request(f"d{n}") for n in range(3)]
            blue = [made.request(f"b{n}", networks=("blue",)) for n in range(3)]
            cloud.obtain_many([*plain, *blue])
            yield made


def test_each_host_has_one_of_each(lab: Lab) -> None:
    for kind in "db":
        assert len({lab.cloud.machine(f"{kind}{n}").host.id for n in range(3)}) == 3


def test_a_second_up_changes_nothing(lab: Lab) -> None:
    assert lab.cloud.up().unchanged == tuple(view.host.name for view in lab.cloud.hosts())


def test_within_a_network_all_reach_all(lab: Lab) -> None:
    for network, kind in (("default", "d"), ("blue", "b")):
        targets = [*lab.addresses(network).values(), *lab.gateways(network).values()]
        for number in range(3):
            assert lab.reached(f"{kind}{number}", targets) == set(targets)


def test_nothing_passes_between_networks_on_any_way(lab: Lab) -> None:
    """Plainly, by a route through each host's gateway, and as if it were on the same link."""
    for kind, own, other in (("d", "default", "blue"), ("b", "blue", "default")):
        container = f"{kind}0"
        targets = [*lab.addresses(other).values(), *lab.gateways(other).values()]
        subnet = lab.cloud.network(other).net.subnet
        ways = [f"via {gateway}" for gateway in lab.gateways(own).values()] + ["dev eth0"]
        assert lab.reached(container, targets) == set()
        for way in ways:
            assert lab.within(container, f"ip route replace {subnet} {way}")[0]
            assert lab.reached(container, targets) == set(), way
        lab.within(container, f"ip route delete {subnet}")
        for host in lab.hosts:
            address = lab.gateways(other)[host.name]
            assert (
                lab.within(container, f'timeout 2 bash -c ": >/dev/tcp/{address}/22"')[0] is False
            )


def test_the_rules_are_what_keeps_them_apart(lab: Lab) -> None:
    """Otherwise the test above might pass for another reason."""
    host = lab.cloud.machine("d0").host
    chain = Layout(lab.real.name).chain
    target = lab.gateways("blue")[host.name]
    lab.said(host, f"iptables -t raw -I {chain} -j RETURN")
    try:
        assert lab.reached("d0", [target]) == {target}
    finally:
        lab.said(host, f"iptables -t raw -D {chain} 1")
    assert lab.reached("d0", [target]) == set()


def test_names_are_each_networks_own(lab: Lab) -> None:
    blue, plain = lab.addresses("blue"), lab.addresses("default")
    assert lab.resolve("b0", "b1") == {blue["b1"]}
    assert lab.resolve("b0", "d1") == set()
    assert lab.resolve("d0", "d1") == {plain["d1"]}
    assert lab.resolve("d0", "b1") == set()
    zone = lab.cloud.network("blue").zone
    for container in ("b0", "b1", "b2", "d0"):
        assert lab.resolve(container, f"b1.{zone}") == {blue["b1"]}
    assert lab.resolve("b2", f"d1.{lab.cloud.spec.zone}") == {plain["d1"]}


def test_a_container_on_several_networks(lab: Lab) -> None:
    lab.cloud.attach("d1", "blue")
    try:
        both = [*lab.addresses("blue").values(), *lab.addresses("default").values()]
        assert lab.reached("d1", both) == set(both)
        assert lab.resolve("b2", "d1") == {lab.addresses("blue")["d1"]}
        lab.cloud.restart("d1", grace_s=0)
        assert lab.reached("d1", both) == set(both)
    finally:
        lab.cloud.detach("d1", "blue")
    assert lab.reached("d1", list(lab.addresses("blue").values())) == set()
    assert lab.resolve("b2", "d1") == set()


def test_shared_aliases_resolve_to_all_who_are_there(lab: Lab) -> None:
    pair = [lab.request(f"a{n}", aliases=("both",), networks=("blue",)) for n in range(2)]
    lab.cloud.obtain_many(pair)
    try:
        addresses = {lab.addresses("blue")[f"a{n}"] for n in range(2)}
        for container in ("b0", "b1", "b2"):
            assert lab.resolve(container, "both") == addresses
        firsts = {
            lab.cloud.machine("b2").run(["getent", "ahostsv4", "both"]).text.split()[0]
            for _ in range(20)
        }
        assert firsts <= addresses
        lab.cloud.release("a0")
        assert lab.resolve("b2", "both") == {lab.addresses("blue")["a1"]}
    finally:
        for name in {c.name for c in lab.cloud.list()} & {"a0", "a1"}:
            lab.cloud.release(name)
    assert lab.resolve("b2", "both") == set()


@pytest.mark.parametrize("down", [0, 1])
def test_names_are_answered_while_one_server_is_down(lab: Lab, down: int) -> None:
    """From every host, the one whose dnsmasq is down included, within about a second besides what
    it takes to ask at all."""
    host = lab.hosts[down]
    unit = Layout(lab.real.name).names_unit
    expected = lab.addresses("default")
    usual = _slowest(lab, expected)
    lab.said(host, f"systemctl stop {unit}")
    try:
        assert _slowest(lab, expected) < usual + 1.5
    finally:
        lab.said(host, f"systemctl start {unit}")


def _slowest(lab: Lab, expected: dict[str, str]) -> float:
    slowest = 0.0
    for asking in ("d0", "d1", "d2"):
        for name in ("d0", "d1", "d2"):
            if name != asking:
                began = time.monotonic()
                assert lab.resolve(asking, name) == {expected[name]}
                slowest = max(slowest, time.monotonic() - began)
    return slowest


def test_a_check_finds_nothing_wrong(lab: Lab) -> None:
    seen = lab.real.clocker("network", "check")
    assert "nothing is wrong" in seen.stdout and "lost" not in seen.stdout.split("ok:")[0]
    found = lab.real.json("network", "check")
    assert found["ok"] and {path["network"] for path in found["paths"]} == {"default", "blue"}
    # Three hosts and three containers of each network, from each to each other.
    assert len(found["paths"]) == 2 * 6 * 5 and all(path["reached"] for path in found["paths"])
    assert lab.real.json("dns")["ok"]


def test_a_check_names_two_hosts_that_are_cut_off_from_each_other(lab: Lab) -> None:
    one, other, _ = lab.hosts
    rule = f"INPUT -s {other.address} -p udp --dport {lab.cloud.spec.network.port} -j DROP"
    lab.said(one, f"iptables -I {rule}")
    try:
        found = lab.real.clocker("network", "check", status=4).stdout
    finally:
        lab.said(one, f"iptables -D {rule}")
    assert re.search(r"hosts \S+ and \S+ do not reach each other on network blue", found)
    assert one.name in found and other.name in found and "refuses UDP port 4790" in found
    until(lambda: lab.real.clocker("network", "check", status=None).returncode == 0, 60)


def test_a_check_finds_small_paths(lab: Lab) -> None:
    one, other, _ = lab.hosts
    address = other.address
    device = lab.said(one, f"ip -o route get {address} | grep -o 'dev [^ ]*' | cut -d' ' -f2")
    lab.said(one, f"ip link set dev {device} mtu 1400")
    try:
        found = json.loads(lab.real.clocker("network", "check", "--json", status=4).stdout)
    finally:
        lab.said(one, f"ip link set dev {device} mtu 1500")
        # What they have learned of the path, they would know for minutes.
        for host in lab.hosts:
            lab.said(host, "ip route flush cache")
            if lab.driver == "weave":
                lab.said(host, f"systemctl restart {Layout(lab.real.name).tunnel_unit}")
        for container in lab.cloud.list():
            assert lab.within(container.name, "ip route flush cache")[0]
    until(lambda: lab.cloud.check_network().problems == (), 60)
    (problem, *_) = [item for item in found["problems"] if "bytes are lost" in item["what"]]
    assert "carries smaller packets" in problem["cause"]
    sizes = {p["mtu"] for p in found["paths"] if one.name in (p["from"], p["to"])}
    assert any(1300 < size < 1360 for size in sizes if size), sizes


def test_wrong_missing_and_stale_names_are_found_and_repaired(lab: Lab) -> None:
    server = lab.hosts[0]
    folder = f"{Layout(lab.real.name).etc}/names.d"
    zone = lab.cloud.spec.zone
    lab.said(
        server,
        f"rm {folder}/d0; echo '10.210.9.9 d1.{zone} d1' >{folder}/d1;"
        f"echo '10.210.9.8 ghost.{zone} ghost' >{folder}/ghost;"
        f"systemctl reload {Layout(lab.real.name).names_unit} 2>/dev/null ||"
        f" kill -HUP $(cat {Layout(lab.real.name).pid_file})",
    )
    found = json.loads(lab.real.clocker("dns", "--json", status=4).stdout)
    states = {(a["host"], a["name"]): a["state"] for a in found["answers"]}
    assert states[server.name, "d0"] == "missing"
    assert states[server.name, "d1"] == "wrong"
    assert states[server.name, "ghost"] == "stale"
    assert "remedy: clocker dns --repair" in lab.real.clocker("dns", status=4).stdout
    assert lab.real.clocker("dns", "--repair").returncode == 0
    assert lab.real.json("dns")["ok"]


def test_status_says_who_knows_whom(lab: Lab) -> None:
    found = lab.real.json("network", "status")
    addresses = {host.address for host in lab.hosts}
    by_name = {host.name: host.address for host in lab.hosts}
    assert found["driver"] == lab.driver and len(found["hosts"]) == 6
    for item in found["hosts"]:
        assert set(item["peers"]) == addresses - {by_name[item["host"]]}
        assert (item["mtu"], item["encryption"]) == _CARRIED[lab.driver]


def test_everybody_agrees_after_changes_in_random_order(lab: Lab) -> None:
    """Two hundred attaches, detaches and moves."""
    chance = random.Random(11)
    networks = ["red", "green"]
    for network in networks:
        lab.cloud.create_network(network, prefix=27)
    for number in range(200):
        name, network = f"d{chance.randrange(3)}", chance.choice(networks)
        attached = [e.network for e in lab.cloud.machine(name).record.attachments]
        if number % 13 == 12:
            lab.cloud.move(name, grace_s=0)
        elif network in attached:
            lab.cloud.detach(name, network)
        else:
            lab.cloud.attach(name, network)
    assert_agree(lab)
    for container in lab.cloud.list():
        for endpoint in container.attachments:
            lab.cloud.detach(container.name, endpoint.network)
    for network in networks:
        lab.cloud.remove_network(network)
    assert_agree(lab)
    for host in lab.hosts:
        _assert_no_trace(lab, host, "red")


def test_a_host_that_was_away_is_completed_by_up(lab: Lab) -> None:
    away = lab.hosts[2]
    node = f"{lab.real.name}-{away.name}"
    subprocess.run(["docker", "stop", "-t", "1", node], check=True, capture_output=True)
    try:
        said = lab.real.clocker("network", "create", "late", status=4).stderr
        assert away.name in said and "clocker up completes it" in said
    finally:
        subprocess.run(["docker", "start", node], check=True, capture_output=True)
    until(lambda: _answers(lab, away), 120)
    lab.cloud._parts.connections.forget(away)
    assert away.name in lab.real.json("up")["changed"]
    assert_agree(lab)
    for container in lab.cloud.list():
        if container.host_id == away.id:
            lab.cloud.start(container.name)
    lab.cloud.remove_network("late")
    _assert_no_trace(lab, away, "late")
    assert lab.cloud.check_network().problems == ()


def test_a_lost_store_is_rebuilt_with_its_networks(lab: Lab) -> None:
    lab.cloud.attach("d0", "blue")
    before = {c.name: c.endpoints for c in lab.cloud.list()}
    known = {view.net.name: (view.net.subnet, view.addresses) for view in lab.cloud.networks()}
    lab.cloud._parts.store.erase()
    lab.cloud.adopt()
    assert {c.name: c.endpoints for c in lab.cloud.list()} == before
    found = {view.net.name: (view.net.subnet, view.addresses) for view in lab.cloud.networks()}
    assert found == known
    lab.cloud.detach("d0", "blue")
    assert_agree(lab)


def _answers(lab: Lab, host: Host) -> bool:
    """Its engine, over a connection of another process than this one."""
    tried = lab.real.clocker("ssh", host.name, "--", "docker", "ps", "-q", status=None)
    return tried.returncode == 0


def _assert_no_trace(lab: Lab, host: Host, network: str) -> None:
    layout = Layout(lab.real.name, network)
    left = lab.said(
        host,
        f"ls -d {layout.etc} {layout.scripts} /etc/systemd/system/{layout.network_unit}"
        f" /sys/class/net/{layout.bridge} /sys/class/net/{layout.device} {layout.pid_file}"
        f" 2>/dev/null; docker network ls -q -f name=^{layout.network}$;"
        f" iptables-save | grep -e {layout.chain} -e {layout.bridge}; true",
    )
    assert left == ""


def assert_agree(lab: Lab) -> None:
    """Leases, Docker's networks, devices, rules, routes and DNS records are the store's word."""
    parts = lab.cloud._parts
    with parts.store.read() as tx:
        containers, leases, nets = tx.containers(), tx.leases(), all_nets(parts, tx)
        places = {host.name: [(nets[0], host), *hosts_on(tx, host)] for host in tx.hosts()}
    owned = {(e.network, e.address): f"container/{c.name}" for c in containers for e in c.endpoints}
    owned |= {
        (net.name, there.gateway): f"host/{n}" for n, ps in places.items() for net, there in ps
    }
    assert {(item.network, item.address): item.owner for item in leases} == owned
    for host in lab.hosts:
        here = [c for c in containers if c.host_id == host.id]
        assert len(places[host.name]) == len(nets)
        seen = lab.said(host, "docker network ls --format '{{.Name}}' -f label=clocker.cloud")
        layouts = {net.name: Layout(lab.real.name, net.name) for net in nets}
        assert set(seen.split()) == {layout.network for layout in layouts.values()}
        for net, there in places[host.name]:
            layout = layouts[net.name]
            route = lab.said(host, f"ip -4 route show dev {layout.bridge}")
            assert route.split()[0] == net.subnet and there.gateway in route
            assert lab.on(host, f"{layout.scripts}/network check && {layout.scripts}/names check")[
                0
            ]
        chains = lab.said(host, "iptables -t raw -S | grep -c '^-N CLOCKER-'")
        assert int(chains) == len(nets)
        for container in here:
            machine = lab.cloud.machine(container.name)
            assert machine.engine.inspect(machine.engine_name).networks == {
                layouts[e.network].network: e.address for e in container.endpoints
            }
    assert lab.cloud.check_names().is_right
