"""What a Compose file says becomes the model's, as the specification means it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from clocker.applications import resolve
from clocker.config.applications import LoadedApplication, load_application
from clocker.errors import ConfigError
from clocker.model import (
    Application,
    Build,
    Condition,
    ContainerRequest,
    Healing,
    HealthCheck,
    Need,
    Port,
    Resources,
    Restart,
    RuleSpec,
    Sandbox,
    Secret,
    Service,
    Ulimit,
    Volume,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    return tmp_path / "shop"


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> LoadedApplication:
    (folder / "compose.yaml").write_text(text)
    return load_application(folder / "compose.yaml", environ or {})


def one(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Service:
    """The service ``a`` of a file whose only one it is."""
    found = load(folder, f"services:\n  a:\n    image: x\n{_indented(text)}", environ)
    return found.application.services[0]


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip().splitlines())


def request(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> ContainerRequest:
    return one(folder, text, environ).request


def test_the_least(folder: Path) -> None:
    loaded = load(folder, "services: {web: {image: nginx}}")
    assert loaded.form == "compose"
    assert loaded.application == Application(
        "shop",
        (Service("web", ContainerRequest("nginx")),),
        origin=str(folder / "compose.yaml"),
    )
    assert not loaded.warnings


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "written"),
        ({"COMPOSE_PROJECT_NAME": "given"}, "given"),
        ({"WHICH": "other"}, "other"),
    ],
)
def test_its_name(folder: Path, environ: Mapping[str, str], name: str) -> None:
    text = "name: ${WHICH:-written}\nservices: {a: {image: 'x:${COMPOSE_PROJECT_NAME}'}}"
    application = load(folder, text, environ).application
    assert (application.name, application.services[0].request.image) == (name, f"x:{name}")


def test_ports(folder: Path) -> None:
    text = """
ports:
  - 80
  - "8080:81"
  - 22:22
  - "3000-3001:4000-4001/udp"
  - "0.0.0.0:53:53/udp"
  - {target: 443, published: "8443", mode: host}
  - {target: "9000", app_protocol: http}
"""
    assert request(folder, text).ports == (
        Port(80),
        Port(81, 8080),
        Port(22, 22),
        Port(4000, 3000, "udp"),
        Port(4001, 3001, "udp"),
        Port(53, 53, "udp"),
        Port(443, 8443),
        Port(9000),
    )


def test_programs(folder: Path) -> None:
    made = request(folder, "command: sh -c 'echo a b'\nentrypoint: [/entry, --flag]")
    assert made.command == ("sh", "-c", "echo a b")
    assert made.entrypoint == ("/entry", "--flag")
    assert request(folder, "command: []\nentrypoint: null").command == ()
    assert request(folder, "command: []\nentrypoint: null").entrypoint is None


def test_the_environment(folder: Path) -> None:
    (folder / "a.env").write_text(
        "# a comment\nexport FILE=one # not this\nQUOTED=\"a\\nb $$5\"\nRAW='$X'\nOVER=file\n"
        "FROM=${OTHER:-dflt}\nMULTI='x\ny'\nBARE\n"
    )
    (folder / "raw.env").write_text('R="as $it is"\n')
    text = """
env_file: [a.env, {path: raw.env, format: raw}, {path: none.env, required: false}]
environment: {OVER: own, NUMBER: 5, TRUTH: true, HERE: null, GONE: null, "N": no}
"""
    loaded = load(
        folder,
        f"services:\n  a:\n    image: x\n{_indented(text)}",
        {"HERE": "here", "BARE": "b"},
    )
    assert loaded.application.services[0].request.env == {
        "FILE": "one",
        "QUOTED": "a\nb $5",
        "RAW": "$X",
        "OVER": "own",
        "FROM": "dflt",
        "MULTI": "x\ny",
        "BARE": "b",
        "R": '"as $it is"',
        "NUMBER": "5",
        "TRUTH": "true",
        "HERE": None,
        "N": "no",
    }
    assert ["GONE" in w.path for w in loaded.warnings] == [True]


def test_secret_variables_stay_references(folder: Path) -> None:
    text = "environment: ['DB_PASSWORD=${PW}', 'TOKEN=$TOKEN', API_KEY, 'SHOP_SECRET=plain']"
    environ = {"PW": "p-w", "TOKEN": "t-k", "API_KEY": "a-k"}
    loaded = load(folder, f"services:\n  a:\n    image: x\n    {text}", environ)
    made = loaded.application.services[0].request
    assert made.env == {"TOKEN": None, "API_KEY": None, "SHOP_SECRET": "plain"}
    assert made.secrets == (Secret("db_password", target="DB_PASSWORD", env="PW", as_env=True),)
    assert [w.path for w in loaded.warnings] == ["services.a.environment[3]"]
    assert not {"p-w", "t-k", "a-k"} & set(str(loaded).split("'"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$A-${A}", "1-1"),
        ("${B:-x}${B-x}", "x"),
        ("${C:-x}${C-x}", "xx"),
        ("${A:+y}${B:+y}${B+y}${C+y}", "yy"),
        ("${C:-${D:-${A}}}", "1"),
        ("$$A $${A}", "$A ${A}"),
        ("${A:?no}${B?no}", "1"),
        ("${C:-a}b}", "ab}"),
    ],
)
def test_interpolation(folder: Path, text: str, value: str) -> None:
    made = request(folder, f"environment: {{X: '{text}'}}", {"A": "1", "B": ""})
    assert made.env == {"X": value}


def test_a_secret_of_dotenv_is_warned_about(folder: Path) -> None:
    (folder / ".env").write_text("DB_PASSWORD=p-w\n")
    loaded = load(folder, "services: {a: {image: x, environment: [DB_PASSWORD]}}")
    assert loaded.application.services[0].request.env == {"DB_PASSWORD": "p-w"}
    assert ["on record" in w.sentence for w in loaded.warnings] == [True]
    assert "p-w" not in str(loaded.warnings)


def test_dotenv_beside_the_file(folder: Path) -> None:
    (folder / ".env").write_text("TAG=1.2\nWHO=file\n")
    made = request(folder, "environment: {T: $TAG, W: $WHO}", {"WHO": "environment"})
    assert made.env == {"T": "1.2", "W": "environment"}


def test_volumes(folder: Path) -> None:
    text = """
services:
  a:
    image: x
    tmpfs: /scratch:size=1m
    volumes:
      - data:/data
      - outer:/outer:ro
      - /srv/www:/www:ro,z
      - /anonymous/place
      - {type: volume, source: named, target: /named, read_only: true}
      - {type: bind, source: /etc/x, target: /x}
      - {type: tmpfs, target: /t, tmpfs: {size: 64m, mode: 0700}}
volumes: {data: {}, outer: {external: true}, named: {name: other}}
"""
    application = load(folder, text).application
    made = application.services[0].request
    assert made.volumes == (
        Volume("data", "/data"),
        Volume("outer", "/outer", read_only=True),
        Volume("/srv/www", "/www", read_only=True),
        Volume("other", "/named", read_only=True),
        Volume("/etc/x", "/x"),
        Volume("a-anonymous-place", "/anonymous/place"),
    )
    assert made.sandbox.tmpfs == {"/t": "size=64m,mode=0700", "/scratch": "size=1m"}
    assert application.volumes == ("data", "a-anonymous-place")


def test_those_that_share_a_volume_are_on_one_host(folder: Path) -> None:
    text = """
services:
  a: {image: x, volumes: ["d:/d"]}
  b: {image: x, volumes: ["d:/d", "own:/o"]}
volumes: {d: {}, own: {}}
"""
    rule = RuleSpec("affinity", {"sentences": "LABEL volume-d=shop"})
    for service in load(folder, text).application.services:
        assert service.request.rules == (rule,)
        assert service.request.labels == {"volume-d": "shop"}


def test_networks(folder: Path) -> None:
    text = """
services:
  a: {image: x, networks: {back: {aliases: [one]}, front: {priority: 9, aliases: [one, two]}}}
  b: {image: x, networks: [outer, default]}
  c: {image: x}
  d: {image: x, networks: {back: null, outer: {ipv4_address: 10.9.0.5}}}
networks: {front: {}, back: {}, unused: {}, outer: {external: true, name: shared}}
"""
    application = load(folder, text).application
    made = {service.name: service.request for service in application.services}
    assert made["a"].networks == ("front", "back")
    assert made["a"].aliases == ("one", "two")
    assert made["b"].networks == ("shared", "default")
    assert made["c"].networks == ()
    assert (made["d"].networks, made["d"].address) == (("shared", "back"), "10.9.0.5")
    assert application.networks == ("front", "back", "default")


def test_a_default_network_of_the_cloud(folder: Path) -> None:
    text = "services: {a: {image: x}}\nnetworks: {default: {name: shared, external: true}}"
    application = load(folder, text).application
    assert application.services[0].request.networks == ("shared",)
    assert application.networks == ()


def test_needs(folder: Path) -> None:
    text = """
services:
  a:
    image: x
    depends_on:
      b: {condition: service_healthy, restart: true}
      c: {condition: service_completed_successfully}
      gone: {condition: service_started, required: false}
    links: [d, "b:database"]
  b: {image: x}
  c: {image: x}
  d: {image: x, container_name: the-d}
"""
    services = {s.name: s for s in load(folder, text).application.services}
    assert services["a"].needs == (
        Need("b", Condition.HEALTHY, restart=True),
        Need("c", Condition.COMPLETED),
        Need("d"),
    )
    assert services["b"].request.aliases == ("database",)
    assert services["d"].request.aliases == ("the-d",)


def test_health(folder: Path) -> None:
    text = "healthcheck: {test: %s, interval: 1m30s, timeout: 500ms, retries: 5, start_period: 2s}"
    assert request(folder, text % "curl -f x").health == HealthCheck(
        ("sh", "-c", "curl -f x"), 90.0, 0.5, 5, 2.0
    )
    made = request(folder, "healthcheck: {test: [CMD, a, b], start_interval: 1s}").health
    assert made == HealthCheck(("a", "b"), 30.0, 30.0, 3, 0.0, 1.0)
    assert request(folder, "healthcheck: {disable: true}").health == HealthCheck(())
    assert request(folder, "healthcheck: {test: [NONE]}").health == HealthCheck(())


@pytest.mark.parametrize(
    ("text", "resources"),
    [
        ("deploy: {resources: {limits: {cpus: '0.5', memory: 512M}}}", Resources(0.5, 512)),
        ("cpus: 2\nmem_limit: 1gb", Resources(2.0, 1024)),
        ("cpu_quota: 50000", Resources(0.5, 0)),
        ("mem_limit: 10485761", Resources(0, 11)),
        ("deploy: {resources: {reservations: {memory: 64m}}}", Resources(0, 64)),
        (
            "deploy: {resources: {limits: {memory: 1g}, reservations: {memory: 64m, cpus: 1}}}",
            Resources(1, 1024),
        ),
    ],
)
def test_resources(folder: Path, text: str, resources: Resources) -> None:
    assert request(folder, text).resources == resources


@pytest.mark.parametrize(
    ("text", "restart", "healing"),
    [
        ("user: x", Restart(), Healing()),
        ("restart: no", Restart(), Healing(attempts=0)),
        ("restart: always", Restart("always"), Healing()),
        ("restart: on-failure:3", Restart("on-failure", 3), Healing()),
        ("deploy: {restart_policy: {condition: none}}", Restart(), Healing(attempts=0)),
        ("deploy: {restart_policy: {}}", Restart("always"), Healing()),
        (
            "deploy: {restart_policy: {condition: any, delay: 5s, max_attempts: 3, window: 2m}}",
            Restart("on-failure", 3),
            Healing(attempts=3, window_s=120.0, backoff_s=5.0),
        ),
    ],
)
def test_restarts(folder: Path, text: str, restart: Restart, healing: Healing) -> None:
    made = request(folder, text)
    assert (made.restart, made.healing) == (restart, healing)


def test_placement(folder: Path) -> None:
    text = """
deploy:
  replicas: "3"
  placement:
    constraints: [node.labels.disk==ssd, node.hostname != h1, node.role == worker]
    preferences: [{spread: node.labels.zone}]
    max_replicas_per_node: 1
x-clocker: {rules: [{country: in DE}], scale: {minimum: 1, maximum: 9}, headroom: 2}
"""
    service = one(folder, text)
    assert service.request.rules == (
        RuleSpec("host_labels", {"labels": "disk=ssd"}),
        RuleSpec("hostname", {"pattern": r"(?!h1$).*", "regex": True}),
        RuleSpec("spread", {"by": "label zone", "of": "LABEL replica=shop.a"}),
        RuleSpec("max_containers", {"limit": 1, "of": "LABEL replica=shop.a"}),
        RuleSpec("country", {"places": "in DE"}),
    )
    assert service.request.labels == {"replica": "shop.a"}
    assert (service.replicas, service.minimum, service.maximum, service.headroom) == (3, 1, 9, 2)


def test_what_the_engine_builds_around_it(folder: Path) -> None:
    text = """
cap_add: [CAP_NET_ADMIN]
cap_drop: [all]
group_add: [audio, 50]
security_opt: ["no-new-privileges:true"]
ulimits: {nofile: {soft: 1, hard: 2}, nproc: 5}
sysctls: [net.core.somaxconn=1024]
extra_hosts: ["db.example.org:192.0.2.7", "v6=::1"]
init: true
tty: true
stdin_open: "true"
shm_size: 64mb
pids_limit: 100
privileged: true
read_only: true
user: "1000:1000"
working_dir: /app
hostname: box
domainname: example.org
stop_signal: SIGINT
stop_grace_period: 1m
"""
    made = request(folder, text)
    assert made.capabilities == ("NET_ADMIN",)
    assert made.sandbox == Sandbox(
        dropped=("ALL",),
        groups=("audio", "50"),
        security=("no-new-privileges",),
        ulimits={"nofile": Ulimit(1, 2), "nproc": Ulimit(5, 5)},
        sysctls={"net.core.somaxconn": "1024"},
        hosts={"db.example.org": "192.0.2.7", "v6": "::1"},
        init=True,
        terminal=True,
        stdin=True,
        shm_mb=64,
        pids=100,
    )
    assert (made.privileged, made.read_only, made.user) == (True, True, "1000:1000")
    assert (made.workdir, made.hostname) == ("/app", "box.example.org")
    assert (made.stop_signal, made.stop_grace_s) == ("SIGINT", 60.0)


def test_secrets_and_configs(folder: Path) -> None:
    (folder / "pw.txt").write_text("s3cret")
    (folder / "site.conf").write_text("server {}")
    (folder / "blob").write_bytes(b"\xff\xfe")
    text = """
services:
  a:
    image: x
    secrets: [pw, {source: var, target: /etc/var, mode: 0400}, cmd]
    configs: [site, {source: inline, target: /etc/inline, mode: "0440"}, blob]
secrets: {pw: {file: ./pw.txt}, var: {environment: VAR}, cmd: {x-command: pass show x}}
configs: {site: {file: site.conf}, inline: {content: "a: $VAR"}, blob: {file: blob}}
"""
    loaded = load(folder, text, {"VAR": "v"})
    assert loaded.application.services[0].request.secrets == (
        Secret("pw", "pw", file=str(folder / "pw.txt")),
        Secret("var", "/etc/var", env="VAR", mode=0o400),
        Secret("cmd", "cmd", command=("pass", "show", "x")),
        Secret("site", "/site", text="server {}"),
        Secret("inline", "/etc/inline", text="a: v", mode=0o440),
        Secret("blob", "/blob", file=str(folder / "blob")),
    )
    assert "s3cret" not in str(loaded)


def test_files_that_are_mounted_read_only_are_put_there(folder: Path) -> None:
    (folder / "site.conf").write_text("server {}")
    made = request(folder, "volumes: ['./site.conf:/etc/site.conf:ro']")
    assert made.secrets == (Secret("site.conf", "/etc/site.conf", text="server {}"),)
    assert made.volumes == ()
    for volume in ("./site.conf:/etc/site.conf", "./nothing:/x:ro", ".:/x:ro"):
        with pytest.raises(ConfigError, match="the hosts do not have it"):
            request(folder, f"volumes: ['{volume}']")


def test_own_networks_may_have_names_that_are_no_labels(folder: Path) -> None:
    text = "services: {a: {image: x, networks: [Back_End]}}\nnetworks: {Back_End: {}}"
    application = load(folder, text).application
    assert application.networks == application.services[0].request.networks == ("back-end",)


def test_builds(folder: Path) -> None:
    text = """
services:
  a: {build: .}
  b: {image: team/b:1, build: {context: sub, dockerfile: D, args: [A=1, B], target: t}}
  c: {build: "https://example.org/x.git#v1:sub"}
"""
    (folder / "sub").mkdir()
    a, b, c = (s.request for s in load(folder, text, {"B": "env"}).application.services)
    assert (a.image, a.build) == ("shop-a", Build(str(folder)))
    assert b.build == Build(str(folder / "sub"), "D", args={"A": "1", "B": "env"}, target="t")
    assert c.build == Build("git+https://example.org/x.git#v1:sub")


def test_extends(folder: Path) -> None:
    (folder / "common").mkdir()
    (folder / "common" / "base.yaml").write_text(
        """
services:
  base:
    extends: root
    env_file: [base.env]
    environment: [A=base, B=base]
    ports: ["80"]
    command: [base]
    deploy: {replicas: 2, resources: {limits: {cpus: 1, memory: 1g}}}
    volumes: ["/a:/x", "/b:/y"]
  root: {image: root, cap_add: [A], labels: {from: root}}
"""
    )
    (folder / "common" / "base.env").write_text("F=file\n")
    text = """
extends: {file: common/base.yaml, service: base}
environment: {B: own}
ports: ["81"]
command: [own, words]
cap_add: [B]
deploy: {resources: {limits: {memory: 2g}}}
volumes: ["/c:/y"]
"""
    made = one(folder, text)
    assert made.request.image == "x"
    assert made.request.env == {"F": "file", "A": "base", "B": "own"}
    assert made.request.ports == (Port(80), Port(81))
    assert made.request.command == ("own", "words")
    assert made.request.capabilities == ("A", "B")
    assert made.request.labels == {"from": "root"}
    assert (made.replicas, made.request.resources) == (2, Resources(1, 2048))
    assert made.request.volumes == (Volume("/a", "/x"), Volume("/c", "/y"))


def test_include(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "compose.yaml").write_text(
        "services: {db: {image: 'pg:$TAG', env_file: own.env, volumes: ['d:/d']}}\n"
        "volumes: {d: {}}\n"
    )
    (folder / "data" / ".env").write_text("TAG=16\n")
    (folder / "data" / "own.env").write_text("OWN=1\n")
    text = "include: [data/compose.yaml]\nservices: {web: {image: x, depends_on: [db]}}"
    application = load(folder, text).application
    made = {service.name: service for service in application.services}
    assert made["db"].request.image == "pg:16"
    assert made["db"].request.env == {"OWN": "1"}
    assert made["web"].needs == (Need("db"),)
    assert application.volumes == ("d",)


def test_a_file_that_includes_itself_by_a_relative_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "compose.yaml").write_text("include: [compose.yaml]\nservices: {a: {image: x}}")
    with pytest.raises(ConfigError) as caught:
        load_application("compose.yaml", {})
    assert "files include each other" in str(caught.value)
    assert "problems" not in str(caught.value)


def test_a_service_of_two_files(folder: Path) -> None:
    (folder / "other.yaml").write_text("services: {web: {image: y}}\n")
    with pytest.raises(ConfigError, match="services.web: is in .* as well"):
        load(folder, "include: [other.yaml]\nservices: {web: {image: x}}")


def test_profiles(folder: Path) -> None:
    text = (
        "services: {a: {image: x}, b: {image: x, profiles: [p, q]}, c: {image: x, profiles: [r]}}"
    )

    def names(chosen: str) -> list[str]:
        found = load(folder, text, {"COMPOSE_PROFILES": chosen}).application
        return [service.name for service in found.services]

    assert names("") == ["a"]
    (folder / ".env").write_text("COMPOSE_PROFILES=r\nCOMPOSE_PROJECT_NAME=other\n")
    by_file = load(folder, text).application
    assert ([s.name for s in by_file.services], by_file.name) == (["a", "c"], "other")
    (folder / ".env").unlink()
    assert names("q, other") == ["a", "b"]
    assert names("*") == ["a", "b", "c"]


def test_anchors_and_merges(folder: Path) -> None:
    text = """
x-common: &common {image: x, environment: &env {A: 1}}
services:
  a: {<<: *common, environment: {<<: *env, B: 2}}
"""
    made = load(folder, text).application.services[0].request
    assert (made.image, made.env) == ("x", {"A": "1", "B": "2"})


def test_what_changes_nothing_is_told(folder: Path) -> None:
    text = """
version: "3"
services:
  a: {image: "x:$TAG", cpu_shares: 5, logging: {driver: json-file, options: {max-size: 1m}},
      deploy: {update_config: {order: start-first}}, healthcheck: {disable: true}}
"""
    (folder / "compose.override.yaml").write_text("services: {}\n")
    told = [f"{w.line} {w.what}" for w in load(folder, text).warnings]
    assert [line for line in told if "cpu_shares" in line][0].startswith("4 services.a.cpu_shares")
    assert len(told) == 6
    assert any("compose.override.yaml beside it is not read" in line for line in told)


def test_ten_thousand_services(folder: Path) -> None:
    services = "".join(
        f"  s{n}: {{image: x, ports: ['80'], environment: {{A: {n}}}, depends_on: [s{n // 2}]}}\n"
        for n in range(1, 10_000)
    )
    text = f"services:\n  s0: {{image: x}}\n{services}".replace("depends_on: [s0]", "init: true")
    started = time.process_time()
    application = load(folder, text).application
    seconds = time.process_time() - started
    assert len(resolve(application).wanted) == 10_000
    assert seconds < 30, f"{seconds:.1f} s of a processor"
