"""A cloud whose engines are reached by TLS: containers run on while all certificates are replaced,
though the one who replaces them is killed half-way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_cloud import RealCloud, real_cloud

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def cloud(ready_node_image: str, small_image: str) -> Iterator[RealCloud]:
    document = {"hosts": {"count": 2, "maximum": 2}, "engine": {"access": "tls"}}
    with real_cloud(node_image=ready_node_image, **document) as cloud:
        with watched_command_lines() as lines:
            cloud.clocker("up")
            for name in ("one", "two"):
                cloud.clocker("run", "--name", name, small_image)
        for secret in secrets(cloud):
            assert not any(secret in line for line in lines)
        yield cloud


@contextmanager
def watched_command_lines() -> Iterator[set[str]]:
    """Of all processes of this machine, its hosts' among them."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def secrets(cloud: RealCloud) -> list[str]:
    """A line from the middle of every private key."""
    client = cloud.folder / "state" / "clocker" / cloud.name / "tls" / "client.pem"
    assert client.stat().st_mode & 0o777 == 0o600
    found = [client.read_text().partition("PRIVATE KEY-----\n")[2].splitlines()[0]]
    with cloud.opened() as opened:
        for view in opened.hosts():
            shell = opened._parts.connections.shell(view.host)
            key = f"/etc/clocker/{cloud.name}/engine/*.key"
            said = shell.run(f"stat -c %a {key} && sed -n 2p {key}").text.split()
            assert said[0] == "600"
            found.append(said[1])
    assert all(len(secret) > 40 for secret in found)
    return found


def running(cloud: RealCloud) -> dict[str, tuple[int, str | None]]:
    """Each container's process and since when it runs, asked of its engine."""
    found = {}
    with cloud.opened() as opened:
        for container in opened.list():
            machine = opened.machine(container.name)
            status = machine.engine.inspect(machine.engine_name)
            assert status.state == "running"
            found[container.name] = (status.pid, status.started_at)
    return found


def test_containers_are_used_as_ever(cloud: RealCloud) -> None:
    assert len({item["host"] for item in cloud.containers().values()}) == 2
    for name in ("one", "two"):
        assert cloud.exec(name, "sh", "-c", "echo hello") == "hello"
    assert cloud.clocker("up").stdout == "nothing to do: 2 hosts as they should be\n"


def test_the_engine_is_reached_without_ssh(cloud: RealCloud) -> None:
    with cloud.opened() as opened:
        host = opened.hosts()[0].host
        assert host.engine_port == 2376 and host.access
        with socket.create_connection((host.access.address, 2376), 5):
            pass
        engine = opened._parts.connections.engine(host)
        assert "tls" in type(engine._transport).__name__.lower()  # type: ignore[attr-defined]


def test_certificates_are_replaced_while_containers_run(cloud: RealCloud) -> None:
    before, keys = running(cloud), secrets(cloud)
    report = cloud.json("rotate-certs")
    assert (report["generation"], report["resumed"], len(report["hosts"])) == (2, False, 2)
    assert running(cloud) == before
    assert not set(keys) & set(secrets(cloud))
    assert cloud.exec("one", "sh", "-c", "echo hello") == "hello"
    assert cloud.clocker("up").stdout == "nothing to do: 2 hosts as they should be\n"


def test_who_replaces_them_may_be_killed(cloud: RealCloud) -> None:
    before = running(cloud)
    cloud.crashed(6, "rotate-certs")
    assert running(cloud) == before
    again = cloud.clocker("rotate-certs").stdout
    assert again.startswith("generation: 3 (begun before, and completed now)\n")
    assert running(cloud) == before
    for name in ("one", "two"):
        assert cloud.exec(name, "sh", "-c", "echo hello") == "hello"
    cloud.assert_agrees()
