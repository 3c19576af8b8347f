"""Blueprints: what they mean, and every bad one of tests/data/blueprints/bad refused with what its
``# says:`` lines tell, all at once."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clocker.applications import resolve
from clocker.config.applications import load_application
from clocker.config.blueprint_document import BlueprintDocument, HealingDocument, ServiceDocument
from clocker.errors import ClockerError, ConfigError
from clocker.model import (
    Condition,
    Healing,
    HealthCheck,
    Need,
    Port,
    Resources,
    Restart,
    RuleSpec,
    Secret,
    Service,
    ServiceValue,
    Volume,
)

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "blueprints"
BAD = sorted((DATA / "bad").glob("*.yaml"))

WHOLE = """
application: whole
networks: [back]
shared_networks: [corp]
volumes: [data]
shared_volumes: [media]
secrets:
  token: {file: token.txt}
  key: {command: [pass, show, key]}
  password: {env: PASSWORD}
defaults:
  ram: 64MiB
  env: {LEVEL: info, ZONE: "${ZONE:-eu}"}
  healing: {attempts: 2, window: 1m}
services:
  db:
    image: db:1
    healing: off
  app:
    build: {context: ., args: {A: 1}}
    install: {packages: [curl]}
    replicas: 2
    scale: {minimum: 1, maximum: 3}
    headroom: 2
    needs: {db: {condition: healthy, restart: true}}
    cores: 0.5
    disk: 1GiB
    entrypoint: [/bin/app]
    command: "--db @{db.address} --name 'a b'"
    env: {LEVEL: debug, OPEN: null, PORT: 80, LITERAL: "@@{x}", AT: "@{db.*.hostname}:@{db.name}"}
    ports: [80, "8080:81", "53/udp"]
    volumes: ["data:/data", "media:/media:ro", "/srv:/srv"]
    networks: [default, back, corp]
    aliases: [api]
    secrets: {token: , key: /etc/key, password: {variable: PGPASSWORD}}
    files: {/etc/app.conf: {content: "level = 1"}}
    rules: [{different_host: [db]}, spread]
    restart: on-failure:3
    health: {command: "test -e /ready", interval: 2s}
    stop: {signal: SIGINT, grace: 30s}
    wait: healthy
    timeout: 1m
    labels: {tier: 2}
    user: 1000
    workdir: /srv
    hostname: app
    capabilities: [NET_ADMIN]
    privileged: true
    read_only: true
    ssh: true
"""


def service(text: str, name: str, tmp_path: Path) -> Service:
    path = tmp_path / "whole.yaml"
    path.write_text(text)
    found = load_application(path, {}).application
    return next(each for each in found.services if each.name == name)


def test_every_field_of_a_blueprint_becomes_a_part_of_the_application(tmp_path: Path) -> None:
    app = service(WHOLE, "app", tmp_path)
    request = app.request
    assert (app.replicas, app.minimum, app.maximum, app.headroom) == (2, 1, 3, 2)
    assert app.needs == (Need("db", Condition.HEALTHY, restart=True),)
    assert request.resources == Resources(0.5, 64, 1024)
    assert request.env == {
        "LEVEL": "debug",
        "ZONE": "eu",
        "OPEN": None,
        "PORT": "80",
        "LITERAL": "@{x}",
    }
    assert app.env == {
        "AT": (ServiceValue("db", "hostname", every=True), ":", ServiceValue("db", "name"))
    }
    assert app.command == (("--db",), (ServiceValue("db", "address"),), ("--name",), ("a b",))
    assert request.entrypoint == ("/bin/app",) and request.command is None
    assert request.ports == (Port(80), Port(81, 8080), Port(53, 0, "udp"))
    assert request.volumes == (
        Volume("data", "/data"),
        Volume("media", "/media", read_only=True),
        Volume("/srv", "/srv"),
    )
    assert request.networks == ("default", "back", "corp")
    assert request.secrets == (
        Secret("token", "token", file=str(tmp_path / "token.txt")),
        Secret("key", "/etc/key", command=("pass", "show", "key")),
        Secret("password", "PGPASSWORD", env="PASSWORD", as_env=True),
        Secret("/etc/app.conf", "/etc/app.conf", text="level = 1"),
    )
    assert request.rules == (RuleSpec("different_host", {"containers": ["db"]}), RuleSpec("spread"))
    assert request.restart == Restart("on-failure", 3)
    assert request.health == HealthCheck(("sh", "-c", "test -e /ready"), 2.0)
    assert (request.stop_signal, request.stop_grace_s) == ("SIGINT", 30.0)
    assert request.healing == Healing(attempts=2, window_s=60.0)
    assert request.build and request.build.args == {"A": "1"}
    assert request.install and request.install.packages == ("curl",)
    assert (request.image, request.user, request.labels) == ("whole-app", "1000", {"tier": "2"})
    db = service(WHOLE, "db", tmp_path)
    assert db.request.healing == Healing(attempts=0, replace=False)
    assert db.request.env["LEVEL"] == "info"


def test_its_own_networks_and_volumes_and_the_name_that_is_given(tmp_path: Path) -> None:
    path = tmp_path / "whole.yaml"
    path.write_text(WHOLE)
    found = load_application(path, {}, "other")
    assert (found.form, found.application.name) == ("blueprint", "other")
    assert found.application.networks == ("back", "default")
    assert found.application.volumes == ("data",)
    assert found.application.origin == str(path)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_refused_with_place_and_sentence(path: Path) -> None:
    expected = [
        line.removeprefix("# says: ")
        for line in path.read_text().splitlines()
        if line.startswith("# says: ")
    ]
    with pytest.raises(ConfigError) as caught:
        load_application(path, {})
    text = str(caught.value)
    assert expected
    for words in expected:
        assert words in text, text
    assert "tellnobody" not in text


def test_the_example_is_one() -> None:
    found = load_application(ROOT / "examples" / "shop" / "blueprint.yaml", {})
    assert [each.name for each in found.application.services] == ["db", "web", "proxy"]


def test_the_three_forms_of_the_example_mean_the_same() -> None:
    folder = ROOT / "examples" / "shop"
    found = {
        path.stem: resolve(load_application(path, {"SHOP_DB_PASSWORD": "x"}).application)
        for path in folder.glob("*.yaml")
    }
    assert set(found) == {"blueprint", "camp", "compose"}
    ours = found["blueprint"]
    for form, other in found.items():
        assert other.wanted == ours.wanted, form
        assert (other.needs, other.networks) == (ours.needs, ours.networks), form


def test_the_page_tells_every_key() -> None:
    page = (ROOT / "docs" / "applications.md").read_text()
    for model in (BlueprintDocument, ServiceDocument):
        for name in model.model_fields:
            assert f"| `{name}`" in page, name
    for name in HealingDocument.model_fields:
        assert name in page


words = st.text("abc@{}.$: -[]'\"#&*!|>\n0", max_size=30)
tree = st.recursive(
    words | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ServiceDocument.model_fields, "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(services=st.dictionaries(st.sampled_from(["web", "db", "X!"]), tree, max_size=3), more=tree)
def test_whatever_is_written_is_read_or_refused(
    tmp_path: Path, services: object, more: object
) -> None:
    import json

    path = tmp_path / "any.yaml"
    path.write_text(json.dumps({"application": "a", "services": services, "defaults": more}))
    try:
        load_application(path, {})
    except ClockerError as refused:
        assert str(refused)


@settings(max_examples=100, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@given(text=words)
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(f"application: a\nservices:\n  web: {text}\n")
    try:
        load_application(path, {})
    except ClockerError as refused:
        assert str(refused)
