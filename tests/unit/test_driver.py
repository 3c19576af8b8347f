"""The libcloud driver's methods, over a cloud in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from libcloud.common.types import (
    InvalidCredsError,
    LibcloudError,
    ProviderError,
    ServiceUnavailableError,
)
from libcloud.compute.base import (
    Node,
    NodeAuthSSHKey,
    NodeDriver,
    NodeImage,
    NodeLocation,
    NodeSize,
    StorageVolume,
    VolumeSnapshot,
)
from libcloud.compute.providers import DRIVERS, get_driver
from libcloud.compute.types import KeyPairDoesNotExistError, NodeState, StorageVolumeState

from clocker import errors
from clocker.cloud import Cloud
from clocker.driver import ClockerNodeDriver, register
from clocker.driver.boundary import TABLE, libcloud_error
from clocker.driver.refused import REFUSED
from clocker.driver.shapes import STATES
from clocker.model import ContainerRequest, ContainerState, Port, Resources, Restart, RuleSpec
from clocker.testing import FakeKeys, FakeMachines, fake_parts, fake_spec
from clocker.testing.keys import public_of

IMAGE = "debian:12"


@pytest.fixture
def machines() -> FakeMachines:
    return FakeMachines()


@pytest.fixture
def cloud(machines: FakeMachines) -> Cloud:
    cloud = Cloud(fake_parts(machines=machines))
    cloud.up()
    return cloud


@pytest.fixture
def driver(cloud: Cloud) -> ClockerNodeDriver:
    return ClockerNodeDriver(ex_cloud=cloud)


def create(driver: ClockerNodeDriver, name: str = "web", **changes: Any) -> Node:
    asked = {"size": driver.list_sizes()[0], "image": NodeImage(IMAGE, IMAGE, driver), **changes}
    return driver.create_node(name, **asked)


def hosts(driver: ClockerNodeDriver) -> list[NodeLocation]:
    return [place for place in driver.list_locations() if place.extra["kind"] == "host"]


def inside(machines: FakeMachines, node: Node) -> Any:
    return machines.machine(node.extra["host"]).engine.container(f"test.{node.name}")


def test_libcloud_finds_it_by_its_name() -> None:
    register()
    assert get_driver("clocker") is ClockerNodeDriver
    assert DRIVERS["clocker"] == ("clocker.driver.node_driver", "ClockerNodeDriver")


def test_it_opens_a_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "clocker.yaml"
    document.write_text("name: shop\nhosts: {provider: local}\n")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with get_driver("clocker")(str(document)) as driver:
        assert driver.ex_cloud.spec.name == "shop"
        assert driver.list_nodes() == []
    monkeypatch.chdir(tmp_path)
    with ClockerNodeDriver() as found:
        assert found.ex_cloud.spec.name == "shop"


def test_a_document_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"nowhere\.yaml") as caught:
        ClockerNodeDriver(str(tmp_path / "nowhere.yaml"))
    assert caught.value.http_code == 400


def test_a_node_as_libcloud_sees_it(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    node = create(driver, ex_ports=[80, Port(53, 5353, "udp")], ex_labels={"tier": "web"})
    (record,) = cloud.list()
    (listed,) = driver.list_nodes()
    assert (listed.id, listed.name, listed.state) == (record.id, "web", NodeState.RUNNING)
    assert listed.uuid == node.uuid
    assert listed.private_ips == [record.address]
    assert listed.public_ips == [cloud.machine("web").host.access.address]  # type: ignore[union-attr]
    assert listed.size is not None and (listed.size.ram, listed.size.extra) == (
        256,
        {"cores": 0.25},
    )
    assert listed.image is not None and listed.image.id == IMAGE
    assert listed.created_at is not None and listed.created_at.timestamp() == record.created_at
    extra = json.loads(json.dumps(listed.extra))
    assert extra["labels"]["tier"] == "web"
    assert extra["networks"] == {"default": record.address}
    assert extra["region"] == "nowhere" and extra["provider"] == "fake"
    assert [(p["container"], p["protocol"]) for p in extra["ports"]] == [(80, "tcp"), (53, "udp")]
    assert extra["ports"][1]["host_port"] == 5353


def test_nodes_are_listed_by_their_labels(driver: ClockerNodeDriver) -> None:
    for name, tier in (("a", "web"), ("b", "db")):
        create(driver, name, ex_labels={"tier": tier})
    assert [node.name for node in driver.list_nodes()] == ["a", "b"]
    assert [node.name for node in driver.list_nodes(ex_labels={"tier": "db"})] == ["b"]


def test_every_state_has_one_of_libclouds() -> None:
    assert set(STATES) == set(ContainerState)
    assert {value: ClockerNodeDriver.NODE_STATE_MAP[value] for value in ("running", "stopped")} == {
        "running": NodeState.RUNNING,
        "stopped": NodeState.STOPPED,
    }


def test_locations_are_hosts_regions_and_providers(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    names = sorted(view.host.name for view in cloud.hosts())
    assert [place.id for place in driver.list_locations()] == [
        *(f"host/{name}" for name in names),
        "region/nowhere",
        "provider/fake",
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_a_node_is_made_where_it_is_asked_for(driver: ClockerNodeDriver, number: int) -> None:
    place = hosts(driver)[number]
    made = [create(driver, f"n{n}", location=place) for n in range(3)]
    assert {node.extra["host"] for node in made} == {place.name}


@pytest.mark.parametrize("kind", ["region", "provider"])
def test_a_node_in_a_region_or_of_a_provider(driver: ClockerNodeDriver, kind: str) -> None:
    (place,) = [p for p in driver.list_locations() if p.extra["kind"] == kind]
    assert create(driver, location=place).extra[kind] == place.name
    elsewhere = NodeLocation(f"{kind}/moon", "moon", "", driver)
    with pytest.raises(ProviderError, match=f"its {kind} is {place.name}") as caught:
        create(driver, "other", location=elsewhere)
    assert caught.value.http_code == 507


def test_a_location_of_another_driver(driver: ClockerNodeDriver) -> None:
    with pytest.raises(ProviderError, match="no location of this driver"):
        create(driver, location=NodeLocation("eu-central-1a", "zone", "DE", driver))


def test_sizes_are_booked(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    for size in driver.list_sizes():
        node = create(driver, size.name, size=size)
        booked = cloud.machine(size.name).record.request.resources
        assert (booked.cores, booked.ram_mb) == (size.extra["cores"], size.ram)
        driver.destroy_node(node)
    create(driver, "own", ex_cores=1.5, ex_ram_mb=700, ex_disk_mb=10)
    assert cloud.machine("own").record.request.resources == Resources(1.5, 700, 10)
    plain = NodeSize("x", "x", 300, 2, 0, 0.0, driver)
    create(driver, "plain", size=plain)
    assert cloud.machine("plain").record.request.resources == Resources(0.0, 300, 2048)


def test_images_are_those_of_the_hosts(driver: ClockerNodeDriver, machines: FakeMachines) -> None:
    first, second = hosts(driver)
    machines.machine(second.name).engine.add_image("mine/app:3")
    create(driver, ex_ssh=True, location=first)  # whose layer is nobody's to start from
    assert [(i.id, i.extra["hosts"]) for i in driver.list_images()] == [
        (IMAGE, [first.name, second.name]),
        ("mine/app:3", [second.name]),
    ]
    assert [image.id for image in driver.list_images(first)] == [IMAGE]
    assert driver.get_image("mine/app:3").extra["hosts"] == [second.name]
    assert driver.get_image("docker.io/library/nginx:1").id == "nginx:1"
    with pytest.raises(ProviderError) as caught:
        driver.get_image("No Image")
    assert caught.value.http_code == 400


def test_all_that_can_be_asked_of_a_node(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    cloud.create_network("blue")
    create(
        driver,
        ex_command=["infinity"],
        ex_entrypoint=["sleep"],
        ex_env={"A": "b"},
        ex_networks=["blue", "default"],
        ex_aliases=["db"],
        ex_hostname="inner",
        ex_user="nobody",
        ex_workdir="/tmp",
        ex_restart="always",
        ex_capabilities=["NET_ADMIN"],
        ex_privileged=True,
        ex_read_only=True,
        ex_rules=[RuleSpec("max_containers", {"limit": 3})],
        ex_timeout_s=7,
        ex_volumes={"data": "/data", "/srv": "/srv"},
        ex_address="10.210.16.9",
        ex_labels=None,
    )
    request = cloud.machine("web").record.request
    assert request.command == ("infinity",) and request.entrypoint == ("sleep",)
    assert request.env == {"A": "b"} and request.networks == ("blue", "default")
    assert request.aliases == ("db",) and request.hostname == "inner" and request.user == "nobody"
    assert request.workdir == "/tmp" and request.restart.condition == "always"
    assert request.capabilities == ("NET_ADMIN",) and request.privileged and request.read_only
    assert request.rules == (RuleSpec("max_containers", {"limit": 3}),)
    assert request.timeout_s == 7 and request.address == "10.210.16.9"
    assert {v.source: v.target for v in request.volumes} == {"data": "/data", "/srv": "/srv"}
    assert not request.ssh


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"ex_nonsense": 1, "ex_more": 2}, "no argument ex_more, ex_nonsense"),
        ({"ex_command": "sleep 5"}, r"give \['sleep', '5'\]"),
        ({"ex_keyname": "lost"}, "no key pair is called 'lost'"),
        ({"ex_labels": {"clocker.id": "x"}}, "Clocker's own labels"),
        ({"ex_ports": [99999]}, "no such port"),
        ({"ex_ports": ["80/udp"]}, "'80/udp' is no number"),
        ({"ex_cores": "many"}, "ex_cores: 'many' is no number"),
        ({"ex_restart": "on-failure:3"}, "'on-failure:3' is no restart condition"),
        ({"name": "No Name"}, "cannot be a container's name"),
        ({"auth": NodeAuthSSHKey("no key")}, "not one line of a public key"),
    ],
)
def test_bad_input_is_refused(
    driver: ClockerNodeDriver, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ProviderError, match=sentence) as caught:
        create(driver, **options)
    assert caught.value.http_code == 400
    assert isinstance(caught.value.__cause__, errors.BadInput)
    assert driver.list_nodes() == []


def test_a_restart_policy_with_its_attempts(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    create(driver, ex_restart=Restart("on-failure", 3))
    assert cloud.machine("web").record.request.restart == Restart("on-failure", 3)


def test_a_taken_name_is_an_error_even_for_the_same_request(driver: ClockerNodeDriver) -> None:
    node = create(driver)
    with pytest.raises(ProviderError, match="is taken") as caught:
        create(driver)
    assert caught.value.http_code == 409
    assert [other.id for other in driver.list_nodes()] == [node.id]


def test_a_node_that_does_not_come_to_be(driver: ClockerNodeDriver, machines: FakeMachines) -> None:
    with pytest.raises(ProviderError, match="ended with status 3") as caught:
        create(driver, ex_command=["sh", "-c", "exit 3"])
    assert caught.value.http_code == 502
    with pytest.raises(ProviderError, match="no image 'none:1' could be had") as caught:
        create(driver, image=NodeImage("none:1", "none", driver))
    assert caught.value.http_code == 404
    assert driver.list_nodes() == []
    assert not any(machine.engine.containers() for machine in machines.all())


def test_stop_start_reboot_destroy(driver: ClockerNodeDriver, machines: FakeMachines) -> None:
    node = create(driver)
    assert driver.stop_node(node) is True
    assert driver.list_nodes()[0].state == NodeState.STOPPED
    assert not inside(machines, node).running
    assert driver.start_node(node) is True
    before = inside(machines, node).pid
    assert driver.reboot_node(node) is True
    assert inside(machines, node).pid != before
    assert driver.list_nodes()[0].state == NodeState.RUNNING
    assert node.destroy() is True
    assert driver.list_nodes() == []
    assert driver.destroy_node(node) is True


@pytest.mark.parametrize(
    "act",
    [
        lambda driver, node: driver.stop_node(node),
        lambda driver, node: driver.start_node(node),
        lambda driver, node: driver.reboot_node(node),
        lambda driver, node: driver.ex_move_node(node),
        lambda driver, node: driver.ex_exec(node, ["true"]),
        lambda driver, node: driver.ex_logs(node),
        lambda driver, node: driver.ex_inspect(node),
        lambda driver, node: driver.ex_ssh_command(node),
        lambda driver, node: driver.ex_put(node, "/etc/hostname", "/x"),
        lambda driver, node: driver.ex_get(node, "/x", "/tmp/x"),
        lambda driver, node: driver.ex_attach_network(node, "blue"),
        lambda driver, node: driver.ex_detach_network(node, "default"),
    ],
)
def test_a_successor_of_the_same_name_is_left_alone(
    driver: ClockerNodeDriver, machines: FakeMachines, act: Callable[..., Any]
) -> None:
    gone = create(driver)
    driver.destroy_node(gone)
    with pytest.raises(ProviderError, match="no container is called 'web'"):
        act(driver, gone)
    now = create(driver)
    with pytest.raises(ProviderError, match="is gone; web is another one by now") as caught:
        act(driver, gone)
    assert caught.value.http_code == 404
    assert driver.destroy_node(gone) is True
    assert [node.id for node in driver.list_nodes()] == [now.id]
    assert inside(machines, now).running


def test_wait_until_running(driver: ClockerNodeDriver) -> None:
    private, public = create(driver, "a"), create(driver, "b", ex_ports=[80])
    found = driver.wait_until_running([private, public])
    assert [(node.name, addresses) for node, addresses in found] == [
        ("a", private.private_ips),
        ("b", public.private_ips),
    ]
    ((_, addresses),) = driver.wait_until_running([public], ssh_interface="public_ips")
    assert addresses == public.public_ips
    with pytest.raises(ProviderError, match="node a publishes no port"):
        driver.wait_until_running([private, public], ssh_interface="public_ips")
    with pytest.raises(ProviderError, match="no interface 'eth0'"):
        driver.wait_until_running([private], ssh_interface="eth0")
    driver.stop_node(private)
    with pytest.raises(LibcloudError, match="Timed out after"):
        driver.wait_until_running([private], wait_period=0.01, timeout=0.05)  # type: ignore[arg-type]


def test_volumes(driver: ClockerNodeDriver, machines: FakeMachines) -> None:
    first, second = hosts(driver)
    volume = driver.create_volume(10, "data", location=second)
    assert (volume.id, volume.name, volume.size) == (f"{second.name}/data", "data", 10)
    assert volume.state == StorageVolumeState.AVAILABLE
    with pytest.raises(ProviderError, match="there is a volume 'data' already") as caught:
        driver.create_volume(10, "data", location=second)
    assert caught.value.http_code == 409
    driver.create_volume(1, "data", location=first)

    nodes = [create(driver, f"n{n}", ex_volumes={volume: "/data"}) for n in range(2)]
    assert {node.extra["host"] for node in nodes} == {second.name}
    assert {v.source: v.target for v in inside(machines, nodes[0]).spec.volumes} == {
        "test.data": "/data"
    }
    seen = {item.id: item for item in driver.list_volumes()}
    assert set(seen) == {f"{first.name}/data", f"{second.name}/data"}
    used = seen[volume.id]
    assert (used.state, used.size) == (StorageVolumeState.INUSE, 10)
    assert used.extra == {"host": second.name, "containers": ["n0", "n1"]}
    with pytest.raises(ProviderError, match="used by n0, n1"):
        driver.destroy_volume(volume)

    for node in nodes:
        driver.destroy_node(node)
    assert volume.destroy() is True
    assert driver.destroy_volume(volume) is True
    assert [item.id for item in driver.list_volumes()] == [f"{first.name}/data"]


def test_a_volume_of_a_container_that_named_it(driver: ClockerNodeDriver) -> None:
    node = create(driver, ex_volumes={"logs": "/logs"})
    (volume,) = driver.list_volumes()
    assert (volume.id, volume.size) == (f"{node.extra['host']}/logs", 0)


def test_a_volume_without_a_location_is_on_the_emptiest_host(driver: ClockerNodeDriver) -> None:
    node = create(driver)
    (other,) = [place.name for place in hosts(driver) if place.name != node.extra["host"]]
    assert driver.create_volume(1, "data").extra["host"] == other


def test_only_this_clouds_volumes_are_seen_or_destroyed(
    driver: ClockerNodeDriver, machines: FakeMachines
) -> None:
    place = hosts(driver)[0].name
    engine = machines.machine(place).engine
    engine.ensure_volume("test.foreign", {"clocker.cloud": "another"})
    assert driver.list_volumes() == []
    driver.destroy_volume(StorageVolume(f"{place}/foreign", "foreign", 1, driver))
    assert engine.has_volume("test.foreign")


def test_volumes_that_cannot_be(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    with pytest.raises(ProviderError, match="cannot be a volume's name"):
        driver.create_volume(1, "../data")
    with pytest.raises(ProviderError, match="there is no host 'moon'"):
        driver.create_volume(1, "data", location=NodeLocation("host/moon", "moon", "", driver))
    with pytest.raises(ProviderError, match="no snapshots"):
        driver.create_volume(1, "data", snapshot=VolumeSnapshot("1", driver))
    for wrong in ("vol-1234", "host/other"):
        with pytest.raises(ProviderError, match="no volume of this driver"):
            driver.destroy_volume(StorageVolume(wrong, "data", 1, driver))
    cloud.down()
    with pytest.raises(ProviderError, match="no host is ready"):
        driver.create_volume(1, "data")


def test_key_pairs(driver: ClockerNodeDriver, machines: FakeMachines, tmp_path: Path) -> None:
    made = driver.create_key_pair("made")
    assert made.private_key is not None and public_of(made.private_key) == made.public_key
    mine = FakeKeys("mine").public
    given = driver.import_key_pair_from_string("given", f"{mine} me@here\n")
    assert (given.public_key, given.private_key) == (mine, None)
    (tmp_path / "id.pub").write_text(f"{FakeKeys('file').public}\n")
    driver.import_key_pair_from_file("file", str(tmp_path / "id.pub"))
    assert [pair.name for pair in driver.list_key_pairs()] == ["file", "given", "made"]
    assert driver.get_key_pair("made").fingerprint == made.fingerprint
    assert made.fingerprint.startswith("SHA256:")

    node = create(driver, ex_keyname="given", auth=NodeAuthSSHKey(made.public_key))
    keys = inside(machines, node).files.read("/etc/ssh/clocker/authorized_keys").decode()
    assert keys.splitlines() == [FakeKeys("test").public, made.public_key, mine]

    with pytest.raises(ProviderError, match="there is a key pair 'made' already"):
        driver.create_key_pair("made")
    with pytest.raises(ProviderError, match="not one line of a public key"):
        driver.import_key_pair_from_string("private", made.private_key)
    assert driver.delete_key_pair(made) is True
    for lost in (lambda: driver.delete_key_pair(made), lambda: driver.get_key_pair("made")):
        with pytest.raises(KeyPairDoesNotExistError):
            lost()
    assert [pair.name for pair in driver.list_key_pairs()] == ["file", "given"]


def test_no_private_key_is_kept(driver: ClockerNodeDriver, cloud: Cloud) -> None:
    made = driver.create_key_pair("made")
    assert made.private_key is not None
    secret = made.private_key.splitlines()[3]
    with cloud._parts.store.read() as tx:
        kept = f"{tx.setting('key_pairs')} {tx.events()}"
    assert "made" in kept and secret not in kept


def test_a_move(driver: ClockerNodeDriver) -> None:
    node = create(driver, ex_volumes={"data": "/data"})
    (other,) = [place for place in hosts(driver) if place.name != node.extra["host"]]
    with pytest.raises(ProviderError, match="it has volumes on its host: data"):
        driver.ex_move_node(node, other)
    moved = driver.ex_move_node(node, other, volumes=True)
    assert (moved.id, moved.private_ips, moved.extra["host"]) == (
        node.id,
        node.private_ips,
        other.name,
    )
    back = driver.ex_move_node(moved, node.extra["host"], volumes=True)
    assert back.extra["host"] == node.extra["host"]
    with pytest.raises(ProviderError, match="moves to a host, not to region nowhere"):
        driver.ex_move_node(node, NodeLocation("region/nowhere", "nowhere", "", driver))


def test_one_that_was_asked_for_at_a_host_stays_there(driver: ClockerNodeDriver) -> None:
    here, there = hosts(driver)
    node = create(driver, location=here)
    with pytest.raises(ProviderError, match=f"its name is not like {here.name}"):
        driver.ex_move_node(node, there)


def test_networks(driver: ClockerNodeDriver) -> None:
    node = create(driver)
    blue = driver.ex_create_network("blue", prefix=25)
    assert [view.net.name for view in driver.ex_list_networks()] == ["default", "blue"]
    address = driver.ex_attach_network(node, blue.net.name)
    (listed,) = driver.list_nodes()
    assert listed.extra["networks"] == {"default": node.private_ips[0], "blue": address}
    with pytest.raises(ProviderError):
        driver.ex_destroy_network("blue")
    assert driver.ex_detach_network(node, "blue") is True
    assert driver.ex_destroy_network("blue") is True
    assert [view.net.name for view in driver.ex_list_networks()] == ["default"]


def test_use_without_ssh(driver: ClockerNodeDriver, tmp_path: Path) -> None:
    node = create(driver, ex_env={"TOKEN": "tell-nobody"})
    (tmp_path / "sent").write_text("kept\n")
    driver.ex_put(node, tmp_path / "sent", "/tmp/got")
    assert driver.ex_exec(node, ["cat", "/tmp/got"]).text == "kept\n"
    driver.ex_get(node, "/tmp/got", tmp_path / "back")
    assert (tmp_path / "back").read_text() == "kept\n"
    assert driver.ex_logs(node) == b""
    seen = driver.ex_inspect(node)
    assert seen["container"]["id"] == node.id and "tell-nobody" not in str(seen)
    with pytest.raises(ProviderError, match="was not requested with ssh"):
        driver.ex_ssh_command(node)
    assert driver.ex_ssh_command(create(driver, "shell", ex_ssh=True), ["id"])[-2:] == [
        "shell",
        "id",
    ]


def test_the_cloud_itself(machines: FakeMachines) -> None:
    driver = ClockerNodeDriver(ex_cloud=Cloud(fake_parts(machines=machines)))
    assert driver.list_locations() == [] and driver.list_images() == []
    assert len(driver.ex_up().made) == 2
    node = create(driver)
    assert {view.host.name for view in driver.ex_status().hosts} == {
        place.name for place in hosts(driver)
    }
    assert any(event.subject.endswith(node.name) for event in driver.ex_events())
    assert driver.ex_down().containers == ("web",)
    assert machines.all() == ()


def test_a_host_that_does_not_answer_is_not_left_out(
    driver: ClockerNodeDriver, machines: FakeMachines
) -> None:
    machines.kill(hosts(driver)[0].name)
    for ask in (driver.list_images, driver.list_volumes):
        with pytest.raises(ServiceUnavailableError, match="no answer"):
            ask()


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_map_says_why(driver: ClockerNodeDriver, name: str) -> None:
    with pytest.raises(NotImplementedError, match=f"{name} is not possible with a Clocker cloud: "):
        getattr(driver, name)("anything", "at all")
    assert hasattr(NodeDriver, name)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (errors.NotFound("x"), ProviderError, 404),
        (errors.ConfigError("x"), ProviderError, 400),
        (errors.AuthenticationFailed("x"), InvalidCredsError, 401),
        (errors.HostKeyChanged("x"), InvalidCredsError, 401),
        (errors.Unreachable("x"), ServiceUnavailableError, 503),
        (errors.TimedOut("x"), ProviderError, 504),
        (errors.ImageNotFound("x"), ProviderError, 404),
        (errors.EngineError("x"), ProviderError, 502),
        (errors.StoreError("x"), ProviderError, 502),
        (errors.NothingFits("x", reasons={"h1": ("full",)}), ProviderError, 507),
        (errors.Interrupted("x"), LibcloudError, None),
    ],
)
def test_errors_are_libclouds(
    driver: ClockerNodeDriver, error: errors.ClockerError, kind: type[LibcloudError], code: int
) -> None:
    error.where, error.remedy = "somewhere", "do this"
    made = libcloud_error(error, driver)
    assert type(made) is kind
    assert getattr(made, "http_code", None) == code
    assert str(made.value).startswith("somewhere: x; remedy: do this")
    assert "\n" not in str(made.value)


def test_every_error_of_ours_has_its_line() -> None:
    """But for the two at the top, and the interrupt, which is nobody's answer."""
    seen, kinds = set(), [errors.ClockerError]
    while kinds:
        kind = kinds.pop()
        seen.add(kind)
        kinds += kind.__subclasses__()
    covered = {kind for kind in seen if any(issubclass(kind, known) for known, _ in TABLE)}
    assert seen - covered == {errors.ClockerError, errors.Interrupted}


def test_keys_for_a_container_without_sshd_are_refused(cloud: Cloud) -> None:
    request = ContainerRequest(IMAGE, ssh_keys=(FakeKeys("mine").public,))
    with pytest.raises(errors.BadInput, match="of no use without an sshd"):
        cloud.obtain(request)
    with pytest.raises(errors.BadInput, match="not one line of a public key"):
        cloud.obtain(replace(request, ssh=True, ssh_keys=("ssh-ed25519\nAAAA",)))


def test_a_cloud_that_was_lent_stays_open(cloud: Cloud) -> None:
    with ClockerNodeDriver(ex_cloud=cloud) as driver:
        create(driver)
    assert [record.name for record in cloud.list()] == ["web"]


def test_a_new_host_is_made_when_a_provider_is_asked_for(machines: FakeMachines) -> None:
    cloud = Cloud(fake_parts(fake_spec(count=1, maximum=2), machines=machines))
    cloud.up()
    driver = ClockerNodeDriver(ex_cloud=cloud)
    place = NodeLocation("provider/fake", "fake", "", driver)
    made = [create(driver, f"n{n}", location=place, ex_ram_mb=5000) for n in range(2)]
    assert len({node.extra["host"] for node in made}) == 2
