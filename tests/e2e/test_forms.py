"""A Compose file on two real hosts, by the command line; the same again as a CAMP blueprint."""

from __future__ import annotations

import json

import pytest
from images import busybox
from real_cloud import RealCloud, docker_engine

pytestmark = pytest.mark.hosts

COMPOSE = """
name: forms
services:
  db:
    image: IMAGE
    command: [sh, -c, "cat /run/secrets/word > /data/index.html; exec httpd -f -p 8080 -h /data"]
    volumes: ["data:/data", "./site.conf:/etc/site.conf:ro"]
    tmpfs: /scratch
    secrets: [word]
    init: true
    extra_hosts: ["other.example.org:192.0.2.7"]
    healthcheck: {test: "wget -q -O /dev/null http://127.0.0.1:8080/", interval: 1s, retries: 60}
    networks: {default: {aliases: [store]}}
  web:
    image: IMAGE
    command: sleep 1000000
    environment: {WORD_TOKEN: "${WORD}", TIER: "${TIER:-web}"}
    depends_on: {db: {condition: service_healthy}}
    deploy: {replicas: 2, placement: {max_replicas_per_node: 1}}
secrets: {word: {environment: WORD}}
volumes: {data: {}}
"""
CAMP = """
id: camped
services:
- type: docker:IMAGE
  id: db
  commands: [sh, -c, "echo camped > /index.html; exec httpd -f -p 8080 -h /"]
  directPorts: [18080]
- type: DynamicCluster
  id: web
  brooklyn.config:
    initialSize: 2
    memberSpec:
      $brooklyn:entitySpec:
        type: docker:IMAGE
        commands: [sleep, "1000000"]
        links: {store: $brooklyn:component("db")}
        brooklyn.config:
          docker.container.strategies: [MaxContainersPlacementStrategy]
          docker.container.environment:
            URL: $brooklyn:formatString("http://%s:8080/", component("db").attributeWhenReady("host.address"))
          affinity.rules: [NOT LABEL service=web]
"""  # noqa: E501
WORD = {"WORD": "from-the-environment"}


def test_a_compose_file_runs_as_it_is(pair: RealCloud) -> None:
    (pair.folder / "site.conf").write_text("one\n")
    file = _written(pair, "compose.yaml", COMPOSE)
    pair.clocker("deploy", "--yes", file, env=WORD)
    there = pair.containers()
    assert set(there) == {"forms-db", "forms-web", "forms-web-2"}
    assert there["forms-web"]["host"] != there["forms-web-2"]["host"]
    for web in ("forms-web", "forms-web-2"):
        for name in ("db", "store"):
            assert pair.exec(web, "wget", "-q", "-O", "-", f"http://{name}:8080/") == WORD["WORD"]
        assert pair.exec(web, "sh", "-c", "echo $WORD_TOKEN $TIER") == f"{WORD['WORD']} web"
    said = pair.exec("forms-db", "sh", "-c", "cat /etc/site.conf; grep -c 192.0.2.7 /etc/hosts")
    assert said.split() == ["one", "1"]
    assert WORD["WORD"] not in pair.clocker("inspect", "forms-web", "--json").stdout

    ids = {name: item["id"] for name, item in there.items()}
    pair.clocker("deploy", "--yes", file, env=WORD)
    assert {name: item["id"] for name, item in pair.containers().items()} == ids

    (pair.folder / "site.conf").write_text("two\n")
    pair.clocker("deploy", "--yes", file, env=WORD)
    assert pair.exec("forms-db", "cat", "/etc/site.conf") == "two"
    assert pair.exec("forms-web", "wget", "-q", "-O", "-", "http://db:8080/") == WORD["WORD"]
    pair.clocker("app", "rm", "--volumes", "--yes", "forms")
    assert pair.containers() == {}


def test_a_camp_blueprint_runs(pair: RealCloud) -> None:
    file = _written(pair, "camp.yaml", CAMP)
    pair.clocker("deploy", "--yes", file)
    there = pair.containers()
    assert set(there) == {"camped-db", "camped-web", "camped-web-2"}
    assert there["camped-web"]["host"] != there["camped-web-2"]["host"]
    for web in ("camped-web", "camped-web-2"):
        assert pair.exec(web, "sh", "-c", "wget -q -O - $URL") == "camped"
        assert pair.exec(web, "wget", "-q", "-O", "-", "http://store:8080/index.html") == "camped"
    pair.clocker("app", "rm", "--yes", "camped")
    assert pair.containers() == {}


def test_what_is_refused_is_refused_before_anything_is_done(pair: RealCloud) -> None:
    file = _written(pair, "bad.yaml", "services: {a: {image: IMAGE, network_mode: host}}")
    ended = pair.clocker("deploy", "--yes", file, status=2)
    assert f"{file}:1: services.a.network_mode: is not supported" in ended.stderr
    assert pair.containers() == {}


def _written(pair: RealCloud, name: str, text: str) -> str:
    """``IMAGE`` is one of this machine's engine, from which the hosts take it."""
    image = busybox()
    with_engine = docker_engine()
    assert with_engine.images.get(image)
    with_engine.close()
    path = pair.folder / name
    path.write_text(text.replace("IMAGE", image))
    return str(path)


def test_json_tells_the_plan(pair: RealCloud) -> None:
    file = _written(pair, "plan.yaml", "name: plan\nservices: {a: {image: IMAGE}}")
    told = json.loads(pair.clocker("deploy", "--dry-run", "--json", file).stdout)
    assert told["application"] == "plan"
