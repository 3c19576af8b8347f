"""Many networks, on machines in memory."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from clocker.addressing import carve, check_subnet
from clocker.cloud import Cloud
from clocker.errors import BadInput, BootstrapFailed, EngineError, NameTaken, NotFound, NothingFits
from clocker.interfaces import Parts
from clocker.model import ContainerRequest
from clocker.testing import RecordingProgress, fake_parts, fake_spec


@pytest.fixture
def parts() -> Parts:
    return fake_parts()


@pytest.fixture
def cloud(parts: Parts) -> Cloud:
    cloud = Cloud(parts)
    cloud.up()
    return cloud


def request(name: str, **changes: object) -> ContainerRequest:
    plain = ContainerRequest("debian:12", name=name, command=("sleep", "infinity"))
    return replace(plain, **changes)  # type: ignore[arg-type]


def agree(parts: Parts) -> None:
    """Leases, records and what the engines have are the store's word, and nothing else."""
    with parts.store.read() as tx:
        containers, leases, nets = tx.containers(), tx.leases(), tx.networks()
        hosts = {host.id: host for host in tx.hosts()}
    wanted = {
        (endpoint.network, endpoint.address, f"container/{container.name}")
        for container in containers
        for endpoint in container.endpoints
    }
    held = {(item.network, item.address, item.owner) for item in leases}
    assert {item for item in held if item[2].startswith("container/")} == wanted
    gateways = [(item.network, item.owner) for item in leases if item.owner.startswith("host/")]
    networks = ["default", *(net.name for net in nets)]
    owners = [f"host/{host.name}" for host in hosts.values()]
    assert sorted(gateways) == sorted((n, owner) for n in networks for owner in owners)
    assert len({item.address for item in leases}) == len(leases)
    for container in containers:
        engine = parts.connections.engine(hosts[container.host_id])
        seen = engine.inspect(f"test.{container.name}").networks
        assert seen == {
            f"clocker-test{'' if e.network == 'default' else '.' + e.network}": e.address
            for e in container.endpoints
        }
    for net in nets:
        zones = parts.names.of(net).zones  # type: ignore[attr-defined]
        for zone in zones.values():
            on_it = {
                c.name: e.address for c in containers for e in c.endpoints if e.network == net.name
            }
            assert zone == on_it


def test_a_network_is_on_every_host_and_on_those_made_later(parts: Parts, cloud: Cloud) -> None:
    made = cloud.create_network("blue")
    assert (made.net.subnet, made.zone) == ("10.210.16.0/24", "blue.test.clocker")
    assert sorted(made.addresses.values()) == sorted(f"host/{v.host.name}" for v in cloud.hosts())
    assert cloud.up().unchanged == tuple(view.host.name for view in cloud.hosts())
    bigger = replace(parts.spec, hosts=replace(parts.spec.hosts, count=3))
    later = Cloud(replace(parts, spec=bigger))
    later.up()
    assert len(later.network("blue").addresses) == 3
    assert later.up().unchanged == tuple(view.host.name for view in later.hosts())
    agree(parts)


def test_making_it_again_changes_nothing(parts: Parts, cloud: Cloud) -> None:
    first = cloud.create_network("blue")
    assert cloud.create_network("blue") == first
    assert cloud.create_network("blue", subnet="10.210.16.0/24") == first
    with pytest.raises(NameTaken, match=r"10\.210\.16\.0/24"):
        cloud.create_network("blue", subnet="10.210.18.0/24")
    with pytest.raises(NameTaken, match=r"10\.210\.16\.0/24"):
        cloud.create_network("blue", prefix=25)


def test_only_what_is_about_a_network_is_done_on_a_host_that_is_as_it_should_be() -> None:
    parts = fake_parts(fake_spec(count=1))
    cloud = Cloud(parts)
    cloud.up()
    progress: RecordingProgress = parts.progress  # type: ignore[assignment]

    def steps() -> set[str]:
        told = {each.text for each in progress.told if each.kind == "step"}
        progress.told.clear()
        return told

    assert {"engine", "network", "names", "facts"} <= steps()
    cloud.create_network("blue")
    assert steps() == {"networks", "network-blue", "names"}
    cloud.create_network("red")
    assert steps() == {"networks", "network-red", "names"}
    cloud.remove_network("blue")
    assert steps() == {"networks"}
    assert cloud.up().unchanged
    agree(parts)


def test_all_is_done_on_a_host_that_is_something_else_than_is_on_record() -> None:
    parts = fake_parts(fake_spec(count=2))
    cloud = Cloud(parts)
    cloud.up()
    first, second = (view.host for view in cloud.hosts())
    machines = parts.connections.machines  # type: ignore[attr-defined]
    machines.machine(first).files.remove("/etc/clocker/test/stamp")
    progress: RecordingProgress = parts.progress  # type: ignore[assignment]
    progress.told.clear()
    cloud.create_network("blue")
    whole = {each.subject for each in progress.told if each.text == "engine"}
    assert whole == {first.name}
    assert cloud.up().unchanged == (first.name, second.name)
    agree(parts)


def test_a_change_of_networks_that_fails_is_completed(parts: Parts, cloud: Cloud) -> None:
    first = cloud.hosts()[0].host
    system = parts.connections.machines.machine(first).system  # type: ignore[attr-defined]
    system.failing_step = "network-blue"
    with pytest.raises(BootstrapFailed, match="1 of 2 hosts"):
        cloud.create_network("blue")
    system.failing_step = None
    cloud.create_network("blue")
    assert len(cloud.up().unchanged) == 2
    agree(parts)


def test_a_container_on_several_networks(parts: Parts, cloud: Cloud) -> None:
    cloud.create_network("blue")
    cloud.create_network("red", prefix=26)
    machine = cloud.obtain(request("web", networks=("blue", "default", "red")))
    assert [e.network for e in machine.record.endpoints] == ["blue", "default", "red"]
    assert machine.address.startswith("10.210.16.")
    agree(parts)
    cloud.release("web")
    agree(parts)


def test_attach_and_detach(parts: Parts, cloud: Cloud) -> None:
    cloud.create_network("blue")
    cloud.obtain(request("web"))
    there = cloud.attach("web", "blue")
    assert cloud.attach("web", "blue") == there
    with parts.store.read() as tx:
        blue = tx.network("blue")
    assert blue and parts.names.of(blue).resolve("web") == {there.address}  # type: ignore[attr-defined]
    agree(parts)
    with pytest.raises(NameTaken, match="containers are on it: web"):
        cloud.remove_network("blue")
    cloud.detach("web", "blue")
    agree(parts)
    with pytest.raises(NotFound):
        cloud.detach("web", "blue")
    with pytest.raises(BadInput, match="first network"):
        cloud.detach("web", "default")
    cloud.remove_network("blue")
    with pytest.raises(NotFound, match="clocker network create blue|no network"):
        cloud.attach("web", "blue")
    assert cloud.up().unchanged
    agree(parts)


def test_an_attach_that_fails_leaves_nothing(parts: Parts, cloud: Cloud) -> None:
    cloud.create_network("blue")
    machine = cloud.obtain(request("web"))
    machine.engine.fail_next("connect", EngineError("no"))  # type: ignore[attr-defined]
    with pytest.raises(EngineError):
        cloud.attach("web", "blue")
    agree(parts)
    assert cloud.machine("web").record.attachments == ()


def test_aliases_are_shared_but_are_nobodys_name(parts: Parts, cloud: Cloud) -> None:
    for name in ("one", "two"):
        cloud.obtain(request(name, aliases=("both",)))
    addresses = {cloud.machine(name).address for name in ("one", "two")}
    assert parts.names.resolve("both") == addresses  # type: ignore[attr-defined]
    cloud.release("one")
    assert parts.names.resolve("both") == {cloud.machine("two").address}  # type: ignore[attr-defined]
    for clash in (request("both"), request("three", aliases=("two",))):
        with pytest.raises(NameTaken):
            cloud.obtain(clash)
    agree(parts)


HOSTILE = [
    "$(id)", "a;b", "a\n", "a\nb", "\n", "", "a b", "A", "-a", "a-", "a.b", "a/b", "../x", "a'b",
    "a,b", "a#b", "é", "a\x00", "x" * 64, "a=b", "`id`", "*", "address=/#/1.2.3.4",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_refused(parts: Parts, cloud: Cloud, text: str) -> None:
    as_hostname = "-" if text in ("A", "a.b") else text
    as_label = "-" if text in ("A", "a.b", "a/b", "x" * 64) else text
    for hostile in (
        request(text),
        request("web", aliases=(text,)),
        request("web", hostname=as_hostname),
        request("web", labels={as_label: "x"}),
        request("web", labels={"key": "a\n" + text}),
        request("web", networks=(text,)),
    ):
        with pytest.raises((BadInput, NotFound)) as refusal:
            cloud.obtain(hostile)
        assert refusal.value.exit_code == 2 and str(refusal.value).strip()
    with pytest.raises(BadInput):
        cloud.create_network(text)
    assert not cloud.list() and len(cloud.networks()) == 1


@pytest.mark.parametrize(
    ("pool", "prefix", "taken", "expected"),
    [
        ("10.210.0.0/16", 24, ["10.210.0.0/20"], "10.210.16.0/24"),
        ("10.210.0.0/16", 20, ["10.210.0.0/20", "10.210.16.0/24"], "10.210.32.0/20"),
        ("10.210.0.0/16", 24, ["10.210.0.0/20", "10.210.16.0/25"], "10.210.17.0/24"),
        ("10.210.0.0/16", 25, ["10.210.0.0/20", "10.210.16.0/25"], "10.210.16.128/25"),
        ("10.210.0.0/16", 24, ["10.210.1.0/24"], "10.210.0.0/24"),
        ("10.0.0.0/8", 28, ["10.0.0.0/9"], "10.128.0.0/28"),
    ],
)
def test_subnets_are_carved(pool: str, prefix: int, taken: list[str], expected: str) -> None:
    assert carve(pool, prefix, taken) == expected


def test_a_pool_ends() -> None:
    with pytest.raises(NothingFits, match="no block of size /24 left besides 1 networks"):
        carve("10.0.0.0/23", 24, ["10.0.0.0/23"])
    with pytest.raises(BadInput):
        carve("10.0.0.0/23", 22, [])
    with pytest.raises(BadInput):
        carve("10.0.0.0/23", 31, [])


@pytest.mark.parametrize(
    ("subnet", "sentence"),
    [
        ("10.210.16.1/24", "not an IPv4 CIDR"),
        ("nonsense", "not an IPv4 CIDR"),
        ("10.211.0.0/24", "within the cloud's pool"),
        ("10.210.16.0/30", "of /29 or larger"),
        ("10.210.8.0/21", "overlaps 10.210.0.0/20, which is the subnet of network 'default'"),
    ],
)
def test_given_subnets_are_checked(subnet: str, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        check_subnet(subnet, "10.210.0.0/16", {"default": "10.210.0.0/20"})


def test_everybody_agrees_after_200_changes_in_random_order(parts: Parts, cloud: Cloud) -> None:
    chance = random.Random(7)
    networks = ["red", "green", "blue"]
    for network in networks:
        cloud.create_network(network)
    for number in range(6):
        cloud.obtain(request(f"c{number}", aliases=("all",)))
    for _ in range(200):
        name, network = f"c{chance.randrange(6)}", chance.choice(networks)
        record = cloud.machine(name).record
        if any(e.network == network for e in record.attachments):
            cloud.detach(name, network)
        else:
            cloud.attach(name, network)
    agree(parts)
    for number in range(6):
        cloud.release(f"c{number}")
    for network in networks:
        cloud.remove_network(network)
    agree(parts)
    assert [view.net.name for view in cloud.networks()] == ["default"]
