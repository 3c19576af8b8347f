"""Every Engine is held to its contract: the real one directly, and through SSH; by TLS, and the one
in memory, in the files beside this one."""

from __future__ import annotations

import io
import shutil
import socket
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import randbelow, token_hex
from typing import Any

import pytest
from images import busybox, no_shell
from sshd import serving

from clocker.engine import open_engine
from clocker.errors import (
    CommandFailed,
    EngineError,
    ImageNotFound,
    NotFound,
    TimedOut,
    Unreachable,
)
from clocker.images.missing_layers import without
from clocker.interfaces import Engine
from clocker.model import (
    Attachment,
    ContainerSpec,
    ContainerStatus,
    EngineEvent,
    HealthCheck,
    Port,
    Resources,
    Restart,
    Sandbox,
    Ulimit,
    Volume,
)
from clocker.remote.connections import SshConnections
from clocker.remote.keys import CloudKeys

SOCKET = "/var/run/docker.sock"
ADDRESS = "127.0.0.1"  # where ports are published
PREFIX = "clocker-test-engine"
LABELS = {PREFIX: token_hex(6)}


@pytest.fixture(scope="module")
def forwarded() -> Iterator[Engine]:
    state = Path(tempfile.mkdtemp(prefix="clk-"))
    with serving(CloudKeys(state), CloudKeys(state / "hosts")) as sshd:
        connections = SshConnections(
            CloudKeys(state), state, state / "run", lambda path, name: open_engine(path, name=name)
        )
        yield connections.engine(sshd.host())
        connections.forget(sshd.host())
        connections.close()
    shutil.rmtree(state)


@pytest.fixture(params=["docker", "forwarded"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    busybox(SOCKET)
    makers: dict[str, Callable[[], Engine]] = {
        "docker": lambda: open_engine(SOCKET, name="here"),
        "forwarded": lambda: request.getfixturevalue("forwarded"),
    }
    engine = makers[request.param]()
    yield engine
    for found in engine.list(LABELS):
        engine.remove(found.engine_id)
    engine.remove_volumes(LABELS)
    engine.close()


@pytest.fixture(scope="module")
def network() -> Iterator[Callable[[int], Attachment]]:
    from docker import APIClient

    client: Any = APIClient(f"http+unix://{SOCKET}", version="auto")
    client.trust_env = False
    name, prefix = f"{PREFIX}-{token_hex(4)}", f"10.{230 + randbelow(20)}.{randbelow(256)}"
    pool = {"Subnet": f"{prefix}.0/24", "Gateway": f"{prefix}.1"}
    client.create_network(name, driver="bridge", ipam={"Config": [pool]}, internal=True)
    yield lambda last: Attachment(name, f"{prefix}.{last}", f"02:42:0a:00:00:{last:02x}")
    client.remove_network(name)
    client.close()


@dataclass
class Lab:
    engine: Engine

    def spec(self, **changes: Any) -> ContainerSpec:
        plain = ContainerSpec(
            name=f"{PREFIX}-{token_hex(6)}",
            image=busybox(SOCKET),
            hostname="box",
            labels=LABELS,
            command=("sleep", "600"),
            init=True,
        )
        return replace(plain, **changes)

    def run(self, **changes: Any) -> str:
        container = self.engine.create(self.spec(**changes))
        self.engine.start(container)
        return container

    def out(self, container: str, *command: str) -> str:
        result = self.engine.exec(container, command)
        assert result.ok, result
        return result.text.strip()

    def until(self, container: str, holds: Callable[[ContainerStatus], bool]) -> ContainerStatus:
        deadline = time.monotonic() + 30
        while not holds(status := self.engine.inspect(container)):
            assert time.monotonic() < deadline, status
            time.sleep(0.05)
        return status


@pytest.fixture
def lab(engine: Engine) -> Lab:
    return Lab(engine)


@pytest.fixture
def tag(engine: Engine) -> Iterator[str]:
    tag = f"{PREFIX}/built:{token_hex(4)}"
    yield tag
    engine.remove_image(tag)


@pytest.fixture(scope="module")
def box() -> Iterator[str]:
    """A container that runs, for the tests that leave it as it is: both ways lead to it."""
    engine = open_engine(SOCKET, name="here")
    container = Lab(engine).run(labels={f"{PREFIX}-box": "1"})
    yield container
    engine.remove(container)
    engine.close()


def test_it_tells_what_it_is(engine: Engine) -> None:
    info = engine.info()
    assert info.version and info.api_version
    assert info.architecture in {"amd64", "arm64"}
    assert info.resources.cores >= 1 and info.resources.ram_mb > 256


def test_the_life_of_a_container(lab: Lab) -> None:
    engine, spec = lab.engine, lab.spec()
    container = engine.create(spec)
    created = engine.inspect(spec.name)
    assert (created.engine_id, created.name) == (container, spec.name)
    assert (created.state, created.pid, created.exit_code) == ("created", 0, None)
    engine.start(container)
    running = engine.inspect(container)
    assert running.state == "running" and running.pid > 0 and running.started_at
    engine.start(container)
    engine.restart(container, grace_s=1)
    again = engine.inspect(container)
    assert again.state == "running" and again.pid != running.pid
    engine.stop(container, grace_s=1)
    engine.stop(container, grace_s=1)
    stopped = engine.inspect(container)
    assert (stopped.state, stopped.pid) == ("exited", 0) and stopped.exit_code is not None
    engine.remove(container)
    engine.remove(container)
    with pytest.raises(NotFound):
        engine.inspect(container)


def test_the_list_is_by_labels_and_tells_of_the_stopped_too(lab: Lab) -> None:
    mine = {"clocker-test-one": token_hex(6)}
    labels = {**LABELS, **mine}
    running = lab.run(labels=labels)
    ended = lab.run(labels=labels, command=("sh", "-c", "exit 7"))
    lab.until(ended, lambda status: status.state == "exited")
    created = lab.engine.create(lab.spec(labels=labels))
    lab.run()
    found = {status.engine_id: status for status in lab.engine.list(labels)}
    assert {each: found[each].state for each in found} == {
        running: "running",
        ended: "exited",
        created: "created",
    }
    assert (found[ended].exit_code, found[running].exit_code) == (7, None)
    assert found[running].labels == labels and found[running].image == busybox(SOCKET)
    assert lab.engine.list({**labels, "clocker-test-two": "x"}) == []


def test_a_container_is_made_as_specified(
    lab: Lab, network: Callable[[int], Attachment], tmp_path: Path
) -> None:
    (tmp_path / "resolv.conf").write_text("nameserver 192.0.2.1\n")
    volume, attachment = f"{PREFIX}-{token_hex(4)}", network(9)
    lab.engine.ensure_volume(volume, LABELS)
    bind = Volume(str(tmp_path / "resolv.conf"), "/etc/resolv.conf", read_only=True)
    container = lab.run(
        attachment=replace(attachment, binds=(bind,)),
        resources=Resources(0.5, 64),
        env={"A": "a b", "B": "x=y", "IMAGE_SAYS": "changed"},
        volumes=(Volume(volume, "/data"), Volume(str(tmp_path), "/host", read_only=True)),
        entrypoint=("sh", "-c"),
        command=("sleep 600",),
        user="nobody",
        workdir="/tmp",
        read_only=True,
    )
    script = "hostname; id -un; pwd; echo $A,$B; cat /etc/resolv.conf; ip -4 -o addr show eth0"
    said = lab.out(container, "sh", "-c", script)
    assert said.startswith("box\nnobody\n/tmp\na b,x=y\nnameserver 192.0.2.1\n")
    assert f"{attachment.address}/" in said
    assert lab.out(container, "cat", "/sys/class/net/eth0/address") == attachment.mac
    assert lab.engine.inspect(container).address == attachment.address
    assert not lab.engine.exec(container, ["touch", "/host/file"]).ok
    assert not lab.engine.exec(container, ["touch", "/file"], user="root").ok
    assert lab.engine.exec(container, ["touch", "/data/f", "/tmp/f", "/run/f"], user="root").ok
    assert dict(lab.engine.environment(container)) == {
        "A": "a b",
        "B": "x=y",
        "IMAGE_SAYS": "changed",
    }
    assert lab.engine.list(LABELS)[0].address == attachment.address
    lab.engine.stop(container, grace_s=0)
    assert lab.engine.inspect(container).address == attachment.address


@pytest.mark.parametrize(("told", "status"), [(None, 143), ("SIGINT", 130), ("1", 129)])
def test_a_container_ends_by_its_own_signal(lab: Lab, told: str | None, status: int) -> None:
    container = lab.run(stop_signal=told, stop_grace_s=20.0)
    lab.engine.stop(container)
    assert lab.engine.inspect(container).exit_code == status


def test_limits_and_privileges_reach_the_engine(lab: Lab) -> None:
    from docker import APIClient

    container = lab.engine.create(
        lab.spec(
            resources=Resources(0.25, 32),
            capabilities=("NET_ADMIN",),
            restart=Restart("on-failure", 3),
            interactive=True,
        )
    )
    client: Any = APIClient(f"http+unix://{SOCKET}", version="auto")
    client.trust_env = False
    with closing(client):
        data = client.inspect_container(container)
    config = data["HostConfig"]
    assert (config["NanoCpus"], config["Memory"]) == (250_000_000, 32 * 2**20)
    assert config["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert config["CapAdd"] == ["NET_ADMIN"] and not config["Privileged"] and config["Init"]
    assert data["Config"]["Tty"] and data["Config"]["OpenStdin"]
    assert not lab.engine.inspect(container).privileged


def test_a_sandbox_is_built_around_the_program(lab: Lab) -> None:
    sandbox = Sandbox(
        dropped=("CHOWN",),
        groups=("7",),
        security=("no-new-privileges",),
        ulimits={"nofile": Ulimit(100, 200)},
        sysctls={"net.core.somaxconn": "99"},
        tmpfs={"/scratch": "size=1m"},
        hosts={"db.example.org": "192.0.2.7"},
        init=True,
        stdin=True,
        shm_mb=8,
        pids=50,
    )
    container = lab.run(sandbox=sandbox, health=HealthCheck(()))
    script = """
awk '/open files/ {print $4; print $5}' /proc/1/limits
cat /proc/sys/net/core/somaxconn; grep -c 192.0.2.7 /etc/hosts
df -k /scratch /dev/shm | awk 'NR > 1 {print $2}'; cat /proc/1/comm
awk '/NoNewPrivs/ {print $2}' /proc/1/status; id -G; touch /scratch/f
chown 5 /scratch/f 2> /dev/null || echo kept
"""
    said = lab.out(container, "sh", "-c", script).split("\n")
    assert said[:6] == ["100", "200", "99", "1", "1024", "8192"]
    assert said[6] in ("docker-init", "tini") and said[7] == "1"
    assert "7" in said[8].split() and said[9] == "kept"
    assert lab.engine.inspect(container).health is None


def test_what_is_privileged_is_told(lab: Lab) -> None:
    assert lab.engine.inspect(lab.engine.create(lab.spec(privileged=True))).privileged


def test_ports_are_published_and_told(lab: Lab) -> None:
    port = _free_port()
    container = lab.run(
        ports=(Port(80, port), Port(81, 0)),
        command=("sh", "-c", "while :; do echo hi | nc -l -p 80; done"),
    )
    fixed, chosen = lab.engine.inspect(container).ports
    assert fixed == Port(80, port) and chosen.container == 81 and chosen.host_port > 0
    (listed,) = lab.engine.list(LABELS)
    assert listed.ports == (fixed, chosen)
    assert _answer(port) == b"hi\n"


def test_health_is_told(lab: Lab) -> None:
    check = HealthCheck(("test", "-e", "/tmp/well"), interval_s=0.2, timeout_s=5, retries=2)
    container = lab.run(health=check)
    lab.until(container, lambda status: status.health == "unhealthy")
    assert lab.engine.list(LABELS)[0].health == "unhealthy"
    lab.out(container, "touch", "/tmp/well")
    lab.until(container, lambda status: status.health == "healthy")
    assert lab.engine.list(LABELS)[0].health == "healthy"
    assert lab.engine.inspect(lab.run()).health is None


def test_an_image_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(ImageNotFound, match="no such image: clocker-test/none:1"):
        lab.engine.create(lab.spec(image="clocker-test/none:1"))
    assert lab.engine.image("clocker-test/none:1") is None
    lab.engine.remove_image("clocker-test/none:1")


def test_a_name_is_taken_once(lab: Lab) -> None:
    spec = lab.spec()
    lab.engine.create(spec)
    with pytest.raises(EngineError, match=f"name '{spec.name}' is taken"):
        lab.engine.create(spec)


def test_a_port_is_taken_once(lab: Lab) -> None:
    port = _free_port()
    lab.run(ports=(Port(80, port),))
    with pytest.raises(EngineError, match=f"port {port} is taken"):
        lab.run(ports=(Port(80, port),))


def test_an_address_is_taken_once(lab: Lab, network: Callable[[int], Attachment]) -> None:
    lab.run(attachment=network(7))
    with pytest.raises(EngineError, match="address is taken"):
        lab.run(attachment=network(7))


def test_a_network_that_is_not_there(lab: Lab, network: Callable[[int], Attachment]) -> None:
    with pytest.raises(EngineError, match="no network clocker-test-none") as caught:
        lab.run(attachment=replace(network(7), network="clocker-test-none"))
    assert not isinstance(caught.value, NotFound)


@pytest.mark.parametrize(
    "call",
    [
        lambda engine: engine.start("clocker-test-absent"),
        lambda engine: engine.stop("clocker-test-absent"),
        lambda engine: engine.restart("clocker-test-absent"),
        lambda engine: engine.inspect("clocker-test-absent"),
        lambda engine: engine.environment("clocker-test-absent"),
        lambda engine: engine.exec("clocker-test-absent", ["true"]),
        lambda engine: engine.put_archive("clocker-test-absent", "/", _tar({})),
        lambda engine: engine.get_archive("clocker-test-absent", "/"),
        lambda engine: next(engine.logs("clocker-test-absent")),
    ],
)
def test_a_container_that_is_not_there(engine: Engine, call: Callable[[Engine], Any]) -> None:
    with pytest.raises(NotFound, match="no such container: clocker-test-absent"):
        call(engine)


@pytest.mark.parametrize("timeout_s", [None, 60])
@pytest.mark.parametrize("status", [0, 3, 126, 255])
def test_exec_tells_status_and_both_outputs(
    engine: Engine, box: str, status: int, timeout_s: float | None
) -> None:
    script = f"printf 'o\\000\\377'; printf 'e\\n\\200' >&2; exit {status}"
    result = engine.exec(box, ["sh", "-c", script], timeout_s=timeout_s)
    assert (result.status, result.stdout, result.stderr) == (status, b"o\0\xff", b"e\n\x80")


@pytest.mark.parametrize("timeout_s", [None, 60])
def test_exec_feeds_stdin_to_its_end(engine: Engine, box: str, timeout_s: float | None) -> None:
    data = bytes(range(256)) * 4096
    assert engine.exec(box, ["cat"], stdin=data, timeout_s=timeout_s).stdout == data
    assert engine.exec(box, ["cat"], stdin=b"", timeout_s=timeout_s).stdout == b""
    unread = engine.exec(box, ["echo", "done"], stdin=data, timeout_s=timeout_s)
    assert unread.text == "done\n"


def test_exec_where_as_whom_and_with_what(engine: Engine, box: str) -> None:
    command = ["sh", "-c", 'id -un; pwd; echo "$A"; echo "$@"', "-", "x y", "*"]
    result = engine.exec(
        box, command, user="nobody", workdir="/tmp", env={"A": "it's"}, timeout_s=60
    )
    assert result.text == "nobody\n/tmp\nit's\nx y *\n"


@pytest.mark.parametrize("timeout_s", [None, 60])
def test_exec_tells_each_line_when_it_comes(
    engine: Engine, box: str, timeout_s: float | None
) -> None:
    seen: list[str] = []
    script = "echo one; echo two >&2; echo three; printf four"
    engine.exec(box, ["sh", "-c", script], timeout_s=timeout_s, on_line=seen.append)
    assert sorted(seen) == ["four", "one", "three", "two"]


def test_a_container_is_committed_as_an_image(lab: Lab) -> None:
    labels = {**LABELS, "whose": "ours"}
    container = lab.run(labels=labels, entrypoint=("sleep", "600"), command=(), user="nobody")
    lab.engine.put_archive(container, "/etc", _tar({"made": b"by hand\n"}))
    base = lab.engine.image(busybox(SOCKET))
    assert base is not None
    tag = f"{PREFIX}/made:{token_hex(4)}"
    try:
        made = lab.engine.commit(
            container, reference=tag, labels={"whose": "", "why": "x"}, command=("cat", "/etc/made")
        )
        info = lab.engine.image(tag)
        assert info is not None and info.id == made and info.tags == (tag,)
        assert (info.entrypoint, info.command) == ((), ("cat", "/etc/made"))
        assert (info.user, info.labels["whose"], info.labels["why"]) == ("nobody", "", "x")
        assert info.layers[: len(base.layers)] == base.layers
        assert len(info.layers) == len(base.layers) + 1 and info.created_at > 1.6e9
        assert lab.engine.inspect(container).state == "running"
        started = lab.run(image=made, command=None, labels=LABELS)
        lab.until(started, lambda status: status.state == "exited")
        assert b"".join(lab.engine.logs(started)) == b"by hand\n"
        lab.engine.tag(tag, f"{tag}-other")
        lab.engine.remove_image(f"{tag}-other")  # one of its names, though it is in use
        with pytest.raises(EngineError):
            lab.engine.remove_image(tag)
        assert lab.engine.image(tag) == info
        lab.engine.remove(started)
    finally:
        lab.engine.remove_image(tag)


@pytest.mark.parametrize("timeout_s", [None, 60])
def test_exec_of_what_is_no_command(engine: Engine, box: str, timeout_s: float | None) -> None:
    result = engine.exec(box, ["no-such-command"], timeout_s=timeout_s)
    assert result.status in (126, 127)


@pytest.mark.parametrize("user", [None, "nobody"])
def test_exec_is_killed_at_its_deadline(lab: Lab, user: str | None) -> None:
    container = lab.run()
    began = time.monotonic()
    with pytest.raises(TimedOut, match="0.8 s"):
        command = ["sh", "-c", "trap '' TERM; sleep 777 & sleep 777"]
        lab.engine.exec(container, command, user=user, timeout_s=0.8)
    assert time.monotonic() - began < 20
    _until(lambda: "777" not in lab.out(container, "ps", "-o", "args"))
    assert lab.engine.inspect(container).state == "running"


def test_exec_without_a_shell_in_the_image(lab: Lab) -> None:
    container = lab.run(image=no_shell(SOCKET), command=("/sleep", "600"))
    for timeout_s in (None, 60):
        assert lab.engine.exec(container, ["/echo", "hi"], timeout_s=timeout_s).text == "hi\n"
    with pytest.raises(TimedOut, match="no shell"):
        lab.engine.exec(container, ["/sleep", "30"], timeout_s=2)


def test_exec_needs_a_running_container(lab: Lab) -> None:
    with pytest.raises(EngineError, match="not running"):
        lab.engine.exec(lab.engine.create(lab.spec()), ["true"])


def test_archives_go_in_and_out(lab: Lab) -> None:
    container = lab.engine.create(lab.spec(command=("cat", "/etc/greeting")))
    lab.engine.put_archive(container, "/etc", _tar({"greeting": b"hello\n", "d/x": b"\0\xff"}))
    lab.engine.start(container)
    lab.until(container, lambda status: status.state == "exited")
    assert b"".join(lab.engine.logs(container)) == b"hello\n"
    with tarfile.open(fileobj=io.BytesIO(lab.engine.get_archive(container, "/etc/d"))) as tar:
        assert tar.extractfile("d/x").read() == b"\0\xff"  # type: ignore[union-attr]
    with pytest.raises(NotFound, match="no such file: /etc/none"):
        lab.engine.get_archive(container, "/etc/none")


def test_logs_follow_until_the_end(lab: Lab) -> None:
    script = "echo one; until [ -e /go ]; do sleep 0.05; done; echo two >&2; echo three"
    container = lab.run(command=("sh", "-c", script))
    logs, said = lab.engine.logs(container, follow=True), b""
    while b"one\n" not in said:
        said += next(logs)
    lab.out(container, "touch", "/go")
    said += b"".join(logs)
    assert sorted(said.splitlines()) == [b"one", b"three", b"two"]
    assert b"".join(lab.engine.logs(container, tail=1)) in (b"two\n", b"three\n")


def test_logs_may_be_left_before_their_end(lab: Lab) -> None:
    container = lab.run(command=("sh", "-c", "echo one; sleep 600"))
    logs = lab.engine.logs(container, follow=True)
    assert next(logs) == b"one\n"
    logs.close()  # type: ignore[attr-defined]
    assert lab.engine.inspect(container).state == "running"


def test_an_image_is_known_by_name_and_id(engine: Engine) -> None:
    info = engine.image(busybox(SOCKET))
    assert info is not None and info.id.startswith("sha256:")
    assert busybox(SOCKET) in info.tags and info.command == ("sh",) and info.size_bytes > 0
    assert engine.image(info.id) == info


def test_images_are_listed_by_their_names(engine: Engine) -> None:
    (listed,) = [image for image in engine.list_images() if busybox(SOCKET) in image.tags]
    known = engine.image(busybox(SOCKET))
    assert known is not None
    assert (listed.id, listed.tags, listed.labels) == (known.id, known.tags, known.labels)
    assert listed.size_bytes > 0 and int(listed.created_at) == int(known.created_at)
    assert all(image.tags for image in engine.list_images())


def test_an_image_moves_by_save_and_load(engine: Engine) -> None:
    tag, labels = f"{PREFIX}/moved:{token_hex(4)}", {"moved": "yes"}
    built = engine.build(_context("ENV X=y"), tag=tag, labels=labels, timeout_s=120)
    archive = b"".join(engine.save(tag))
    engine.remove_image(tag)
    assert engine.image(tag) is None
    engine.load(archive[at : at + 65536] for at in range(0, len(archive), 65536))
    info = engine.image(tag)
    assert info is not None and info.id == built and info.labels["moved"] == "yes"
    engine.remove_image(tag)


def test_a_layer_that_is_there_need_not_be_in_the_archive(lab: Lab) -> None:
    engine, tag = lab.engine, f"{PREFIX}/parts:{token_hex(4)}"
    container = lab.engine.create(lab.spec())
    engine.put_archive(container, "/", _tar({"new": token_hex(2000).encode()}))
    made = engine.commit(container, reference=tag, labels={})
    base, info = engine.image(busybox(SOCKET)), engine.image(tag)
    assert base is not None and info is not None
    whole = b"".join(engine.save(tag))
    pieces = [whole[at : at + 4096] for at in range(0, len(whole), 4096)]
    parts = b"".join(without(pieces, base.layers))
    nothing = b"".join(without(pieces, info.layers))
    engine.remove_image(tag)
    assert len(parts) < 100_000 and len(nothing) < len(parts) - 4000
    with pytest.raises(EngineError):
        engine.load([nothing])
    assert engine.image(tag) is None
    engine.load([parts])
    loaded = engine.image(tag)
    assert loaded is not None and (loaded.id, loaded.layers) == (made, info.layers)
    again = lab.run(image=made, command=("cat", "/new"), entrypoint=())
    lab.until(again, lambda status: status.state == "exited")
    assert len(b"".join(engine.logs(again))) == 4000
    engine.remove(again)
    engine.remove(container)
    engine.remove_image(tag)


def test_what_is_no_archive_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError):
        engine.load([b"this is no image"])


def test_a_build_is_told_as_it_goes(engine: Engine, tag: str) -> None:
    """By arguments, up to a stage, from a Dockerfile of another name, in a file."""
    dockerfile = (
        f"ARG OF\nFROM $OF AS first\nARG WORD=none\nRUN echo one $WORD && echo two\n"
        f"FROM {busybox(SOCKET)}\nRUN echo not reached\n"
    )
    context = io.BytesIO(_tar({"sub/Other": dockerfile.encode()}))
    lines: list[str] = []
    args = {"OF": busybox(SOCKET), "WORD": "given"}
    built = engine.build(
        context,
        tag=tag,
        labels=LABELS,
        timeout_s=120,
        dockerfile="sub/Other",
        args=args,
        target="first",
        on_line=lines.append,
    )
    info = engine.image(tag)
    assert info is not None and info.id == built and info.labels.items() >= LABELS.items()
    assert lines[0].startswith("Step 1/") and lines.index("one given") < lines.index("two")
    assert "not reached" not in "".join(lines)


def test_a_build_that_fails_shows_its_last_lines(engine: Engine, tag: str) -> None:
    context = _context("RUN echo before; echo why it failed >&2; exit 9")
    with pytest.raises(CommandFailed, match="why it failed") as caught:
        engine.build(context, tag=tag, labels={}, timeout_s=120)
    assert caught.value.status == 9
    assert engine.image(tag) is None


@pytest.mark.parametrize(
    ("lines", "how"),
    [
        ("COPY missing /", {}),
        ("", {"target": "nowhere"}),
        ("", {"dockerfile": "nowhere"}),
    ],
)
def test_what_cannot_be_built_is_refused(
    engine: Engine, tag: str, lines: str, how: dict[str, str]
) -> None:
    with pytest.raises((CommandFailed, EngineError), match="nowhere|missing"):
        engine.build(_context(lines), tag=tag, labels={}, timeout_s=120, **how)  # type: ignore[arg-type]
    assert engine.image(tag) is None


def test_a_build_that_takes_too_long_is_ended(engine: Engine, tag: str) -> None:
    line = f"sleep 30.{randbelow(10**9)}"
    with pytest.raises(TimedOut, match="took more than 3 s"):
        engine.build(_context(f"RUN {line}"), tag=tag, labels={}, timeout_s=3)
    _until(lambda: not _runs(line))


@pytest.mark.parametrize("end", ["exit 9", "sleep 600"])
def test_a_build_that_ends_early_leaves_nothing(engine: Engine, tag: str, end: str) -> None:
    """No container, and none of the images of the steps before."""
    mark = token_hex(8)
    with pytest.raises((CommandFailed, TimedOut)):
        context = _context(f"ENV MARK={mark}\nRUN touch /{mark}\nRUN {end}")
        engine.build(context, tag=tag, labels={}, timeout_s=4)
    assert _made_with(mark) == []


def test_a_build_is_ended_with_who_listens(engine: Engine, tag: str) -> None:
    mark = token_hex(8)

    def leave(line: str) -> None:
        if line == "begun":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        context = _context(f"ENV MARK={mark}\nRUN echo begun; sleep 600")
        engine.build(context, tag=tag, labels={}, timeout_s=60, on_line=leave)
    assert _made_with(mark) == []


def test_what_a_step_says_does_not_remove_what_others_made(engine: Engine, tag: str) -> None:
    """It may say anything, also what an engine says of an image or a container."""
    other, spec = f"{tag}-other", Lab(engine).spec()
    victim = engine.build(_context("ENV OTHER=1"), tag=other, labels={}, timeout_s=60)
    container = engine.create(spec)
    image, running = victim.removeprefix("sha256:")[:12], container[:12]
    lies = f"printf ' ---> {image}\\n ---> Running in {running}\\n ---> {image}\\n'"
    with pytest.raises(CommandFailed):
        engine.build(_context(f"RUN {lies}; exit 1"), tag=tag, labels={}, timeout_s=60)
    assert engine.image(other) is not None and engine.inspect(spec.name)
    engine.remove_image(other)


def test_an_image_has_as_many_names_as_it_is_given(engine: Engine) -> None:
    first, second = (f"{PREFIX}/named:{token_hex(4)}" for _ in range(2))
    engine.tag(busybox(SOCKET), first)
    engine.tag(first, second)
    engine.tag(first, second)
    known = engine.image(busybox(SOCKET))
    assert known is not None and {first, second} <= set(known.tags)
    engine.remove_image(first)
    engine.remove_image(second)
    assert engine.image(busybox(SOCKET)) is not None
    with pytest.raises(ImageNotFound):
        engine.tag(f"{PREFIX}/none:1", first)


def test_volumes_go_by_their_labels(lab: Lab) -> None:
    volume = f"{PREFIX}-{token_hex(4)}"
    lab.engine.ensure_volume(volume, LABELS)
    lab.engine.ensure_volume(volume, LABELS)
    container = lab.run(volumes=(Volume(volume, "/data"),))
    lab.out(container, "touch", "/data/kept")
    with pytest.raises(EngineError, match="in use"):
        lab.engine.remove_volumes(LABELS)
    lab.engine.remove(container)
    again = lab.run(volumes=(Volume(volume, "/data"),))
    assert lab.out(again, "ls", "/data") == "kept"
    lab.engine.remove(again)
    lab.engine.remove_volumes(LABELS)
    lab.engine.remove_volumes(LABELS)
    lab.engine.ensure_volume(volume, LABELS)
    fresh = lab.run(volumes=(Volume(volume, "/data"),))
    assert lab.out(fresh, "ls", "/data") == ""


def test_volumes_are_listed_by_their_labels(engine: Engine) -> None:
    volume, other = (f"{PREFIX}-{token_hex(4)}" for _ in range(2))
    engine.ensure_volume(volume, {**LABELS, "size": "3"})
    engine.ensure_volume(other, {"of": other})
    assert engine.list_volumes(LABELS) == {volume: {**LABELS, "size": "3"}}
    assert engine.list_volumes({**LABELS, "size": "4"}) == {}
    assert engine.list_volumes({"of": other}) == {other: {"of": other}}
    engine.remove_volume(other)


def test_a_volume_goes_from_one_to_another_piece_by_piece(lab: Lab) -> None:
    names = [f"{PREFIX}-{token_hex(4)}" for _ in range(2)]
    for name in names:
        lab.engine.ensure_volume(name, LABELS)
        assert lab.engine.has_volume(name)
    box = lab.run(volumes=(Volume(names[0], "/data"),))
    tree = _tar({"keep/it": b"kept\n", "big": bytes(3_000_000)})
    lab.engine.put_archive(box, "/data", tree)
    lab.engine.stop(box, grace_s=0)
    for_reading = lab.engine.create(lab.spec(volumes=(Volume(names[0], "/data", True),)))
    other = lab.engine.create(lab.spec(volumes=(Volume(names[1], "/from/data"),)))

    chunks = lab.engine.read_archive(for_reading, "/data")
    lab.engine.write_archive(other, "/from", chunks)

    reader = lab.run(volumes=(Volume(names[1], "/copy", True),))
    assert lab.out(reader, "cat", "/copy/keep/it") == "kept"
    with tarfile.open(fileobj=io.BytesIO(lab.engine.get_archive(reader, "/copy/big"))) as tar:
        assert tar.getmembers()[0].size == 3_000_000
    with pytest.raises(EngineError, match="in use"):
        lab.engine.remove_volume(names[1])
    for container in (box, for_reading, other, reader):
        lab.engine.remove(container)
    for name in names:
        lab.engine.remove_volume(name)
        lab.engine.remove_volume(name)
        assert not lab.engine.has_volume(name)


def test_an_archive_that_breaks_off_is_an_error(lab: Lab) -> None:
    def broken() -> Iterator[bytes]:
        yield _tar({"big": bytes(100_000)})[:50_000]
        raise Unreachable("the source is gone")

    with pytest.raises(Unreachable, match="the source is gone"):
        lab.engine.write_archive(lab.engine.create(lab.spec()), "/tmp", broken())
    with pytest.raises(NotFound, match="no such file"):
        list(lab.engine.read_archive(lab.engine.create(lab.spec()), "/none"))


def test_a_restart_policy_can_be_changed(lab: Lab) -> None:
    short = ("sh", "-c", "sleep 1")
    container = lab.run(command=short, restart=Restart("always"))
    lab.engine.set_restart(container, Restart("no"))
    lab.until(container, lambda status: status.state == "exited")


def told(
    events: Generator[EngineEvent | None, None, None], until: Callable[[EngineEvent], bool]
) -> list[EngineEvent]:
    """What was told, up to the event that is waited for."""
    deadline = time.monotonic() + 60
    found: list[EngineEvent] = []
    for event in events:
        assert time.monotonic() < deadline, found
        if event:
            found.append(event)
            if until(event):
                return found
    raise AssertionError("events ended without an error")


def test_events_tell_what_befalls_containers(lab: Lab) -> None:
    spec = lab.spec()
    with closing(lab.engine.events(LABELS)) as events:
        container = lab.engine.create(spec)
        lab.engine.start(container)
        lab.engine.restart(container, grace_s=0)
        lab.engine.stop(container, grace_s=0)
        lab.engine.remove(container)
        found = told(events, lambda event: event.action == "destroy")
    assert {(event.engine_id, event.name) for event in found} == {(container, spec.name)}
    actions = [event.action for event in found]
    assert actions == ["start", "die", *(["stop"] * (actions.count("stop") - 1)), "start"] + [
        "die",
        "stop",
        "destroy",
    ]
    codes = [event.exit_code for event in found if event.action == "die"]
    assert len(codes) == 2 and all(code in (137, 143) for code in codes)
    assert [event.at for event in found] == sorted(event.at for event in found)
    assert abs(found[0].at - time.time()) < 300


def test_events_tell_of_a_program_that_ends_and_of_health(lab: Lab) -> None:
    check = HealthCheck(("true",), interval_s=1, timeout_s=10)
    with closing(lab.engine.events(LABELS)) as events:
        ending = lab.run(command=("sh", "-c", "exit 3"))
        (died,) = [e for e in told(events, lambda event: event.action == "die") if e.exit_code]
        assert (died.engine_id, died.exit_code) == (ending, 3)
        checked = lab.run(health=check)
        found = told(events, lambda event: event.action == "health_status")
    assert (found[-1].engine_id, found[-1].health) == (checked, "healthy")


def test_events_are_of_the_wanted_containers_from_now_on(lab: Lab) -> None:
    """None while nothing happens, so that whoever listens can stop."""
    lab.run()
    with closing(lab.engine.events({**LABELS, f"{PREFIX}-some": "1"}, wait_s=0.2)) as events:
        began = time.monotonic()
        assert next(events) is None
        assert time.monotonic() - began < 30
        lab.run()
        assert next(events) is None
        some = lab.run(labels={**LABELS, f"{PREFIX}-some": "1"})
        (event,) = told(events, lambda event: True)
    assert (event.action, event.engine_id) == ("start", some)


def test_sixteen_threads_share_one_engine(engine: Engine, box: str) -> None:
    def one(number: int) -> str:
        engine.inspect(box)
        return engine.exec(box, ["echo", str(number)], timeout_s=60).text

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(16))) == [f"{number}\n" for number in range(16)]


def test_a_removal_that_two_want_succeeds_for_both(lab: Lab) -> None:
    container = lab.run()
    errors: list[BaseException] = []

    def remove() -> None:
        try:
            lab.engine.remove(container)
        except Exception as error:  # noqa: BLE001 - it is the test's result
            errors.append(error)

    threads = [threading.Thread(target=remove) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_it_goes_on_after_being_closed(engine: Engine) -> None:
    engine.close()
    assert engine.info().version


def test_no_engine_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no answer from the Docker Engine"):
        open_engine(str(tmp_path / "none.sock"), name="there")


def _context(line: str) -> bytes:
    return _tar({"Dockerfile": f"FROM {busybox(SOCKET)}\n{line}\n".encode()})


def _tar(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def _made_with(mark: str) -> list[str]:
    """All images and containers, also those without a name, that have it in their environment."""
    from docker import APIClient
    from docker.errors import NotFound as Gone

    client: Any = APIClient(f"http+unix://{SOCKET}", version="auto")
    client.trust_env = False
    found = []
    with closing(client):
        seen = [(client.inspect_image, image["Id"]) for image in client.images(all=True)]
        seen += [(client.inspect_container, each["Id"]) for each in client.containers(all=True)]
        for inspect, known in seen:
            with suppress(Gone):  # others work here too
                if f"MARK={mark}" in (inspect(known)["Config"]["Env"] or []):
                    found.append(known)
    return found


def _runs(line: str) -> bool:
    words = line.replace(" ", "\0").encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if words in (process / "cmdline").read_bytes():
                return True
    return False


def _answer(port: int) -> bytes:
    deadline = time.monotonic() + 20
    while True:
        with suppress(OSError), socket.create_connection((ADDRESS, port), 5) as sock:
            if data := sock.recv(100):
                return data
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("0.0.0.0", 0))
        return int(sock.getsockname()[1])


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
