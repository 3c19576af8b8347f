"""Containers, engines and hosts that really die, and are healed as their policy says: with name and
address kept, and reached from another container as before. The times are printed.

Two hosts are local ones; the third is a machine that somebody has, which nobody can switch off.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container
from images import busybox
from rack import Rack, racked
from real_cloud import RealCloud, real_cloud, until

from clocker.cloud import Cloud
from clocker.model import ContainerRequest, Healing, HostState, Restart
from clocker.providers.local_driver import NODE_LABEL

pytestmark = pytest.mark.hosts

SERVES = "trap exit TERM; nc -ll -p 80 -e echo here & wait"
SOON = {"backoff": "200ms", "backoff_most": "200ms"}
"""What died a moment ago is restarted all the same, however often that was."""
PATIENCE_S = 120.0
SECONDS_S = 30.0
"""What a reaction may take on a machine that has much else to do; alone it is two or three."""


@pytest.fixture(scope="module")
def rack(tmp_path_factory: pytest.TempPathFactory, ready_node_image: str) -> Iterator[Rack]:
    with racked(tmp_path_factory.mktemp("rack"), 1, ready_node_image) as rack:
        yield rack


@pytest.fixture(scope="module")
def cloud(
    rack: Rack, ready_node_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealCloud]:
    """A container on each host: ``kept`` on the one that is somebody's, and ``probe`` on one to
    which nothing happens."""
    options = {"network": rack.network, "internal": True, "image": ready_node_image}
    with real_cloud(
        providers={
            "local": {"driver": "local", "options": options},
            "rack": rack.inventory(tmp_path_factory.mktemp("inventory")),
        },
        hosts={"count": 3, "maximum": 4, "at": {"rack": 1}},
        ssh={"key": str(rack.key)},
        healing={"looks": 2, "silence": "2s", "attempts": 50, **SOON},
    ) as made:
        made.clocker("up", "--yes")
        with made.opened() as opened:
            fill(opened)
        yield made


def fill(cloud: Cloud) -> None:
    local = [view.host.name for view in cloud.hosts() if view.host.provider != "rack"]
    serves = ContainerRequest(busybox(), command=("sh", "-c", SERVES))
    for host in local:
        cloud.host(host).cordon()
    cloud.obtain(replace(serves, name="kept", restart=Restart("always")))
    for host in local:
        cloud.host(host).uncordon()
    for name in ("web", "probe"):
        cloud.obtain(replace(serves, name=name))


@dataclass
class Ward:
    """What is on the hosts, and whom ``probe`` reaches."""

    cloud: RealCloud
    opened: Cloud
    engine: DockerClient
    rack: Rack

    def place(self, name: str) -> str:
        return self.opened.machine(name).host.name

    def places(self) -> dict[str, str]:
        return {name: self.place(name) for name in ("web", "kept", "probe")}

    def machine(self, host: str) -> Container:
        """The system container that the host is."""
        record = self.opened.host(host).record
        node = self.rack.nodes[0] if record.provider == "rack" else record.node_id
        label = {"label": f"{NODE_LABEL}={node}"}
        (found,) = self.engine.containers.list(all=True, filters=label)
        return found

    def inside(self, host: str, command: str) -> str:
        ran = self.machine(host).exec_run(["sh", "-c", command])
        assert ran.exit_code == 0, ran
        return str(ran.output.decode()).strip()

    def kill(self, name: str) -> None:
        self.inside(self.place(name), f"docker kill {self.cloud.name}.{name}")

    def takes_work(self, host: str) -> bool:
        record = self.opened.host(host).record
        return record.state is HostState.READY and record.fenced_at is None

    def answers(self, name: str) -> bool:
        address = self.opened.machine(name).address
        said = self.opened.machine("probe").run(["nc", "-w", "1", address, "80"], timeout_s=20)
        return said.text.strip() == "here"

    def until_it_answers(self, name: str) -> None:
        until(lambda: self.answers(name), PATIENCE_S)

    def heal_until(self, holds: Callable[[], bool]) -> None:
        """By hand, again and again, as a timer does."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            report = self.opened.heal()
            assert time.monotonic() < deadline, report


@pytest.fixture
def ward(cloud: RealCloud, engine: DockerClient, rack: Rack) -> Iterator[Ward]:
    """Afterwards all addresses are what they were before, and everybody says the same."""
    with cloud.opened() as opened:
        ward = Ward(cloud, opened, engine, rack)
        before = {container.name: container.address for container in opened.list()}
        yield ward
        assert {container.name: container.address for container in opened.list()} == before
    cloud.assert_agrees()


@dataclass
class Watching:
    process: subprocess.Popen[str]
    lines: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def await_news(self, event: str, subject: str, did: str = "") -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [
                line
                for line in self.lines
                if (line["event"], line["subject"]) == (event, subject)
                and line.get("did", "") == did
            ]

        deadline = time.monotonic() + PATIENCE_S
        while not found():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.05)
        return found()[0]


@contextmanager
def watched(cloud: RealCloud) -> Iterator[Watching]:
    """`clocker watch` in a process of its own, which ends well when it is asked to."""
    watching = Watching(cloud.begin("watch", "--json", "--interval", "5s"))
    reader = threading.Thread(target=watching.read)
    reader.start()
    try:
        yield watching
    finally:
        watching.process.send_signal(signal.SIGTERM)
        status = watching.process.wait(PATIENCE_S)
        reader.join(PATIENCE_S)
    assert watching.process.stderr is not None
    assert (status, watching.process.stderr.read()) == (0, "")


def measured(what: str, action: Callable[[], object], effect: Callable[[], object]) -> float:
    began = time.monotonic()
    action()
    effect()
    seconds = time.monotonic() - began
    print(f"\n{what} after {seconds:.1f} s")
    return seconds


def test_a_killed_container_runs_again_within_seconds(ward: Ward) -> None:
    with watched(ward.cloud) as watch:
        ward.kill("web")
        ward.until_it_answers("web")  # the watch has begun
        seconds = measured(
            "a killed container answers",
            lambda: ward.kill("web"),
            lambda: ward.until_it_answers("web"),
        )
        assert "137" in watch.await_news("healed", "web", "restarted")["why"]
    assert seconds < SECONDS_S


def test_one_that_crashes_in_a_loop_is_given_up_and_reported(ward: Ward) -> None:
    healing = Healing(attempts=2, backoff_s=0.2)
    crashing = ("sh", "-c", "sleep 1; exit 3")
    with watched(ward.cloud) as watch:
        measured(
            "one that crashes in a loop is given up",
            lambda: ward.opened.obtain(
                ContainerRequest(busybox(), name="loop", command=crashing, healing=healing)
            ),
            lambda: watch.await_news("healed", "loop", "given up"),
        )
        trouble = watch.await_news("trouble", "loop")
    assert "2 restarts were in vain" in trouble["why"] and "clocker logs" in trouble["remedy"]
    assert ward.cloud.containers()["loop"]["state"] == "failed"
    assert "loop" in ward.cloud.clocker("heal", status=None).stdout
    ward.cloud.clocker("rm", "--yes", "loop")


def test_killed_at_any_boundary_the_next_run_completes_it(ward: Ward) -> None:
    ward.kill("web")
    boundaries = len(ward.cloud.crashed(0, "heal"))
    ward.until_it_answers("web")
    for boundary in sorted({2, boundaries // 2, boundaries - 2}):
        ward.kill("web")
        ward.cloud.crashed(boundary, "heal", may_end=True)
        ward.heal_until(lambda: ward.answers("web"))


def test_an_engine_that_stopped_runs_again_and_its_containers_never_stopped(ward: Ward) -> None:
    host = ward.place("web")
    began = ward.inside(host, f"docker inspect -f '{{{{.State.Pid}}}}' {ward.cloud.name}.web")
    with watched(ward.cloud) as watch:
        measured(
            "a stopped engine is repaired",
            lambda: ward.inside(host, "systemctl stop docker.socket docker"),
            lambda: watch.await_news("healed", host, "repaired"),
        )
    assert ward.inside(host, "systemctl is-active docker") == "active"
    assert ward.answers("web")
    now = ward.inside(host, f"docker inspect -f '{{{{.State.Pid}}}}' {ward.cloud.name}.web")
    assert now == began


def test_of_three_hosts_two_that_die_at_once_are_not_replaced(ward: Ward) -> None:
    """And when they are there again, all is as it was."""
    before = ward.places()
    gone = [ward.machine(before[name]) for name in ("web", "kept")]
    for machine in gone:
        machine.kill()
    silent = {before[name] for name in ("web", "kept")}
    report = ward.opened.heal()
    # The one may have been silent for long enough a look before the other.
    while {item.subject for item in report.troubles} != silent:
        assert report.done == (), report
        report = ward.opened.heal()
    assert report.breaker is not None and "2 of 3 hosts are silent at once" in report.breaker
    assert report.done == ()

    def come_back() -> None:
        for machine in gone:
            machine.start()

    both = ("web", "kept")
    measured(
        "two hosts that came back serve",
        come_back,
        lambda: ward.heal_until(lambda: all(ward.answers(name) for name in both)),
    )
    ward.heal_until(lambda: ward.opened.heal().pending == ())
    assert ward.places() == before


def test_a_host_that_died_is_fenced_and_what_it_had_made_anew(ward: Ward) -> None:
    host = ward.place("web")
    machine = ward.machine(host)
    with watched(ward.cloud) as watch:
        ward.kill("web")
        ward.until_it_answers("web")  # the watch has begun
        seconds = measured(
            "a container of a host that died answers",
            machine.kill,
            lambda: ward.until_it_answers("web"),
        )
        print("told:", json.dumps(watch.await_news("healed", "web", "recreated")))
        assert watch.await_news("healed", host, "replaced")
    assert ward.place("web") != host
    assert ward.engine.containers.list(all=True, filters={"id": machine.id}) == []
    assert host not in {view.host.name for view in ward.opened.hosts()}
    assert seconds < PATIENCE_S


def test_a_host_that_nobody_can_switch_off_is_cleaned_when_it_comes_back(ward: Ward) -> None:
    """What it had is only made anew once somebody has said that it is off; also if that run is
    killed over and over. Its engine starts the old one, which has the same address, when it is
    back: it is gone before the host takes work."""
    host = ward.place("kept")
    machine = ward.machine(host)
    machine.kill()
    report = ward.opened.heal()
    while not report.troubles:
        assert report.done == (), report
        report = ward.opened.heal()
    assert report.done == () and f"clocker heal --fenced {host}" in report.troubles[0].remedy

    ward.cloud.crashed(6, "heal", host)
    for boundary in (8, 11):
        ward.cloud.crashed(boundary, "heal")
    ward.heal_until(lambda: ward.place("kept") != host)
    assert ward.answers("kept")

    machine.start()
    ward.heal_until(lambda: ward.takes_work(host))
    assert "kept" not in ward.inside(host, "docker ps -a --format '{{.Names}}'")
    assert ward.answers("kept")
    ward.heal_until(lambda: ward.opened.heal().done == ())
