"""An engine that is reached by TLS is held to the contract like any other, and lets in whom its
cloud knows, and nobody else."""

from __future__ import annotations

import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from secrets import randbelow, token_hex

import pytest
import test_engine
from images import busybox
from inner_hosts import await_true
from test_engine import LABELS, PREFIX, Lab
from tls_hosts import TlsHost, tls_host

from clocker.engine import open_engine
from clocker.errors import (
    AuthenticationFailed,
    CommandFailed,
    EngineError,
    HostKeyChanged,
    Unreachable,
)
from clocker.interfaces import Engine
from clocker.model import Attachment, Trust
from clocker.testing import FakeKeys

pytestmark = pytest.mark.hosts

globals().update(
    {name: test for name, test in vars(test_engine).items() if name.startswith("test_")}
)

DAY_S = 24 * 3600.0


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsHost]:
    with tls_host(tmp_path_factory.mktemp("controllers")) as host:
        yield host


@pytest.fixture(scope="module", autouse=True)
def suite(there: TlsHost) -> Iterator[None]:
    """What the suite does besides the engine's own doings, it does to this engine's host."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_engine, "SOCKET", there.socket)
        patch.setattr(test_engine, "ADDRESS", there.address)
        busybox(there.socket)
        yield


@pytest.fixture(scope="module")
def shared(there: TlsHost) -> Iterator[Engine]:
    engine = there.engine()
    yield engine
    engine.close()


@pytest.fixture
def engine(shared: Engine) -> Iterator[Engine]:
    yield shared
    for found in shared.list(LABELS):
        shared.remove(found.engine_id)
    shared.remove_volumes(LABELS)


@pytest.fixture(scope="module")
def network(there: TlsHost) -> Callable[[int], Attachment]:
    name, prefix = f"{PREFIX}-{token_hex(4)}", f"10.{230 + randbelow(20)}.{randbelow(256)}"
    there.inner.run(
        f"docker network create --internal --subnet {prefix}.0/24 --gateway {prefix}.1 {name}"
    )
    return lambda last: Attachment(name, f"{prefix}.{last}", f"02:42:0a:00:00:{last:02x}")


@pytest.fixture
def lab(engine: Engine) -> Lab:
    return Lab(engine)


@pytest.fixture
def tag(engine: Engine) -> Iterator[str]:
    tag = f"{PREFIX}/built:{token_hex(4)}"
    yield tag
    engine.remove_image(tag)


@pytest.fixture(scope="module")
def box(shared: Engine) -> str:
    return Lab(shared).run(labels={f"{PREFIX}-box": "1"})


@pytest.fixture
def tmp_path(there: TlsHost) -> Iterator[Path]:
    """A folder that has the same name here and on the host."""
    path = Path(tempfile.gettempdir()) / f"clocker-test-{token_hex(6)}"
    there.inner.run(f"mkdir -p {path}")
    path.symlink_to(Path(there.socket).parents[1] / path.relative_to("/"))
    yield path
    path.unlink()


def test_a_client_without_a_certificate_is_refused(there: TlsHost) -> None:
    access = there.access()
    context = ssl.create_default_context(cafile=access.authorities)
    with (
        socket.create_connection((there.address, 2376), 10) as sock,
        context.wrap_socket(sock, server_hostname=there.address) as tls,
        pytest.raises(ssl.SSLError, match="alert (bad certificate|certificate required)"),
    ):
        tls.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        tls.recv(100)


def test_what_does_not_speak_tls_is_refused(there: TlsHost) -> None:
    with socket.create_connection((there.address, 2376), 10) as sock:
        sock.sendall(b"GET /version HTTP/1.0\r\n\r\n")
        assert b"HTTP request to an HTTPS server" in sock.recv(1000)


def test_the_client_of_another_cloud_is_refused(there: TlsHost) -> None:
    """Even of one that believes this host, and has this one's name."""
    other = FakeKeys("another cloud")
    stranger = TlsHost(there.inner, there.folder, other)
    own = stranger.access()
    believing = replace(own, authorities=there.access().authorities)
    with pytest.raises(AuthenticationFailed, match="does not accept the certificate") as caught:
        open_engine(believing, name="there")
    assert caught.value.where == "there" and "clocker up" in str(caught.value.remedy)
    with pytest.raises(HostKeyChanged, match="not from this cloud's authority"):
        open_engine(own, name="there")


def test_a_client_whose_certificate_has_expired_is_refused(there: TlsHost) -> None:
    old = there.access(now=time.time() - 91 * DAY_S)
    with pytest.raises(AuthenticationFailed, match="certificate"):
        open_engine(old, name="there")


def test_nothing_listens_on_another_port(there: TlsHost) -> None:
    with pytest.raises(Unreachable):
        open_engine(replace(there.access(), port=2375), name="there")


def test_it_listens_on_the_hosts_own_address_alone(there: TlsHost) -> None:
    listening = there.inner.run("ss -Hltn 'sport = :2376'").split()
    assert listening[3] == f"{there.address}:2376"


def test_private_keys_are_for_nobody_else_and_never_travel(there: TlsHost) -> None:
    (key,) = there.inner.run(f"find {there.files} -name '*.key' -printf '%m %p\\n'").splitlines()
    mode, path = key.split()
    assert mode == "600"
    assert there.inner.run(f"stat -c %a {there.files}") == "700"
    middle = there.inner.run(f"sed -n 2p {path}")
    assert len(middle) > 40
    assert not any(middle in text for text in there.inner.shell.said)
    access = there.access()
    assert Path(access.certificate).stat().st_mode & 0o777 == 0o600
    lines = Path(access.certificate).read_text().split("PRIVATE KEY-----\n")[1].splitlines()
    everywhere = there.inner.run("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert middle not in everywhere and lines[0] not in everywhere


def test_a_proxy_or_bundle_of_the_environment_changes_nothing(
    there: TlsHost, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bundle = tmp_path_factory.mktemp("other") / "bundle.pem"
    bundle.write_text(TlsHost(there.inner, there.folder, FakeKeys("x")).trust.bundle)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "")
    engine = there.engine()
    assert engine.info().version
    engine.close()


def test_authorities_are_replaced_while_a_container_runs(there: TlsHost, box: str) -> None:
    """As a rotation does: nobody who was let in is locked out before all have been told."""
    old, new = there.trust, there.authority(2)
    both, alone = Trust((*old.authorities, new)), Trust((new,))
    state = f"docker inspect -f '{{{{.State.Pid}}}} {{{{.State.StartedAt}}}}' {box}"
    began = there.inner.run(state)
    credentials = there.credentials(lambda: there.trust)
    kept = open_engine(credentials.access(there.address, 2376, "there"))
    assert kept.inspect(box).state == "running"
    try:
        there.trust = both
        there.bootstrap()
        for trust in (both, Trust((new, *old.authorities)), alone):
            engine = there.engine(trust)
            assert engine.inspect(box).state == "running"
            engine.close()
        credentials.access(there.address, 2376, "there")  # as is done for every use of an engine
        assert kept.exec(box, ["echo", "hello"]).text == "hello\n"
        with pytest.raises(HostKeyChanged):  # who believes the old alone has not been told yet
            there.engine(old)

        there.trust = alone
        there.bootstrap()
        engine = there.engine()
        assert engine.exec(box, ["echo", "hello"]).text == "hello\n"
        credentials.access(there.address, 2376, "there")
        assert kept.exec(box, ["echo", "hello"]).text == "hello\n"
        with pytest.raises(AuthenticationFailed):
            there.engine(both)
        assert there.inner.run(state) == began
        assert len(there.inner.run(f"ls {there.files}/*.key").split()) == 1
    finally:
        there.trust = old
        there.bootstrap()
        kept.close()


def test_a_second_run_changes_nothing(there: TlsHost) -> None:
    files = f"find {there.files} /etc/systemd/system/docker.service.d /etc/docker -type f"
    state = f"{files} -printf '%p %T@\\n' | sort; systemctl show -p MainPID docker"
    before = there.inner.run(state)
    there.bootstrap()
    assert there.inner.run(state) == before
    assert there.inner.run("/usr/local/lib/clocker/test/engine check && echo well") == "well"


def test_a_certificate_that_is_due_is_renewed(there: TlsHost, box: str) -> None:
    began = there.inner.run(f"docker inspect -f '{{{{.State.Pid}}}}' {box}")
    there.inner.run(f"rm {there.files}/*.pem")
    with pytest.raises(CommandFailed, match="does not listen"):
        there.bootstrap(now=time.time() - 366 * DAY_S)
    with pytest.raises(EngineError, match="has expired") as caught:
        there.engine()
    assert "clocker up" in str(caught.value.remedy)
    assert there.inner.fails("/usr/local/lib/clocker/test/engine check")
    there.bootstrap()
    engine = there.engine()
    assert engine.inspect(box).state == "running"
    engine.close()
    assert there.inner.run(f"docker inspect -f '{{{{.State.Pid}}}}' {box}") == began


def test_only_the_named_sources_come_through(there: TlsHost) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((there.address, 2376))
        mine = sock.getsockname()[0]
    there.bootstrap(sources=("192.0.2.0/24", "2001:db8::/32"))
    with pytest.raises(TimeoutError):
        socket.create_connection((there.address, 2376), 1)
    there.bootstrap(sources=("192.0.2.0/24", f"{mine}/32"))
    there.engine().close()
    there.bootstrap()
    assert there.inner.run("iptables -w -S | grep -c CLOCKER-E || true") == "0"
    there.engine().close()


def test_with_ssh_again_nothing_listens(there: TlsHost, box: str) -> None:
    began = there.inner.run(f"docker inspect -f '{{{{.State.Pid}}}}' {box}")
    there.bootstrap(access="ssh")
    with pytest.raises(Unreachable):
        there.engine()
    left = there.inner.run(
        f"ls -d {there.files} /etc/systemd/system/docker.service.d /run/clocker-test-engine.env "
        "/usr/local/lib/clocker/test/engine 2>/dev/null || true"
    )
    assert left == "" and "2376" not in there.inner.run("ss -Hltn")
    assert there.inner.run(f"docker inspect -f '{{{{.State.Pid}}}}' {box}") == began
    there.bootstrap()
    there.engine().close()


def test_a_port_that_is_taken_is_refused_before_anything_is_changed(there: TlsHost) -> None:
    line = "my $s = IO::Socket::INET->new(LocalPort => 2399, Listen => 1) or die; sleep 600"
    there.inner.run(f"setsid perl -MIO::Socket::INET -e '{line}' >/dev/null 2>&1 &")
    await_true(lambda: there.inner.run("ss -Hltn 'sport = :2399'") != "")
    with pytest.raises(CommandFailed, match="another program listens on TCP port 2399"):
        there.bootstrap(port=2399)
    there.inner.run("pkill perl")
    there.engine().close()
    there.bootstrap()
