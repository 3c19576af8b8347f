"""Images on this machine's own engine: an sshd layered over real ones, logged into by plain ssh;
and copies between names, as between engines."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import docker
import pytest

from clocker.engine import open_engine
from clocker.errors import BadInput, CommandFailed, ImageNotFound
from clocker.images import Images, credentials_tar, launch, layer_tag, layered
from clocker.interfaces import Engine, KeyPair
from clocker.model import ContainerRequest, ContainerSpec, ImageInfo
from clocker.providers.node_image import ensure_base_image
from clocker.testing import FakeEngine, FakeKeys

pytestmark = pytest.mark.hosts

SOCKET = "/var/run/docker.sock"
RUN = f"clocker-images-{uuid.uuid4().hex[:8]}"
KEYS = FakeKeys(RUN)
USER, HOST_KEY = KEYS.derive("user", "tester"), KEYS.derive("container", "one")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = open_engine(SOCKET)
    yield engine
    for status in engine.list({"clocker.test": RUN}):
        engine.remove(status.engine_id)
    engine.close()


@pytest.fixture(scope="module")
def base(engine: Engine) -> Iterator[ImageInfo]:
    """The distribution, as an image of this run: so is every layer over it."""
    client = docker.DockerClient(f"unix://{SOCKET}")
    client.api.trust_env = False
    context = tar_of({"Dockerfile": f"FROM {ensure_base_image(client)}\n"})
    made = engine.build(context, tag=f"{RUN}:base", labels={"clocker.test": RUN}, timeout_s=120)
    found = engine.image(made)
    assert found
    yield found
    remove_with_layer(engine, found)
    # A build that fails leaves what it had come to.
    client.images.prune({"dangling": True, "label": f"clocker.test={RUN}"})
    client.close()


@pytest.fixture(scope="module")
def layer(engine: Engine, base: ImageInfo) -> ImageInfo:
    return layered(engine, base)


@pytest.fixture
def derive(engine: Engine, base: ImageInfo) -> Iterator[Callable[[str], ImageInfo]]:
    """Make images of the base and some lines of a Dockerfile; they and their layers go again."""
    made: list[ImageInfo] = []

    def make(lines: str, files: dict[str, str] | None = None, parent: str = "") -> ImageInfo:
        tag = f"{RUN}:{len(made)}"
        dockerfile = f"FROM {parent or base.id}\n{lines}\n"
        context = tar_of({"Dockerfile": dockerfile, **(files or {})})
        labels = {"clocker.test": RUN}
        found = engine.image(engine.build(context, tag=tag, labels=labels, timeout_s=120))
        assert found
        made.append(found)
        return found

    yield make
    for image in reversed(made):
        remove_with_layer(engine, image)


def remove_with_layer(engine: Engine, image: ImageInfo) -> None:
    for status in engine.list({"clocker.test": RUN}):
        if status.image_id in (image.id, getattr(engine.image(layer_tag(image)), "id", "")):
            engine.remove(status.engine_id)
    engine.remove_image(layer_tag(image))
    engine.remove_image(image.tags[0])


def tar_of(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


@dataclass
class Ssh:
    """Plain ssh, which accepts one host key only."""

    folder: Path
    address: str

    def run(
        self, command: str, key: KeyPair = USER, host_key: KeyPair = HOST_KEY
    ) -> subprocess.CompletedProcess[str]:
        identity, known = self.folder / "id", self.folder / "known_hosts"
        identity.touch(mode=0o600)
        identity.write_text(key.private)
        known.write_text(f"{self.address} {host_key.public}\n")
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}"]
        options += ["IdentitiesOnly=yes", "ConnectTimeout=10", "GlobalKnownHostsFile=/dev/null"]
        flags = [word for option in options for word in ("-o", option)]
        argv = ["ssh", "-F", "/dev/null", "-i", str(identity), *flags, f"root@{self.address}"]
        return subprocess.run(  # noqa: S603
            [*argv, command], capture_output=True, text=True, timeout=30, check=False
        )


def start(
    engine: Engine, base: ImageInfo, request: ContainerRequest, folder: Path
) -> tuple[str, Ssh]:
    """As a Cloud does it: create, put the keys, start."""
    image, how = Images().prepare(engine, request, list)
    spec = ContainerSpec(
        name=f"{RUN}-{uuid.uuid4().hex[:6]}",
        image=image.id,
        hostname="one",
        labels={"clocker.test": RUN},
        entrypoint=how.entrypoint,
        command=how.command,
        user=how.user,
        interactive=how.interactive,
        init=how.init,
    )
    made = engine.create(spec)
    if request.ssh:
        engine.put_archive(made, "/", credentials_tar(HOST_KEY.private, [USER.public]))
    engine.start(made)
    address = engine.inspect(made).address
    assert address
    ssh = Ssh(folder, address)
    if request.ssh:
        await_(lambda: ssh.run("true").returncode == 0)
    return made, ssh


def await_(condition: Callable[[], bool], timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_plain_ssh_with_the_right_keys_only(
    engine: Engine, base: ImageInfo, layer: ImageInfo, tmp_path: Path
) -> None:
    made, ssh = start(engine, base, ContainerRequest(base.id, ssh=True), tmp_path)
    assert ssh.run("hostname; id -u").stdout == "one\n0\n"
    stranger = ssh.run("true", key=KEYS.derive("user", "stranger"))
    assert "Permission denied (publickey)" in stranger.stderr
    other_host = ssh.run("true", host_key=KEYS.derive("container", "other"))
    assert "Host key verification failed" in other_host.stderr
    engine.restart(made)
    await_(lambda: ssh.run("true").returncode == 0)
    began = time.monotonic()
    engine.stop(made)
    assert time.monotonic() - began < 5, "sshd as first process heeds the stop"
    engine.remove(made)


def test_files_are_copied_by_sftp(
    engine: Engine, base: ImageInfo, layer: ImageInfo, tmp_path: Path
) -> None:
    made, ssh = start(engine, base, ContainerRequest(base.id, ssh=True), tmp_path)
    ssh.run("true")
    (tmp_path / "file").write_text("content")
    target = f"root@{ssh.address}:/root/copied"
    options = ["-o", f"UserKnownHostsFile={tmp_path}/known_hosts", "-o", "BatchMode=yes"]
    subprocess.run(  # noqa: S603
        ["scp", "-q", "-F", "/dev/null", "-i", f"{tmp_path}/id", *options, "-s"]
        + [str(tmp_path / "file"), target],
        check=True,
        timeout=30,
    )
    assert engine.exec(made, ["cat", "/root/copied"]).stdout == b"content"
    engine.remove(made)


def test_the_images_program_runs_beside_sshd_as_its_user(
    engine: Engine, layer: ImageInfo, derive: Callable[..., ImageInfo], tmp_path: Path
) -> None:
    image = derive(
        'USER www-data:staff\nENTRYPOINT ["sh", "-c", "id > /tmp/who; echo $HOME >> /tmp/who; '
        'echo \\"$1\\" >> /tmp/who; exec sleep 600", "-"]\nCMD ["the argument"]',
        parent=layer.id,
    )
    made, ssh = start(engine, image, ContainerRequest(image.id, ssh=True), tmp_path)
    await_(lambda: ssh.run("test -s /tmp/who").returncode == 0)
    assert ssh.run("cat /tmp/who").stdout.splitlines() == [
        "uid=33(www-data) gid=50(staff) groups=50(staff)",
        "/var/www",
        "the argument",
    ]
    assert ssh.run("tr '\\0' ' ' < /proc/1/cmdline").stdout.strip() == "sleep 600"
    assert ssh.run("id -u").stdout == "0\n"
    engine.remove(made)


def test_a_program_that_ends_ends_its_container(
    engine: Engine, layer: ImageInfo, derive: Callable[..., ImageInfo], tmp_path: Path
) -> None:
    program = 'CMD ["sh", "-c", "until test -e /tmp/go; do sleep 0.1; done; exit 7"]'
    image = derive(program, parent=layer.id)
    made, ssh = start(engine, image, ContainerRequest(image.id, ssh=True), tmp_path)
    ssh.run("touch /tmp/go")
    await_(lambda: engine.inspect(made).state == "exited")
    assert engine.inspect(made).exit_code == 7
    engine.remove(made)


def test_without_keys_it_does_not_pretend_to_run(
    engine: Engine, base: ImageInfo, layer: ImageInfo
) -> None:
    how = launch(ContainerRequest(base.id, ssh=True), base)
    made = engine.create(
        ContainerSpec(
            f"{RUN}-bare",
            layer.id,
            "one",
            {"clocker.test": RUN},
            entrypoint=how.entrypoint,
            command=how.command,
        )
    )
    engine.start(made)
    await_(lambda: engine.inspect(made).state == "exited")
    assert engine.inspect(made).exit_code != 0
    assert b"no hostkeys available" in b"".join(engine.logs(made))
    engine.remove(made)


def test_no_layer_holds_a_key(engine: Engine, layer: ImageInfo, tmp_path: Path) -> None:
    """Neither ours nor one that a package made: every file of every layer is looked at."""
    archive = tmp_path / "image.tar"
    with archive.open("wb") as file:
        file.writelines(engine.save(layer.tags[0]))
    seen = 0
    with tarfile.open(archive) as outer:
        for name in layer_files(outer):
            stream = outer.extractfile(name)
            assert stream
            with tarfile.open(fileobj=stream) as inner:
                for member in inner:
                    seen += 1
                    assert "ssh_host_" not in Path(member.name).name.removeprefix(".wh.")
                    if member.name.startswith(("etc/ssh", "root", "usr/lib/clocker")):
                        data = inner.extractfile(member) if member.isfile() else None
                        assert b"PRIVATE KEY" not in (data.read() if data else b"")
                        assert Path(member.name).name not in ("host_key", "authorized_keys")
    assert seen > 1000, "the layers were read"


def layer_files(image: tarfile.TarFile) -> list[str]:
    manifest = image.extractfile("manifest.json")
    assert manifest
    return list(json.load(manifest)[0]["Layers"])


def test_the_layer_is_built_once(engine: Engine, base: ImageInfo, layer: ImageInfo) -> None:
    assert layered(engine, base) == layer
    assert layer.tags == (layer_tag(base),)
    assert layer.labels["clocker.layer"] == "ssh"
    assert (layer.command, layer.entrypoint) == (base.command, base.entrypoint)


def test_an_image_with_an_sshd_needs_no_package_manager(
    engine: Engine, layer: ImageInfo, derive: Callable[..., ImageInfo]
) -> None:
    image = derive("RUN rm -f /usr/bin/apt-get", parent=layer.id)
    assert layered(engine, image).id != image.id


def test_a_locked_root_account_is_let_in(
    engine: Engine, layer: ImageInfo, derive: Callable[..., ImageInfo], tmp_path: Path
) -> None:
    locked = "RUN sed -i 's/^root:[^:]*:/root:!locked:/' /etc/shadow"
    image = derive(locked, parent=layer.id)
    made, ssh = start(engine, image, ContainerRequest(image.id, ssh=True), tmp_path)
    assert ssh.run("id -u").stdout == "0\n"
    engine.remove(made)


def test_an_image_without_package_manager_is_refused(
    engine: Engine, derive: Callable[[str], ImageInfo]
) -> None:
    image = derive("RUN rm -f /usr/bin/apt-get")
    with pytest.raises(BadInput, match="none of apt, dnf, yum and apk"):
        layered(engine, image)


def test_an_image_without_a_shell_is_refused(
    engine: Engine, derive: Callable[..., ImageInfo]
) -> None:
    image = derive("COPY file /file", {"file": "x"}, parent="scratch")
    with pytest.raises(BadInput, match="no shell"):
        layered(engine, image)


@pytest.mark.parametrize("tool", ["dnf", "microdnf", "yum", "apk"])
def test_every_other_family_is_asked_in_its_own_way(
    engine: Engine, derive: Callable[..., ImageInfo], tool: str
) -> None:
    """Its package tool is played by a script that notes its arguments and brings an sshd."""
    script = (
        f'#!/bin/sh\necho "$@" >> /asked\n[ "$#-{tool}" != 4-apk ] || exit 1\n'
        "printf '#!/bin/sh\\n' > /usr/sbin/sshd\nchmod 755 /usr/sbin/sshd\n"
        "mkdir -p /etc/ssh\ntouch /etc/ssh/ssh_host_rsa_key\n"
    )
    image = derive(f"RUN rm -f /usr/bin/apt-get\nCOPY {tool} /usr/bin/{tool}", {tool: script})
    layer = layered(engine, image)
    spec = ContainerSpec(
        f"{RUN}-{tool}", layer.id, tool, {"clocker.test": RUN}, command=("sleep", "600")
    )
    made = engine.create(spec)
    engine.start(made)
    asked = engine.exec(made, ["cat", "/asked"]).text.splitlines()
    assert "openssh-server" in asked[-1].split()
    assert not {"add", "install"}.isdisjoint(asked[-1].split())
    assert len(asked) == (2 if tool == "apk" else 1)
    assert engine.exec(made, ["ls", "/etc/ssh"]).text.split() == ["clocker"]
    engine.remove(made)


def test_an_installation_that_fails_says_its_last_lines(
    engine: Engine, derive: Callable[..., ImageInfo]
) -> None:
    script = "#!/bin/sh\necho no mirror answers >&2\nexit 1\n"
    image = derive("RUN rm -f /usr/bin/apt-get\nCOPY dnf /usr/bin/dnf", {"dnf": script})
    with pytest.raises(CommandFailed) as failed:
        layered(engine, image)
    assert "no mirror answers" in failed.value.tail


def test_an_image_that_is_only_a_shell_keeps_running(
    engine: Engine, base: ImageInfo, tmp_path: Path
) -> None:
    made, _ = start(engine, base, ContainerRequest(base.id), tmp_path)
    assert engine.exec(made, ["echo", "alive"], timeout_s=10).stdout == b"alive\n"
    assert engine.inspect(made).state == "running"
    engine.remove(made)


def test_an_image_that_nobody_has_is_refused_soon(engine: Engine) -> None:
    began = time.monotonic()
    with pytest.raises(ImageNotFound) as refused:
        Images().ensure(engine, f"{RUN}-nowhere:1", lambda: [("other", FakeEngine())])
    assert "other: does not have it" in refused.value.what
    assert "registry docker.io: " in refused.value.what
    assert time.monotonic() - began < 20


def test_a_copy_streams_from_one_real_engine(
    engine: Engine, derive: Callable[[str], ImageInfo]
) -> None:
    """There is one engine here: the target forgets the image before it is copied back."""
    image = derive("LABEL clocker.test.copy=1")
    archive = list(engine.save(image.tags[0]))
    engine.remove_image(image.tags[0])

    class Source(FakeEngine):
        def save(self, reference: str):  # type: ignore[no-untyped-def]
            return iter(archive)

    source = Source()
    source.add_image(image.tags[0], replace(image, tags=()))
    copied = Images().ensure(engine, image.tags[0], lambda: [("source", source)])
    assert copied == image
    assert len(archive) > 1
