"""An application of three tiers on two real hosts: a proxy, two web servers, and PostgreSQL, from
images that are built of the distribution's packages."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from images import busybox
from real_cloud import RealCloud, real_cloud, until
from shop_images import shop_images

pytestmark = pytest.mark.hosts

EXAMPLES = Path(__file__).parents[2] / "examples" / "shop"
FORMS = sorted(EXAMPLES.glob("*.yaml"))
BLUEPRINT = EXAMPLES / "blueprint.yaml"
PASSWORD = "pl4nted-s3cret-0f-the-sh0p"
SPY = "sleep 1000000"


@pytest.fixture(scope="module")
def cloud(ready_node_image: str, engine: docker.DockerClient) -> Iterator[RealCloud]:
    shop_images(engine)
    hosts = {"count": 2, "maximum": 2}
    with real_cloud(node_image=ready_node_image, hosts=hosts) as cloud:
        cloud.env["SHOP_DB_PASSWORD"] = PASSWORD
        cloud.clocker("up")
        began = time.monotonic()
        cloud.clocker("deploy", "--yes", str(BLUEPRINT))
        print(f"\ndeployed in {time.monotonic() - began:.1f} s")
        yield cloud


def ask(cloud: RealCloud) -> dict[str, Any]:
    """One request through the proxy, at the port where its host publishes it."""
    with cloud.opened() as opened:
        host = opened.machine("shop-proxy").host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{host.address}:8080/", timeout=20) as answer:
        found = json.loads(answer.read())
    assert isinstance(found, dict)
    return found


def answers(cloud: RealCloud) -> bool:
    try:
        return "visits" in ask(cloud)
    except (OSError, urllib.error.URLError):
        return False


def reaches(cloud: RealCloud, container: str, place: str) -> bool:
    """Whether it can connect to the database there."""
    with cloud.opened() as opened:
        return opened.machine(container).run(["sh", "-c", f"nc -w 3 {place} 5432 </dev/null"]).ok


def who_answer(cloud: RealCloud, count: int) -> set[str]:
    return {ask(cloud)["who"] for _ in range(count)}


def started(cloud: RealCloud) -> dict[str, str]:
    """When each container was, as its engine says."""
    with cloud.opened() as opened:
        names = [container.name for container in opened.list()]
        found = {name: opened.inspect(name)["engine"] for name in names}
    return {name: engine["started_at"] for name, engine in found.items()}


def test_a_request_through_the_proxy_reaches_the_database_from_both_replicas(
    cloud: RealCloud,
) -> None:
    until(lambda: answers(cloud), 60)
    assert who_answer(cloud, 4) == {"shop-web", "shop-web-2"}
    there = cloud.containers()
    assert there["shop-web"]["host"] != there["shop-web-2"]["host"]
    assert cloud.json("app", "status", "shop")["well"]
    first, second = ask(cloud)["visits"], ask(cloud)["visits"]
    assert second > first
    cloud.assert_agrees()


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_the_same_again_in_any_form_has_nothing_to_do(cloud: RealCloud, form: Path) -> None:
    before = started(cloud)
    planned = json.loads(cloud.clocker("deploy", "--dry-run", "--json", str(form)).stdout)
    assert {each["action"] for each in planned["changes"]} == {"keep"}, planned
    assert planned["networks"] == {"made": [], "removed": []}
    said = cloud.clocker("deploy", str(form)).stdout
    assert "nothing to do" in said and started(cloud) == before


def test_the_secret_is_where_it_belongs_and_nowhere_else(cloud: RealCloud) -> None:
    for name in ("shop-db", "shop-web", "shop-web-2"):
        assert cloud.exec(name, "cat", "/run/secrets/db-password") == PASSWORD
        assert PASSWORD not in cloud.exec(name, "env")
    cloud.exec("shop-proxy", "cat", "/run/secrets/db-password", status=1)
    shown = cloud.clocker("inspect", "shop-db").stdout + cloud.clocker("events", "--json").stdout
    assert PASSWORD not in shown
    files = [path for path in cloud.folder.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]
    with cloud.opened() as opened:
        for name in ("shop-db", "shop-web"):
            found = opened.machine(name)
            shell = opened.parts.connections.shell(found.host)
            image = found.record.image_id
            asked = shell.run(f"docker inspect {found.engine_name} && docker inspect {image}")
            assert asked.ok and PASSWORD not in asked.text
            kind = shell.run("findmnt -n -o FSTYPE -T /run/clocker/secrets").text.strip()
            mode = shell.run("stat -c %a /run/clocker/secrets").text.strip()
            assert (kind, mode) == ("tmpfs", "700")


def test_applications_see_each_other_only_on_a_network_that_they_share(cloud: RealCloud) -> None:
    image = busybox()
    spy = cloud.folder / "spy.yaml"
    network = "shared_networks: [shop]\n"
    text = "application: {}\n{}services:\n  eye: {{image: '{}', command: {}{}}}\n"
    spy.write_text(text.format("apart", "", image, SPY, ""))
    cloud.clocker("deploy", "--yes", str(spy))
    spy.write_text(text.format("guest", network, image, SPY, ", networks: [shop]"))
    cloud.clocker("deploy", "--yes", str(spy))
    address = cloud.containers()["shop-db"]["address"]

    assert reaches(cloud, "guest-eye", address) and reaches(cloud, "guest-eye", "db")
    for place in (address, "db", f"shop-db.shop.{cloud.name}.clocker"):
        assert not reaches(cloud, "apart-eye", place)
    for name in ("guest", "apart"):
        cloud.clocker("app", "rm", "--yes", name)
    assert {net["name"] for net in cloud.json("network", "ls")["networks"]} == {"default", "shop"}


def test_a_database_that_is_killed_comes_back_with_address_and_volume(cloud: RealCloud) -> None:
    """And who asked is restarted with it; by a healer that does not know the secret."""
    visits, before = ask(cloud)["visits"], started(cloud)
    there = cloud.containers()["shop-db"]
    with cloud.opened() as opened:
        found = opened.machine("shop-db")
        found.engine.remove(found.engine_name)
    del cloud.env["SHOP_DB_PASSWORD"]

    cloud.clocker("heal")
    cloud.clocker("heal")

    cloud.env["SHOP_DB_PASSWORD"] = PASSWORD
    until(lambda: answers(cloud), 60)
    assert ask(cloud)["visits"] > visits
    now = cloud.containers()["shop-db"]
    assert (now["address"], now["host"]) == (there["address"], there["host"])
    after = started(cloud)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"shop-db", "shop-web", "shop-web-2"}
    assert "nothing to do" in cloud.clocker("deploy", str(BLUEPRINT)).stdout
    cloud.assert_agrees()


def test_a_changed_file_changes_only_what_differs_and_a_failed_one_is_undone(
    cloud: RealCloud,
) -> None:
    before, there = started(cloud), cloud.containers()
    changed = cloud.folder / "changed.yaml"
    text = BLUEPRINT.read_text()
    backends = 'BACKENDS: "@{web.*.address}"'
    changed.write_text(text.replace(backends, f"{backends}\n      MORE: x"))
    said = cloud.clocker("deploy", "--yes", str(changed))
    assert "1 replaced" in said.stdout, said
    after = started(cloud)
    assert {name for name in before if before[name] != after[name]} == {"shop-proxy"}
    assert cloud.containers()["shop-proxy"]["address"] == there["shop-proxy"]["address"]
    until(lambda: answers(cloud), 60)

    broken = cloud.folder / "broken.yaml"
    fails = "command: [sh, -c, 'echo no such page; exit 3']"
    broken.write_text(text.replace("image: shop-web:1", f"image: shop-web:1\n    {fails}"))
    failed = cloud.clocker("deploy", "--yes", str(broken), status=4)
    assert "service web" in failed.stderr and "no such page" in failed.stderr
    cloud.clocker("deploy", "--undo", "--yes", "--name", "shop")
    until(lambda: answers(cloud), 60)
    assert "nothing to do" in cloud.clocker("deploy", str(changed)).stdout
    cloud.assert_agrees()


def test_nothing_is_left_of_it_but_its_volumes(cloud: RealCloud) -> None:
    cloud.clocker("app", "rm", "--yes", "shop")
    assert cloud.containers() == {}
    assert [net["name"] for net in cloud.json("network", "ls")["networks"]] == ["default"]
    with cloud.opened() as opened:
        assert [volume.name for volume in opened.volumes()] == ["shop-data"]
        for view in opened.hosts():
            shell = opened.parts.connections.shell(view.host)
            assert shell.run(f"ls /run/clocker/secrets/{cloud.name}").text.split() == []
