from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import replace

import pytest

from clocker.errors import BadInput, CommandFailed
from clocker.images import credentials_tar, layer_tag, layered
from clocker.model import ImageInfo
from clocker.testing import FakeEngine, FakeKeys

BASE = ImageInfo("sha256:" + "a" * 64, tags=("app:latest",), user="app")
KEY = FakeKeys().derive("container", "1")


def context(base: ImageInfo = BASE) -> dict[str, str]:
    """What an engine is given to build."""
    engine = FakeEngine()
    engine.add_image("app", base)
    layered(engine, base)
    sent = next(call.arguments[0] for call in engine.calls if call.method == "build")
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        return {m.name: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]


def test_the_layer_is_built_over_exactly_this_image_as_root() -> None:
    lines = context()["Dockerfile"].splitlines()
    assert [line for line in lines if line] == [
        f"FROM {BASE.id}",
        "USER 0",
        "COPY ssh-install ssh-entry /usr/lib/clocker/",
        "COPY sshd_config /etc/ssh/clocker/sshd_config",
        'RUN ["/bin/sh", "/usr/lib/clocker/ssh-install"]',
    ]


@pytest.mark.parametrize(
    "line",
    [
        "dnf -y --setopt=install_weak_deps=0 install openssh-server",
        "microdnf -y --setopt=install_weak_deps=0 install openssh-server",
        "yum -y install openssh-server",
        "apk add --no-cache openssh-server setpriv || apk add --no-cache openssh-server",
        "apt-get install -y --no-install-recommends openssh-server",
        "rm -f /etc/ssh/ssh_host_*",
    ],
)
def test_every_family_has_its_command(line: str) -> None:
    assert line in [text.strip() for text in context()["ssh-install"].splitlines()]


def test_apt_looks_for_lists_only_when_it_must() -> None:
    script = context()["ssh-install"]
    assert script.index("if ! apt_install") < script.index("apt-get update")


@pytest.mark.parametrize("name", ["ssh-install", "ssh-entry"])
def test_the_scripts_are_plain_shell(name: str) -> None:
    subprocess.run(["sh", "-n"], input=context()[name].encode(), check=True)


@pytest.mark.parametrize(
    "line",
    [
        "AuthenticationMethods publickey",
        "PasswordAuthentication no",
        "PermitRootLogin prohibit-password",
        "UsePAM no",
        "HostKey /etc/ssh/clocker/host_key",
        "AuthorizedKeysFile /etc/ssh/clocker/authorized_keys",
        "Subsystem sftp internal-sftp",
    ],
)
def test_sshd_takes_keys_only(line: str) -> None:
    assert line in context()["sshd_config"].splitlines()


def test_the_tag_follows_the_base_alone() -> None:
    assert layer_tag(BASE) == layer_tag(replace(BASE, tags=("other:1",)))
    assert layer_tag(BASE) != layer_tag(replace(BASE, id="sha256:" + "b" * 64))


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ("clocker: no package manager", "none of apt, dnf, yum and apk"),
        ('exec: "/bin/sh": stat /bin/sh: no such file or directory', "no shell"),
    ],
)
def test_an_image_that_takes_no_sshd_is_named(tail: str, said: str) -> None:
    engine = FakeEngine()
    engine.fail_next("build", CommandFailed("build failed", status=1, tail=tail))
    with pytest.raises(BadInput) as refused:
        layered(engine, BASE)
    assert "app:latest" in refused.value.what
    assert said in refused.value.what
    assert refused.value.remedy


def test_any_other_failure_keeps_its_last_lines() -> None:
    engine = FakeEngine()
    engine.fail_next("build", CommandFailed("build failed", status=100, tail="mirror is down"))
    with pytest.raises(CommandFailed, match="build failed") as failed:
        layered(engine, BASE)
    assert failed.value.tail == "mirror is down"


def test_credentials_are_roots_alone() -> None:
    packed = credentials_tar(KEY.private, [KEY.public, " ssh-ed25519 AAAA someone@there\n"])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = {m.name: m for m in tar}
        contents = {m.name: tar.extractfile(m).read().decode() for m in tar if m.isfile()}  # type: ignore[union-attr]
    assert {name: m.mode for name, m in members.items()} == {
        "etc/ssh/clocker": 0o700,
        "etc/ssh/clocker/host_key": 0o600,
        "etc/ssh/clocker/authorized_keys": 0o600,
    }
    assert {(m.uid, m.gid) for m in members.values()} == {(0, 0)}
    assert contents["etc/ssh/clocker/host_key"] == KEY.private
    assert contents["etc/ssh/clocker/authorized_keys"] == (
        f"{KEY.public}\nssh-ed25519 AAAA someone@there\n"
    )
    assert packed == credentials_tar(KEY.private, [KEY.public, "ssh-ed25519 AAAA someone@there"])


@pytest.mark.parametrize("line", ["", "a\nb", KEY.private, "-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_what_is_no_public_key_line_is_refused(line: str) -> None:
    with pytest.raises(BadInput):
        credentials_tar(KEY.private, [line])
