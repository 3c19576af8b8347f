"""What a host is told of its engine's access by TLS, as text. On hosts: test_engine_by_tls."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from clocker.bootstrap.engine_access import certify, engine_access, engine_port
from clocker.bootstrap.plan import plan
from clocker.certificates import new_authority, secret_of
from clocker.errors import CommandFailed, InfrastructureError
from clocker.model import (
    CloudSpec,
    EngineOptions,
    Host,
    HostState,
    NodePool,
    Resources,
    Result,
    SshAccess,
    Trust,
)
from clocker.testing import FakeKeys, RecordingShell

KEYS = FakeKeys()
TRUST, OTHER = (
    Trust((new_authority(secret_of(KEYS, "demo", number), "demo", number, 1.8e9),))
    for number in (1, 2)
)
SPEC = CloudSpec("demo", NodePool(("local",)), engine=EngineOptions(access="tls"))
HOST = Host(
    id="h1",
    name="demo-1",
    provider="local",
    state=HostState.READY,
    capacity=Resources(),
    gateway="10.210.0.1",
    address="10.0.0.5",
    access=SshAccess("192.0.2.1"),
)


def script(trust: Trust | None = TRUST, **options: object) -> str:
    spec = replace(SPEC, engine=EngineOptions(access="tls", **options))  # type: ignore[arg-type]
    return plan(spec, HOST, (), trust).script


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_every_script_parses(shell: str) -> None:
    both = Trust((*TRUST.authorities, *OTHER.authorities), settled=False)
    for text in (
        script(),
        script(None),
        script(both, port=2400, sources=("192.0.2.0/24", "2001:db8::/32")),
        engine_access(SPEC, HOST, TRUST)["script"],
    ):
        parsed = subprocess.run([shell, "-n"], input=text, text=True, check=False)
        assert parsed.returncode == 0


def test_what_it_depends_on_changes_the_stamp() -> None:
    variants = [
        plan(SPEC, HOST, (), trust).stamp
        for trust in (None, TRUST, OTHER, Trust((*TRUST.authorities, *OTHER.authorities)))
    ]
    moved = replace(HOST, access=SshAccess("192.0.2.9"))
    variants.append(plan(SPEC, moved, (), TRUST).stamp)
    port = replace(SPEC, engine=EngineOptions(access="tls", port=2400))
    variants.append(plan(port, HOST, (), TRUST).stamp)
    assert len(set(variants)) == len(variants)
    assert plan(SPEC, HOST, (), TRUST).stamp == variants[1]


def test_this_machine_is_reached_by_its_socket() -> None:
    assert engine_port(SPEC, HOST) == 2376
    assert engine_port(SPEC, replace(HOST, access=SshAccess("127.0.0.1", local=True))) is None
    assert engine_port(replace(SPEC, engine=EngineOptions()), HOST) is None


DEBIAN = """\
# /lib/systemd/system/docker.service
[Service]
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
"""
DOCKER_CE = """\
# /usr/lib/systemd/system/docker.service
[Service]
ExecStart=/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock
"""
FEDORA = """\
# /usr/lib/systemd/system/docker.service
[Service]
ExecStart=/usr/bin/dockerd \\
          --host=fd:// \\
          $OPTIONS
ExecReload=/bin/kill -s HUP $MAINPID
"""
CHANGED = """
# /etc/systemd/system/docker.service.d/override.conf
[Service]
ExecStart=
ExecStart=/usr/bin/dockerd --debug
"""
OURS = """
# /etc/systemd/system/docker.service.d/zz-clocker-demo.conf
[Service]
ExecStartPre=-/usr/local/lib/clocker/demo/engine prepare
ExecStart=
ExecStart=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS $CLOCKER_LISTEN
"""


@pytest.mark.parametrize(
    ("unit", "command"),
    [
        (DEBIAN, "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"),
        (DEBIAN + OURS, "/usr/sbin/dockerd -H fd:// $DOCKER_OPTS"),
        (DOCKER_CE, "/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock"),
        (FEDORA, "/usr/bin/dockerd --host=fd:// $OPTIONS"),
        (FEDORA + CHANGED + OURS, "/usr/bin/dockerd --debug"),
    ],
)
def test_the_engine_is_started_as_it_was_and_told_more(unit: str, command: str) -> None:
    text = script()
    start = text.index("engine_command() {")
    function = text[start : text.index("\n}\n", start) + 3]
    drop_in = "drop_in=/etc/systemd/system/docker.service.d/zz-clocker-demo.conf\n"
    asked = 'systemctl() { printf "%s" "$UNIT"; }\n'
    found = subprocess.check_output(
        ["sh", "-c", drop_in + asked + function + "engine_command"], env={"UNIT": unit}, text=True
    )
    assert " ".join(found.split()) == command


def test_an_engine_never_listens_without_asking_who_comes() -> None:
    """The two are one line; and where what it needs is not there, the line is empty."""
    text = engine_access(SPEC, HOST, TRUST)["script"]
    assert text.count("tcp://") == 1
    (line,) = [line for line in text.splitlines() if "tcp://" in line]
    assert "-H tcp://$(place):$port --tlsverify --tlscacert=" in line
    assert '[ -s "$folder/$identity.pem" ] && [ -s "$folder/$identity.key" ] || return 0' in text
    assert "tcp://" not in script().replace(text, "").replace(line, "")


def test_no_private_key_is_in_a_script() -> None:
    assert "PRIVATE" not in script() and "BEGIN CERTIFICATE" in script()


def shell_of(answer: str, status: int = 0) -> RecordingShell:
    return RecordingShell({"sh -s": Result(status, answer.encode(), b"no ssh-keygen here")})


def brought(shell: RecordingShell) -> None:
    certify(shell, HOST, cloud="demo", keys=KEYS, trust=TRUST, now=1.8e9)


def test_a_host_that_cannot_make_a_key_says_so() -> None:
    with pytest.raises(CommandFailed, match="cannot make a key") as caught:
        brought(shell_of("", 127))
    assert "no ssh-keygen here" in str(caught.value) and caught.value.where == "host demo-1"
    for said in ("", "ssh-ed25519 AAAA\n", "ecdsa-sha2-nistp256 AAAA\n", FakeKeys().public + "\n"):
        with pytest.raises(InfrastructureError, match="of another kind") as other:
            brought(shell_of(said))
        assert "clocker up" in str(other.value.remedy)
