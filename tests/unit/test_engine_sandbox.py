"""What an engine builds around a program, as its API is told."""

from __future__ import annotations

from clocker.engine import convert
from clocker.engine.sandbox import sandbox_config
from clocker.model import ContainerSpec, HealthCheck, Sandbox, Ulimit

EVERYTHING = Sandbox(
    dropped=("ALL",),
    groups=("audio",),
    security=("no-new-privileges",),
    ulimits={"nofile": Ulimit(1024, 2048)},
    sysctls={"net.core.somaxconn": "1024"},
    tmpfs={"/scratch": "size=64m"},
    hosts={"db.example.org": "192.0.2.7"},
    init=True,
    terminal=True,
    stdin=True,
    shm_mb=64,
    pids=100,
)


def test_nothing_asked_says_nothing() -> None:
    assert sandbox_config(Sandbox()) == {}


def test_every_wish_has_its_field() -> None:
    body = convert.create_body(ContainerSpec("c.a", "i", "a", {}, sandbox=EVERYTHING), "1.45")
    host = body["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["GroupAdd"] == ["audio"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1024, "Hard": 2048}]
    assert host["Sysctls"] == {"net.core.somaxconn": "1024"}
    assert host["Tmpfs"] == {"/scratch": "size=64m"}
    assert host["ExtraHosts"] == ["db.example.org:192.0.2.7"]
    assert (host["ShmSize"], host["PidsLimit"], host["Init"]) == (64 * 1024 * 1024, 100, True)
    assert body["Tty"] is body["OpenStdin"] is True


def test_a_read_only_container_keeps_its_own_tmpfs() -> None:
    spec = ContainerSpec("c.a", "i", "a", {}, read_only=True, sandbox=EVERYTHING)
    tmpfs = convert.create_body(spec, "1.45")["HostConfig"]["Tmpfs"]
    assert tmpfs == {"/tmp": "", "/run": "", "/scratch": "size=64m"}


def test_an_empty_check_leaves_out_the_images_own() -> None:
    spec = ContainerSpec("c.a", "i", "a", {}, health=HealthCheck(()))
    assert convert.create_body(spec, "1.45")["Healthcheck"] == {"Test": ["NONE"]}


def test_a_check_is_quicker_while_it_starts() -> None:
    health = HealthCheck(("true",), start_period_s=30, start_interval_s=0.5)
    spec = ContainerSpec("c.a", "i", "a", {}, health=health)
    assert convert.create_body(spec, "1.45")["Healthcheck"]["StartInterval"] == 500_000_000
