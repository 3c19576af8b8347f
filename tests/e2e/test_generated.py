"""Images that are generated on real hosts, and how they come to the others."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from statistics import median

import docker
import pytest
from generated_world import GeneratedWorld, engine_of, generated_world, on, timed, watched
from images import busybox

from clocker.cloud import Cloud
from clocker.model import ContainerRequest, Resources, Secret

pytestmark = pytest.mark.hosts

PLANTED = "tell-nobody-4711"
RANDOM = "head -c 12 /dev/urandom | hexdump -e '/1 \"%02x\"' > /made"


@pytest.fixture(scope="module")
def world(
    engine: docker.DockerClient, base_image: str, ready_node_image: str
) -> Iterator[GeneratedWorld]:
    with generated_world(engine, base_image, ready_node_image) as world:
        yield world


@pytest.fixture
def emptied(world: GeneratedWorld) -> Iterator[GeneratedWorld]:
    yield world
    world.cloud.clocker("rm", "--all", "--yes")
    world.cloud.assert_agrees()


def test_the_first_installs_and_the_others_start_from_what_came_of_it(
    emptied: GeneratedWorld,
) -> None:
    world, (first, second) = emptied, emptied.hosts
    with world.cloud.opened() as cloud:
        for host in (first, second):  # what is measured is the install, not how the base comes
            cloud.obtain(ContainerRequest(world.base, Resources(0.1, 64), rules=on(host)))
        one, installed_s = timed(cloud, world.web("one", first))
        cloud.sharing.finish()
        again_s = [timed(cloud, world.web(f"again-{n}", first))[1] for n in range(3)]
        here, there = watched(cloud, first), watched(cloud, second)
        other, pulled_s = timed(cloud, world.web("other", second))
        assert (here.calls, there.calls) == ([], ["pull"])
        _forget(cloud, second, "other")
        world.registry.kill()
        there.calls.clear()
        straight, copied_s = timed(cloud, world.web("straight", second))
        # It was known to be there a moment ago: this process has not yet heard of its end.
        assert there.calls == ["pull", "load"]
        world.registry.start()
        for machine in (one, straight):
            assert machine.run(["nginx", "-v"]).ok and machine.run(["git", "--version"]).ok
        assert one.record.image_id == straight.record.image_id == other.record.image_id
    print(f"\n{installed_s=:.2f} {again_s=} {pulled_s=:.2f} {copied_s=:.2f}")
    assert installed_s > 10 * median(again_s)


def test_no_layer_holds_a_credential(emptied: GeneratedWorld) -> None:
    world, (first, _) = emptied, emptied.hosts
    secret = Secret("token", "token", env="PLANTED_FILE")
    request = world.web("web", first, env={"PLANTED": PLANTED}, ssh=True, secrets=(secret,))
    with pytest.MonkeyPatch.context() as patched, world.cloud.opened() as cloud:
        patched.setenv("PLANTED_FILE", f"{PLANTED}-file")
        web = cloud.obtain(request)
        assert web.run(["sh", "-c", "echo $PLANTED"]).text.strip() == PLANTED
        assert web.run(["cat", "/run/secrets/token"]).text == f"{PLANTED}-file"
        private = web.run(["cat", "/etc/ssh/clocker/host_key"]).text.splitlines()[2]
        engine = engine_of(cloud, first)
        ssh = engine.image(web.record.image_id or "")
        assert ssh is not None
        generated = engine.image(ssh.labels["clocker.base"])
        assert generated is not None and "clocker.install" in generated.labels
        for image in (generated, ssh):
            seen = _contents(b"".join(engine.save(image.id)))
            assert b"nginx" in seen and len(seen) > 50_000_000, "the layers were read"
            assert PLANTED.encode() not in seen and private.encode() not in seen


def test_ten_at_once_on_two_hosts_install_once(emptied: GeneratedWorld) -> None:
    world = emptied
    runs = [
        world.cloud.begin(
            *("-q", "run", "--count", "2", "--name", f"w{number}", "--rule", "breadth_first"),
            *("--install-run", f"sleep 2; {RANDOM}", busybox(), "sleep", "1000000"),
        )
        for number in range(5)
    ]
    for run in runs:
        out, err = run.communicate(timeout=240)
        assert run.returncode == 0, (out, err)
    containers = world.cloud.containers()
    assert len(containers) == 10 and len({c["host"] for c in containers.values()}) == 2
    with world.cloud.opened() as cloud:
        made = {cloud.machine(name).run(["cat", "/made"]).text for name in containers}
        installs = [e for e in cloud.events(limit=1000) if e.verb == "install"]
    assert len(made) == 1 and len(made.pop()) == 24
    assert [e.outcome for e in installs if e.subject in containers].count("done") == 1


def _forget(cloud: Cloud, host: str, name: str) -> None:
    """The container, and the image that it was made of, on one host."""
    used = cloud.machine(name).record.image_id
    cloud.release(name)
    names = [view.name for view in cloud.images() if view.id == used]
    cloud.stock().remove(names, [host])
    assert engine_of(cloud, host).image(used or "") is None


def _contents(archive: bytes) -> bytes:
    """Of an image: its configuration and all files of all layers, after one another."""
    found = []
    with tarfile.open(fileobj=io.BytesIO(archive)) as outer:
        for entry in outer:
            data = outer.extractfile(entry) if entry.isfile() else None
            found.append(data.read() if data else b"")
    return b"\n".join(found)
