from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from clocker.errors import ProviderError
from clocker.model import HostRequest, ProviderEntry, Resources
from clocker.providers import open_provider
from clocker.providers.bootstrap_rootfs import choose_sources
from clocker.providers.docker_engine import DEFAULT_SOCKET, open_engine, socket_url
from clocker.providers.system_container import UserData, parse_user_data
from clocker.templating import render
from clocker.testing import RecordingProgress

USER_DATA = """#cloud-config
hostname: h1
ssh_keys:
  ed25519_private: |
    -----BEGIN KEY-----
    secret
    -----END KEY-----
  ed25519_public: ssh-ed25519 AAAA
ssh_authorized_keys:
  - ssh-ed25519 BBBB me
"""


def test_user_data_becomes_files_that_only_root_reads() -> None:
    data = parse_user_data(USER_DATA)

    with tarfile.open(fileobj=io.BytesIO(data.archive())) as tar:
        modes = {member.name: member.mode for member in tar}
        key = tar.extractfile("etc/ssh/ssh_host_ed25519_key")
        assert key is not None
        assert key.read() == b"-----BEGIN KEY-----\nsecret\n-----END KEY-----\n"
    assert data.hostname == "h1"
    assert modes["etc/ssh/ssh_host_ed25519_key"] == 0o600
    assert modes["root/.ssh"] == 0o700
    assert modes["root/.ssh/authorized_keys"] == 0o600


def test_a_private_key_is_in_no_representation() -> None:
    assert "secret" not in repr(parse_user_data(USER_DATA))


@pytest.mark.parametrize("text", [None, "", "#cloud-config\n{}\n"])
def test_no_user_data_is_no_file(text: str | None) -> None:
    assert parse_user_data(text) == UserData()


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\nsecret\n",
        "#cloud-config\n- secret\n",
        "#cloud-config\nkey: [secret\n",
        "#cloud-config\nssh_keys: secret\n",
    ],
)
def test_other_user_data_is_refused_without_being_quoted(text: str) -> None:
    with pytest.raises(ProviderError) as caught:
        parse_user_data(text)

    assert "secret" not in str(caught.value)


def test_only_the_distributions_own_sources_are_chosen() -> None:
    targets = "\n".join(
        [
            "http://m/debian/|bookworm|main|Debian",
            "http://m/debian/|bookworm|main|Debian",
            "http://m/debian/|bookworm-updates|main|Debian",
            "http://m/security/|bookworm-security|main|$(ORIGIN)",
            "http://m/debian/|bookworm|non-free|Debian",
            "http://m/debian/|trixie|main|Debian",
            "http://vendor/|bookworm|main|Vendor",
            "http://engine/|bookworm|stable|Docker",
        ]
    )

    assert choose_sources(targets, "debian", "bookworm", "/k.gpg") == [
        "deb [signed-by=/k.gpg] http://m/debian/ bookworm main",
        "deb [signed-by=/k.gpg] http://m/debian/ bookworm-updates main",
        "deb [signed-by=/k.gpg] http://m/security/ bookworm-security main",
    ]


@pytest.mark.parametrize(
    ("given", "environment", "url"),
    [
        (None, None, DEFAULT_SOCKET),
        (None, "unix:///run/mine.sock", "unix:///run/mine.sock"),
        (None, "tcp://elsewhere:2375", DEFAULT_SOCKET),
        ("unix:///run/given.sock", "unix:///run/mine.sock", "unix:///run/given.sock"),
    ],
)
def test_the_engine_is_this_machines(
    given: str | None, environment: str | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    if environment:
        monkeypatch.setenv("DOCKER_HOST", environment)

    assert socket_url(given) == url


def test_no_engine_names_the_socket_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ProviderError) as caught:
        open_engine(f"unix://{tmp_path}/none.sock")

    assert f"{tmp_path}/none.sock" in str(caught.value)
    assert "scripts/prepare" in str(caught.value)


def test_runc_is_not_asked_for_a_capability_that_is_not_there(tmp_path: Path) -> None:
    capabilities = ["CAP_KILL", "CAP_SYS_RESOURCE", "CAP_CHOWN"]
    config = tmp_path / "config.json"
    process = tmp_path / "process.json"
    config.write_text(json.dumps({"bounding": capabilities, "only": ["CAP_SYS_RESOURCE"]}))
    process.write_text(json.dumps(["CAP_KILL", "CAP_SYS_RESOURCE"], separators=(",", ":")))
    real = tmp_path / "runc"
    real.write_text('#!/bin/sh\necho "real $*"\n')
    real.chmod(0o755)
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(render("node/runc.j2", {}).replace("/usr/sbin/runc", str(real)))

    ran = subprocess.run(
        ["sh", wrapper, "create", "--bundle", tmp_path, "--process", process, "id"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == f"real create --bundle {tmp_path} --process {process} id\n"
    assert json.loads(config.read_text()) == {"bounding": ["CAP_KILL", "CAP_CHOWN"], "only": []}
    assert json.loads(process.read_text()) == ["CAP_KILL"]


def localhost(folder: Path, **options: str) -> ProviderEntry:
    return ProviderEntry(
        "here", "localhost", options={"marker": str(folder / "c" / "m.json"), **options}
    )


def request(cloud: str = "demo", host: str = "1") -> HostRequest:
    return HostRequest(host, cloud, f"h{host}", Resources(), "here")


@pytest.mark.hosts
def test_localhost_is_one_host_of_one_cloud(tmp_path: Path) -> None:
    provider = open_provider(localhost(tmp_path), RecordingProgress())

    node = provider.obtain(request())

    assert node.access is not None
    assert node.access.local
    assert node.tags["clocker-host"] == "1"
    assert provider.obtain(request()) == node
    assert list(provider.list("demo")) == [node]
    assert list(provider.list("other")) == []
    for second in (request(host="2"), request(cloud="other", host="3")):
        with pytest.raises(ProviderError, match="already the host h1 of the cloud demo"):
            provider.obtain(second)
    assert list(provider.list("demo")) == [node]


@pytest.mark.hosts
def test_a_released_localhost_leaves_nothing(tmp_path: Path) -> None:
    provider = open_provider(localhost(tmp_path), RecordingProgress())
    node = provider.obtain(request())

    provider.release("another")
    assert list(provider.list("demo")) == [node]
    for _ in range(2):
        provider.release(node.id)
        provider.clean("demo")

    assert list(provider.list("demo")) == []
    assert not list(tmp_path.iterdir())


def test_localhost_without_an_engine_is_no_host(tmp_path: Path) -> None:
    entry = localhost(tmp_path, socket=f"unix://{tmp_path}/none.sock")
    provider = open_provider(entry, RecordingProgress())

    with pytest.raises(ProviderError, match="no Docker Engine answers"):
        provider.obtain(request())

    assert list(provider.list("demo")) == []
    assert not list(tmp_path.iterdir())
