"""A registry of the cloud's own, with TLS and a password, on two real hosts: pushed to from one,
pulled from by the other, and what goes wrong with it."""

from __future__ import annotations

import io
import signal
import tarfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from images import busybox
from real_cloud import RealCloud, until
from registry import program

from clocker.cloud.logins import own_password
from clocker.cloud.registry_files import DATA, registry_files

pytestmark = pytest.mark.hosts

BIG = 64 * 1024 * 1024
_INSTALLS = f"{DATA}/docker/registry/v2/repositories/clocker/install"
UPLOADING = f"find {_INSTALLS}/_uploads -name data -size +1M 2>/dev/null"
TAGS = f"ls {_INSTALLS}/_manifests/tags 2>/dev/null"


def image_of(engine: docker.DockerClient, dockerfile: str, files: dict[str, bytes]) -> str:
    """Built on this machine, where hosts find it."""
    tag, context = f"clocker-test/registry:{uuid.uuid4().hex[:8]}", io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, data in {"Dockerfile": dockerfile.encode(), **files}.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    context.seek(0)
    engine.images.build(fileobj=context, custom_context=True, tag=tag, network_mode="none", rm=True)
    return tag


@pytest.fixture(scope="module")
def registry_image(engine: docker.DockerClient, base_image: str) -> Iterator[str]:
    """The distribution's program in the distribution."""
    dockerfile = (
        f"FROM {base_image}\nCOPY docker-registry /usr/bin/\n"
        'ENTRYPOINT ["docker-registry", "serve"]\n'
    )
    tag = image_of(engine, dockerfile, {"docker-registry": Path(program()).read_bytes()})
    yield tag
    engine.images.remove(tag, force=True)


@pytest.fixture(scope="module")
def cloud(pair: RealCloud, registry_image: str) -> Iterator[RealCloud]:
    began = time.monotonic()
    made = pair.json("registry", "run", "--image", registry_image)["registry"]
    print(f"\nregistry run: {time.monotonic() - began:.1f} s")
    assert made["name"] == f"registry.{pair.name}.clocker:5000" and made["shared"]
    yield pair
    pair.clocker("registry", "rm", "--data", "--yes", "registry")


def name(cloud: RealCloud) -> str:
    return f"registry.{cloud.name}.clocker:5000"


def hosts(cloud: RealCloud) -> list[str]:
    return sorted(host["name"] for host in cloud.json("hosts")["hosts"])


def test_both_hosts_are_let_in_and_it_is_a_container_like_others(cloud: RealCloud) -> None:
    checks = cloud.json("registry", "login-check", "registry")["checks"]
    assert [(item["host"], item["ok"]) for item in checks] == [(h, True) for h in hosts(cloud)]
    assert cloud.containers()["registry"]["state"] == "running"
    (listed,) = cloud.json("registry", "ls")["registries"]
    assert listed["container"] == "registry" and listed["state"] == "running"
    assert "nothing to do" in cloud.clocker("up").stdout


@pytest.fixture(scope="module")
def pushed(cloud: RealCloud, engine: docker.DockerClient) -> str:
    """An image that one host has, and the registry."""
    tag = image_of(engine, f"FROM {busybox()}\nENV PUSHED=yes\n", {})
    first = hosts(cloud)[0]
    cloud.clocker("image", "copy", tag, first)
    found = cloud.json("image", "push", tag, f"{name(cloud)}/team/app:1", "--host", first)
    assert found["digest"].startswith("sha256:") and found["host"] == first
    engine.images.remove(tag, force=True)
    return f"{name(cloud)}/team/app:1"


def test_what_one_host_pushes_the_other_pulls(cloud: RealCloud, pushed: str) -> None:
    second = hosts(cloud)[1]
    found = cloud.json("image", "pull", pushed, "--host", second)
    assert found["hosts"] == [second]
    cloud.clocker("run", "--name", "app", pushed, "sleep", "600")
    assert cloud.exec("app", "sh", "-c", "echo $PUSHED") == "yes"
    cloud.clocker("rm", "--yes", "app")
    unknown = cloud.clocker("image", "pull", f"{name(cloud)}/team/none:1", status=4).stderr
    assert f"registry {name(cloud)} has no image" in unknown


def test_a_wrong_password_is_said_and_shown_nowhere(cloud: RealCloud, pushed: str) -> None:
    """Given for the registry by clocker.yaml, it stands before the cloud's own."""
    entry = {"name": name(cloud), "username": "ci", "password": "${PLANTED}"}
    planted = f"planted-{uuid.uuid4().hex}"
    cloud.write(registries=[entry])
    try:
        ran = cloud.begin("-v", "image", "pull", pushed, env={"PLANTED": planted})
        seen = []
        while ran.poll() is None:
            seen += [line for _, line in cloud.processes() if planted in line]
            time.sleep(0.02)
        out, err = ran.communicate()
        assert ran.returncode == 4
        assert "does not accept the user or the password" in err and "remedy" in err
        ran = cloud.begin("registry", "ls", "--json", env={"PLANTED": planted})
        listed, _ = ran.communicate(timeout=60)
        assert name(cloud) in listed
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(cloud.env, "PLANTED", planted)
            assert_nowhere(cloud, planted, out + err + listed + "".join(seen))
    finally:
        cloud.write(registries=[])


def test_the_clouds_own_password_is_nowhere_either(cloud: RealCloud, pushed: str) -> None:
    with cloud.opened() as opened:
        password = own_password(opened.parts.keys, cloud.name, "registry")
    assert_nowhere(cloud, password, cloud.clocker("-v", "image", "pull", pushed).stderr)
    told = cloud.exec("registry", "cat", "/etc/docker/registry/htpasswd")
    assert told.startswith("clocker:$2b$") and password not in told


def assert_nowhere(cloud: RealCloud, secret: str, shown: str) -> None:
    """What was shown, the folder with the store, events and JSON; and on the hosts what the engines
    tell of containers and images, their logs and files."""
    assert secret not in shown
    for path in (cloud.folder / "state").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path
    for verb in (("events", "--json"), ("ps", "--json"), ("inspect", "registry")):
        assert secret not in cloud.clocker(*verb).stdout
    look = (
        f"set -- {secret[:8]} {secret[8:]}; secret=$1$2; "
        "{ docker ps -aq | xargs -r docker inspect; docker images -q | xargs -r docker history "
        "--no-trunc; docker images -q | xargs -r docker inspect; journalctl -q -u docker; "
        "cat /root/.docker/config.json /etc/docker/daemon.json; "
        'grep -rh "$secret" /etc /var/lib/docker/containers; } 2>/dev/null '
        '| grep -c "$secret"'
    )
    with cloud.opened() as opened:
        for view in opened.hosts():
            said = opened.parts.connections.shell(view.host).run(look)
            assert said.text.strip() == "0", said


def test_an_expired_certificate_is_said_and_renewed(cloud: RealCloud, pushed: str) -> None:
    with cloud.opened() as opened:
        parts, container = opened.parts, opened.machine("registry").record
        past = replace(parts, clock=lambda: time.time() - 400 * 24 * 3600)
        made = opened.machine("registry")
        made.engine.put_archive(made.engine_name, "/", registry_files(past, container))
        made.engine.restart(made.engine_name)
    until(lambda: "has expired" in checked(cloud), 60)
    failed = cloud.clocker("image", "pull", pushed, status=4).stderr
    assert f"the certificate of registry {name(cloud)} has expired" in failed
    cloud.clocker("registry", "run")
    assert checked(cloud).count("is let in") == 2


def checked(cloud: RealCloud) -> str:
    return cloud.clocker("registry", "login-check", "registry", status=None).stdout


def test_a_registry_that_is_stopped(cloud: RealCloud, pushed: str) -> None:
    """What a host has needs none; what it has not comes from another host."""
    cloud.clocker("stop", "registry")
    failed = cloud.clocker("image", "pull", pushed, status=4).stderr
    assert f"registry {name(cloud)} cannot be reached" in failed and "remedy" in failed
    for number in range(2):
        cloud.clocker("run", "--name", f"app-{number}", pushed, "sleep", "600")
    cloud.clocker("rm", "--yes", "app-0", "app-1")
    cloud.clocker("start", "registry")
    until(lambda: checked(cloud).count("is let in") == 2, 60)


def test_a_push_whose_process_is_killed_is_taken_up(cloud: RealCloud) -> None:
    """Nobody waits for it; half of it is nothing; and the next command goes on with it."""
    first, second = hosts(cloud)
    big = ("--install-run", f"head -c {BIG} /dev/urandom > /big", busybox(), "sleep", "600")
    with cloud.opened() as opened:
        registry = opened.machine("registry")
        push = cloud.begin("-v", "run", "--name", "one", "--rule", f"hostname={first}", *big)
        assert push.stdout is not None
        assert push.stdout.readline().startswith("one "), "it runs before it is shared"
        until(lambda: bool(registry.run(["sh", "-c", UPLOADING]).text.strip()))
        push.send_signal(signal.SIGKILL)
        push.communicate()
        assert registry.run(["sh", "-c", TAGS]).text == "", "no tag before all is there"
        size = cloud.exec("one", "stat", "-c", "%s", "/big")
        assert size == str(BIG) and shared(cloud) == []
        cloud.clocker("heal")
        assert len(registry.run(["sh", "-c", TAGS]).text.split()) == 1
    assert shared(cloud) == ["shared"]
    ran = cloud.clocker("-v", "run", "--name", "two", "--rule", f"hostname={second}", *big)
    assert "install:" not in ran.stderr, "it is pulled"
    one, two = (cloud.exec(name, "sha256sum", "/big") for name in ("one", "two"))
    assert one == two
    cloud.clocker("rm", "--yes", "one", "two")


def shared(cloud: RealCloud) -> list[str]:
    with cloud.opened() as opened:
        return [event.outcome for event in opened.events(limit=1000) if event.verb == "share"]
