"""Containers move between three real hosts, while others talk to them."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from images import busybox
from real_cloud import RealCloud, real_cloud, until

from clocker.interfaces import Shell

pytestmark = pytest.mark.hosts

TICKS = "trap exit TERM; nc -ll -p 80 -e sh -c 'while echo tick; do usleep 20000; done' & wait"
# Holds a connection and reads from it; opens the next one when it breaks off or falls silent.
CLIENT = """
use IO::Socket::INET; $| = 1;
my $end = time + $ARGV[1];
while (time < $end) {
    my $s = IO::Socket::INET->new(PeerAddr => "$ARGV[0]:80", Timeout => 0.3)
        or do { select(undef, undef, undef, 0.02); next };
    print "open\\n";
    while (time < $end) {
        my $r = ""; vec($r, fileno($s), 1) = 1;
        last unless select($r, undef, undef, 0.3) && sysread($s, my $b, 4096);
        print "heard\\n";
    }
}
"""


@pytest.fixture(scope="module")
def three(ready_node_image: str) -> Iterator[RealCloud]:
    """Each of the hosts has the image, and room for everything."""
    busybox()
    document = {"hosts": {"count": 3, "maximum": 3}, "network": {"quarantine": 0}}
    with real_cloud(node_image=ready_node_image, **document) as cloud:
        cloud.clocker("up")
        yield cloud


@pytest.fixture
def image(three: RealCloud) -> Iterator[str]:
    yield busybox()
    three.clocker("rm", "--all", "--yes")


def run(cloud: RealCloud, image: str, name: str, *options: str, command: str = TICKS) -> str:
    """Returns its address."""
    cloud.clocker("run", "--name", name, *options, image, "sh", "-c", command)
    return str(cloud.containers()[name]["address"])


def place(cloud: RealCloud, name: str = "web") -> str:
    return str(cloud.containers()[name]["host"])


def others(cloud: RealCloud, name: str = "web") -> list[str]:
    names = {host["name"] for host in cloud.json("hosts")["hosts"]}
    return sorted(names - {place(cloud, name)})


def on_host(cloud: RealCloud, host: str, script: str) -> str:
    return cloud.clocker("ssh", host, "--", "sh", "-c", script).stdout.strip()


@dataclass
class Listener:
    """A command on a host that prints a line for each answer that it gets."""

    shell: Shell
    command: str
    pattern: str
    answers: list[float] = field(default_factory=list)
    thread: threading.Thread | None = None

    def __enter__(self) -> Listener:
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()
        until(lambda: len(self.answers) > 10)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.thread is not None
        self.thread.join()

    def _listen(self) -> None:
        self.shell.run(self.command, timeout_s=120, on_line=self._line)

    def _line(self, line: str) -> None:
        if re.search(self.pattern, line):
            self.answers.append(time.time())

    def heard_since(self, moment: float) -> bool:
        return bool(self.answers) and self.answers[-1] > moment

    def longest_silence(self, since: float) -> float:
        heard = [at for at in self.answers if at > since - 1]
        return max(b - a for a, b in zip(heard, heard[1:], strict=False))


def listeners(cloud: Any, host: str, address: str, seconds: int) -> tuple[Listener, Listener]:
    parts = cloud._parts
    (found,) = [view.host for view in cloud.hosts() if view.host.name == host]
    ping = f"ping -n -i 0.02 -W 1 -w {seconds} {address}"
    client = f"perl -e '{CLIENT}' {address} {seconds}"
    shell = parts.connections.shell(found)
    return Listener(shell, ping, "bytes from"), Listener(shell, client, "heard")


def test_moved_under_pings_and_an_open_client(three: RealCloud, image: str) -> None:
    """Besides its own stop and start, as in a restart, it is away for less than two seconds."""
    address = run(three, image, "web")
    target, witness = others(three)
    seconds = 45
    with three.opened() as cloud:
        pings, client = listeners(cloud, witness, address, seconds)
        with pings, client:
            began = time.time()
            three.clocker("restart", "web")
            back = time.time()
            until(lambda: pings.heard_since(back) and client.heard_since(back))
            restart = (pings.longest_silence(began), client.longest_silence(began))
            moved_at = time.time()
            report = three.json("move", "web", target)
            after = time.time()
            until(lambda: pings.heard_since(after) and client.heard_since(after))
            move = (pings.longest_silence(moved_at), client.longest_silence(moved_at))
    print(
        f"\nno answer to pings for {move[0]:.2f} s, to an open client for {move[1]:.2f} s"
        f" (of a restart: {restart[0]:.2f} s, {restart[1]:.2f} s);"
        f" not running for {report['away_s']:.2f} s"
    )
    assert (report["to"], report["address"]) == (target, address)
    assert place(three) == target
    assert move[0] < restart[0] + 2
    assert move[1] < restart[1] + 2
    three.assert_agrees()


def largest_memory_mib(process: subprocess.Popen[str]) -> int:
    """Of a process until it ends. (What `wait4` tells begins with its parent's.)"""
    status = Path(f"/proc/{process.pid}/status")
    peak_kib = 0
    while process.poll() is None:
        if found := re.search(r"VmHWM:\s+(\d+) kB", status.read_text()):
            peak_kib = int(found[1])
        time.sleep(0.02)
    return peak_kib // 1024


def test_a_volume_arrives_as_it_was_left_when_it_was_told_to_stop(
    three: RealCloud, image: str
) -> None:
    """Owners, modes, links and a large file; through this process piece by piece."""
    dying = "trap 'echo bye > /data/last; exit' TERM; sleep 1000 & wait"
    run(three, image, "web", "--volume", "data:/data", "--ip", "10.210.0.77", command=dying)
    three.exec(
        "web",
        *("sh", "-c"),
        "cd /data && mkdir -p a/b && echo kept > a/b/file && chown 1234:77 a/b/file"
        " && chmod 640 a/b/file && ln -s a/b/file link && chmod 700 ."
        " && dd if=/dev/zero of=big bs=1048576 count=300 2>/dev/null",
    )
    source, target = place(three), others(three)[0]
    refused = three.clocker("move", "web", target, status=2)
    assert "--volumes" in refused.stderr

    process = three.begin("move", "--volumes", "--grace", "20s", "web", target)
    peak_mib = largest_memory_mib(process)
    assert process.returncode == 0, process.communicate()

    print(f"\n300 MiB streamed; largest memory of the process: {peak_mib} MiB")
    assert 20 < peak_mib < 200
    assert place(three) == target
    assert three.containers()["web"]["address"] == "10.210.0.77"
    seen = three.exec(
        "web",
        *("sh", "-c"),
        "cd /data && cat link last && stat -c '%u:%g %a' a/b/file . && stat -c %s big",
    )
    assert seen.split() == ["kept", "bye", "1234:77", "640", "0:0", "700", str(300 * 2**20)]
    assert on_host(three, source, "docker volume ls -q; docker ps -aq") == ""
    three.assert_agrees()


def test_one_that_ends_over_there_comes_back(three: RealCloud, image: str) -> None:
    """It finds no file of its host there, but a folder that the engine makes."""
    source = "/srv/only-here"
    for host in three.json("hosts")["hosts"]:
        on_host(three, host["name"], f"echo kept > {source}")
    where = ("--volume", f"{source}:/where")
    address = run(three, image, "web", *where, command="cat /where && sleep 1000")
    home, target = place(three), others(three)[0]
    on_host(three, target, f"rm {source}")

    assert "--force" in three.clocker("move", "web", target, status=2).stderr
    failed = three.clocker("move", "--force", "--grace", "1s", "web", target, status=4)

    assert "it ended with status 1" in failed.stderr
    assert place(three) == home
    assert three.exec("web", "cat", "/where") == "kept"
    assert three.containers()["web"]["address"] == address
    three.assert_agrees()


@pytest.mark.parametrize("call", ["create", "set_restart", "stop", "start", "remove"])
def test_killed_after_a_call_it_is_one_again(three: RealCloud, image: str, call: str) -> None:
    address = run(three, image, "web")
    passed = three.crashed(0, "move", "web")
    number = next(
        n for n, name in enumerate(passed, 1) if re.fullmatch(rf"engine .*\.{call}", name)
    )

    three.crashed(number, "move", "web", may_end=True)
    three.clocker("up")

    three.assert_agrees()
    assert three.containers()["web"]["state"] == "running"
    assert three.containers()["web"]["address"] == address
    three.exec("web", "true")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("move", "web; reboot"), "no container is called"),
        (("move", "none", "$(reboot)"), "no container is called"),
        (("run", "--ip", "10.211.0.1", "image"), "is not one of"),
        (("run", "--ip", "10.210.0.1\nport=53", "image"), "cannot be understood"),
        (("run", "--ip", "`reboot`", "image"), "cannot be understood"),
    ],
)
def test_hostile_words_are_refused(
    three: RealCloud, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in three.clocker(*arguments, status=2).stderr
    three.assert_agrees()
