"""What a blueprint in CAMP YAML says becomes the model's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from key_tables import DOCS, page, shown

from clocker.applications import resolve
from clocker.cli.main import cli
from clocker.config.applications import LoadedApplication, load_application
from clocker.config.camp.described import simple
from clocker.config.camp.dsl import Call, parsed
from clocker.config.camp.keys import CONFIG, FLAGS, SENSORS, TABLES
from clocker.config.camp.values import SENSORS as VALUES
from clocker.config.load import load_cloud
from clocker.errors import ConfigError
from clocker.model import (
    Build,
    Condition,
    ContainerRequest,
    Healing,
    HealthCheck,
    Need,
    Port,
    Resources,
    RuleSpec,
    Sandbox,
    Secret,
    Service,
    ServiceValue,
    Volume,
)

REDIS = ServiceValue("redis", "address")


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> LoadedApplication:
    (folder / "shop.yaml").write_text(text)
    return load_application(folder / "shop.yaml", environ or {})


def one(folder: Path, config: str, environ: Mapping[str, str] | None = None) -> Service:
    """A service with this configuration, beside another one."""
    indented = "".join(f"    {line}\n" for line in config.strip().splitlines())
    text = (
        f"id: shop\nservices:\n- type: docker:x\n  id: a\n  brooklyn.config:\n{indented}"
        "- {type: docker:redis, id: redis, openPorts: [6379]}\n"
    )
    return load(folder, text, environ).application.services[0]


def test_the_least(tmp_path: Path) -> None:
    loaded = load(tmp_path, "services: [{type: docker:nginx}]")
    assert (loaded.form, loaded.application.name) == ("camp", "shop")
    assert loaded.application.services == (Service("nginx", ContainerRequest("nginx")),)


@pytest.mark.parametrize(
    "image",
    [
        "redis",
        "redis:3",
        "library/redis:3",
        "registry.example.org:5000/team/redis:3",
        f"localhost:5000/redis:3@sha256:{'a' * 64}",
    ],
)
def test_images(tmp_path: Path, image: str) -> None:
    made = load(tmp_path, f"services: [{{serviceType: 'docker:{image}'}}]").application
    assert [(s.name, s.request.image) for s in made.services] == [("redis", image)]


def test_images_by_keys(tmp_path: Path) -> None:
    text = """
services:
- type: clocker.docker.entity.container.application.VanillaDockerApplication
  brooklyn.config: {docker.image.name: team/x, docker.image.tag: "1.5",
                    docker.registry.url: "https://r.example.org"}
- {type: VanillaDockerApplication, imageName: y, brooklyn.config: {docker.container.name: "The Y"}}
- {type: DockerfileApplication, name: Built Here,
   brooklyn.config: {docker.dockerfile.url: ., docker.dockerfile.name: Team X,
                     docker.dockerfile.substitutions: {version: 7}}}
"""
    made = load(tmp_path, text).application.services
    assert [(s.name, s.request.image) for s in made] == [
        ("x", "r.example.org/team/x:1.5"),
        ("the-y", "y"),
        ("built-here", "team-x"),
    ]
    assert made[2].request.build == Build(str(tmp_path), substitutions={"version": "7"})


def test_names_are_told_apart(tmp_path: Path) -> None:
    services = "[{type: docker:x}, {type: docker:x}, {type: docker:y, id: A_B}]"
    text = f"name: My Shop!\nservices: {services}"
    application = load(tmp_path, text).application
    assert application.name == "my-shop"
    assert [service.name for service in application.services] == ["x", "x-2", "a-b"]


def test_ports(tmp_path: Path) -> None:
    config = """
docker.container.openPorts: [80, "8000-8002", "9000+"]
docker.container.directPorts: "443, 8002"
docker.container.portBindings: {8080: 80}
docker.direct.ports: [444]
"""
    assert one(tmp_path, config).request.ports == (
        Port(80, 8080),
        Port(8000),
        Port(8001),
        Port(8002, 8002),
        Port(9000),
        Port(443, 443),
        Port(444, 444),
    )


def test_keys_may_stand_at_the_service(tmp_path: Path) -> None:
    text = "services: [{type: docker:x, docker.container.environment: {A: 1}, docker.memory: 64m}]"
    made = load(tmp_path, text).application.services[0].request
    assert (made.env, made.resources) == ({"A": "1"}, Resources(0, 64))


def test_values_of_others(tmp_path: Path) -> None:
    config = """
my.key: none
docker.container.name: the-name
docker.container.environment:
  URL: >
    $brooklyn:formatString("redis://%s:%d/%%",
    component("redis").attributeWhenReady("host.address"),
    6379)
  MAPPED:
    $brooklyn:formatString:
    - "at %s"
    - $brooklyn:entity("redis").attributeWhenReady("mapped.docker.port.6379")
  OWN: $brooklyn:config("docker.container.name")
  LITERAL: $brooklyn:literal("$x")
  PLAIN: 5
docker.container.commands: [--host, '$brooklyn:component("redis").attributeWhenReady("host.name")']
docker.container.entrypoint: [/run]
""".replace("my.key: none\n", "")
    made = one(tmp_path, config)
    assert made.request.env == {"OWN": "the-name", "LITERAL": "$x", "PLAIN": "5"}
    assert made.env == {
        "URL": ("redis://", REDIS, ":6379/%"),
        "MAPPED": (
            "at ",
            ServiceValue("redis", "host_address"),
            ":",
            ServiceValue("redis", "port/6379"),
        ),
    }
    assert made.command == (("--host",), (ServiceValue("redis", "hostname"),))
    assert (made.request.entrypoint, made.request.command) == (("/run",), None)


def test_environment_as_a_list(tmp_path: Path) -> None:
    config = "docker.container.environment: [A=1, 'B=x=y', 'DB_PASSWORD=${PW}', 'TOKEN=${TOKEN}']"
    made = one(tmp_path, config, {"PW": "p-w", "TOKEN": "t-k"}).request
    assert made.env == {"A": "1", "B": "x=y", "TOKEN": None}
    assert made.secrets == (Secret("db_password", target="DB_PASSWORD", env="PW", as_env=True),)


def test_links_and_latches(tmp_path: Path) -> None:
    text = """
services:
- {type: docker:x, id: a, links: {store: $brooklyn:component("redis")}}
- {type: docker:x, id: b, links: [$brooklyn:component("redis"), a]}
- type: docker:x
  id: c
  brooklyn.config: {launch.latch: '$brooklyn:component("redis").attributeWhenReady("service.isUp")'}
- {type: docker:redis, id: redis}
"""
    made = {s.name: s for s in load(tmp_path, text).application.services}
    assert made["a"].needs == (Need("redis"),)
    assert made["b"].needs == (Need("redis"), Need("a"))
    assert made["c"].needs == (Need("redis", Condition.STARTED),)
    assert made["redis"].request.aliases == ("store",)


def test_volumes(tmp_path: Path) -> None:
    text = """
services:
- type: docker:x
  id: a
  volumes: [/data, "shared:/s", "/srv:/srv:ro"]
  brooklyn.config: {docker.host.volumes: {/tmp: /opt/tmp}}
- {type: docker:x, id: b, volumes: {shared: /t}}
"""
    application = load(tmp_path, text).application
    a, b = application.services
    assert a.request.volumes == (
        Volume("a-data", "/data"),
        Volume("shared", "/s"),
        Volume("/srv", "/srv", read_only=True),
        Volume("/tmp", "/opt/tmp"),
    )
    assert b.request.volumes == (Volume("shared", "/t"),)
    assert application.volumes == ("a-data", "shared")
    together = RuleSpec("affinity", {"sentences": "LABEL volume-shared=shop"})
    assert together in a.request.rules and together in b.request.rules


def test_strategies_and_affinity(tmp_path: Path) -> None:
    config = """
docker.container.strategies:
- $brooklyn:object: {type: brooklyn.location.docker.strategy.BreadthFirstPlacementStrategy}
- $brooklyn:object:
    type: clocker.docker.location.strategy.basic.LabelPlacementStrategy
    brooklyn.config: {docker.constraint.labels: [ssd, "rack=r1"]}
- type: MaxContainersPlacementStrategy
- {type: HostnamePlacementStrategy, brooklyn.config: {docker.constraint.hostname: "web-.*"}}
- GroupPlacementStrategy
docker.constraint.exclusive: true
affinity.rules:
- NOT TYPE
- TYPE redis, APPLICATION
- NOT ID redis
"""
    assert one(tmp_path, config).request.rules == (
        RuleSpec("breadth_first", {}),
        RuleSpec("host_labels", {"labels": ["ssd", "rack=r1"]}),
        RuleSpec("max_containers", {"limit": 8}),
        RuleSpec("hostname", {"pattern": "web-.*", "regex": True}),
        RuleSpec("affinity", {"sentences": "APPLICATION"}),
        RuleSpec("exclusive", {}),
        RuleSpec(
            "affinity",
            {"sentences": ["NOT TYPE", "TYPE redis", "APPLICATION", "NOT CONTAINER shop-redis"]},
        ),
    )


def test_the_rest_of_the_configuration(tmp_path: Path) -> None:
    config = """
docker.useSsh: true
docker.container.privileged: true
docker.container.interactive: true
docker.memory: 512m
provisioning.properties: {minCores: 2, minRam: 256}
start.timeout: 5m
clocker.service:
  health: {command: is-ready, interval: 1s}
  needs: {redis: {condition: healthy, restart: true}}
  secrets: {pw: {env: PW}}
  scale: {maximum: 4}
  stop: {signal: SIGINT, grace: 20s}
  rules: [{different_host: {soft: true}}]
"""
    made = one(tmp_path, config)
    request = made.request
    assert (request.ssh, request.privileged, request.timeout_s) == (True, True, 300.0)
    assert request.sandbox == Sandbox(terminal=True, stdin=True)
    assert request.resources == Resources(2.0, 512)
    assert request.health == HealthCheck(("sh", "-c", "is-ready"), interval_s=1.0)
    assert made.needs == (Need("redis", Condition.HEALTHY, restart=True),)
    assert request.secrets == (Secret("pw", "pw", env="PW"),)
    assert (made.maximum, request.stop_signal, request.stop_grace_s) == (4, "SIGINT", 20.0)
    assert request.rules == (RuleSpec("different_host", {"soft": True}),)


def test_clusters_policies_and_children(tmp_path: Path) -> None:
    text = """
brooklyn.config: {docker.memory: 64m}
services:
- type: org.apache.brooklyn.entity.stock.BasicApplication
  brooklyn.children:
  - type: org.apache.brooklyn.entity.group.DynamicCluster
    id: webs
    brooklyn.config:
      initialSize: 3
      memberSpec: {$brooklyn:entitySpec: {type: docker:nginx, openPorts: [80]}}
    brooklyn.policies:
    - type: org.apache.brooklyn.policy.autoscaling.AutoScalerPolicy
      brooklyn.config: {minPoolSize: 2, maxPoolSize: 5}
    - type: org.apache.brooklyn.policy.ha.ServiceRestarter
      brooklyn.config: {failOnRecurringFailuresInThisDuration: 2m}
- type: docker:x
  id: proxy
  brooklyn.config:
    docker.container.environment:
      W: $brooklyn:component("webs").attributeWhenReady("host.address")
"""
    webs, proxy = load(tmp_path, text).application.services
    assert (webs.name, webs.replicas, webs.minimum, webs.maximum) == ("webs", 3, 2, 5)
    assert webs.request.healing == Healing(attempts=1, window_s=120.0)
    assert webs.request.resources == proxy.request.resources == Resources(0, 64)
    assert proxy.env == {"W": (ServiceValue("webs", "address"),)}


def test_networks(tmp_path: Path) -> None:
    text = """
services:
- {type: clocker.docker.networking.entity.VirtualNetwork, networkId: Back_Net, cidr: 50.2.0.0/24}
- {type: docker:x, id: a, brooklyn.config: {network.list: [Back_Net]}}
- {type: docker:x, id: b}
"""
    loaded = load(tmp_path, text)
    a, b = loaded.application.services
    assert (a.request.networks, b.request.networks) == (("default", "back-net"), ())
    assert loaded.application.networks == ("back-net", "default")
    assert [w.path for w in loaded.warnings] == ["services[0].cidr"]


def test_what_changes_nothing_is_told(tmp_path: Path) -> None:
    text = """
location: my-docker-cloud
services:
- type: docker:x
  brooklyn.enrichers: [{type: x}]
  brooklyn.policies: [{type: ServiceFailureDetector}]
  brooklyn.config: {docker.cpuShares: 5}
"""
    told = [w.path.rpartition(".")[2] for w in load(tmp_path, text).warnings]
    assert sorted(told) == ["cpuShares", "enrichers", "location", "policies[0]"]


def test_expressions() -> None:
    text = '$brooklyn:formatString("a\\"%s", $brooklyn:component(\'b\').config("c"), 5)'
    inner = (Call("component", ("b",)), Call("config", ("c",)))
    assert parsed(text) == (Call("formatString", ('a"%s', inner, "5")),)


CLOUD = """
id: docker-cloud
location: jclouds:aws-ec2:eu-west-1
services:
- type: brooklyn.entity.container.docker.DockerInfrastructure
  brooklyn.config:
    entity.dynamicLocation.name: "my-docker-cloud"
    docker.version: 1.6.0
    docker.tls.key: conf/key.pem
    docker.host.cluster.initial.size: 2
    docker.container.cluster.headroom.percent: 0.25
    docker.container.cluster.maxSize: 12
    docker.container.strategies:
    - {type: brooklyn.location.docker.strategy.BreadthFirstPlacementStrategy}
    affinity.rules: [NOT TYPE]
    sdn.enable: true
    sdn.provider.spec: {$brooklyn:entitySpec: {type: brooklyn.networking.sdn.weave.WeaveNetwork}}
    sdn.network.cidr: 10.9.0.0/16
    docker.host.spec:
      $brooklyn:entitySpec:
        type: brooklyn.entity.container.docker.DockerHost
        brooklyn.config:
          docker.host.driver.storage: overlay
          docker.host.flags: {minRam: 7g, minCores: 2, osFamily: ubuntu}
"""


def test_a_cloud_becomes_a_clocker_yaml(tmp_path: Path) -> None:
    (tmp_path / "cloud.yaml").write_text(CLOUD)
    made = tmp_path / "clocker.yaml"
    result = CliRunner().invoke(
        cli, ["--file", str(made), "init", "--from", str(tmp_path / "cloud.yaml")]
    )
    assert result.exit_code == 0, result.output
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "HOME": str(tmp_path)}
    spec = load_cloud(made, keys).spec
    assert (spec.name, spec.hosts.count, spec.hosts.shape) == (
        "my-docker-cloud",
        2,
        Resources(2.0, 7168, 0),
    )
    assert (spec.network.driver, spec.network.pool) == ("weave", "10.9.0.0/16")
    assert spec.rules == (
        RuleSpec("fits", {}),
        RuleSpec("breadth_first", {}),
        RuleSpec("max_containers", {"limit": 12}),
        RuleSpec("affinity", {"sentences": "NOT TYPE"}),
    )
    assert spec.headroom is not None and spec.headroom.keep.share == 0.25
    assert spec.engine.options == {"storage-driver": "overlay2"}
    text = made.read_text()
    assert "# Not taken over: docker.tls.key (line 9)\n" in text
    assert "# Not taken over: osFamily of the hosts\n" in text


def test_an_application_is_no_cloud(tmp_path: Path) -> None:
    (tmp_path / "app.yaml").write_text("services: [{type: docker:x}]")
    result = CliRunner().invoke(
        cli, ["--file", str(tmp_path / "c.yaml"), "init", "--from", str(tmp_path / "app.yaml")]
    )
    assert isinstance(result.exception, ConfigError)
    assert "must describe one Docker cloud" in str(result.exception)
    assert not (tmp_path / "c.yaml").exists()


def test_ten_thousand_services(tmp_path: Path) -> None:
    service = "- {{type: 'docker:x', id: s{n}, openPorts: [80]}}\n"
    services = "".join(service.format(n=n) for n in range(10_000))
    application = load(tmp_path, f"services:\n{services}").application
    assert len(resolve(application).wanted) == 10_000


def test_the_page_shows_the_tables() -> None:
    assert shown("camp.md") == list(TABLES)
    assert page("camp.md", TABLES) == (DOCS / "camp.md").read_text()


def test_the_tables_are_those_of_the_code() -> None:
    assert set(FLAGS.values()) <= set(CONFIG)
    ported = {"docker.port.N", "mapped.docker.port.N", "service.isUp"}
    assert set(SENSORS) == {*VALUES, *ported}
    assert simple("a.b.C:1.0") == "C"
