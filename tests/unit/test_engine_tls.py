"""The TLS of an engine's adapter, against a server of Python's: no engine is needed for it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from clocker.certificates import (
    client_certificate,
    is_due,
    is_fit,
    new_authority,
    secret_of,
    server_certificate,
)
from clocker.engine import open_engine
from clocker.engine.hijack import Expired, Outputs, attend
from clocker.engine.transport import Tls
from clocker.errors import (
    AuthenticationFailed,
    EngineError,
    HostKeyChanged,
    TimedOut,
    Unreachable,
)
from clocker.model import Authority, Host, HostState, Resources, SshAccess, TlsAccess, Trust
from clocker.remote.connections import SshConnections
from clocker.remote.credentials import Credentials
from clocker.testing import FakeKeys

DAY_S = 24 * 3600.0
NOW = time.time()
CLOUD = "test"
KEYS = FakeKeys("the cloud")


def authority(generation: int = 1, keys: FakeKeys = KEYS, now: float = NOW) -> Authority:
    return new_authority(secret_of(keys, CLOUD, generation), CLOUD, generation, now)


FIRST = authority()
SECRET = secret_of(KEYS, CLOUD, 1)


@dataclass
class HostKey:
    """As a host makes one."""

    private: str
    public: str

    @classmethod
    def made(cls) -> HostKey:
        from cryptography.hazmat.primitives import serialization as s
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            s.Encoding.PEM, s.PrivateFormat.TraditionalOpenSSL, s.NoEncryption()
        )
        public = key.public_key().public_bytes(s.Encoding.OpenSSH, s.PublicFormat.OpenSSH)
        return cls(private.decode(), public.decode())


HOST_KEY = HostKey.made()


@contextmanager
def server(
    folder: Path,
    serve: Callable[[ssl.SSLSocket], None],
    *,
    names: tuple[str, ...] = ("host", "127.0.0.1"),
    now: float = NOW,
    accepts: str = FIRST.certificate,
) -> Iterator[int]:
    """A port where ``serve`` is done with one client after the other."""
    certificate = server_certificate(FIRST, SECRET, HOST_KEY.public, names, now)
    (folder / "server.pem").write_text(certificate + HOST_KEY.private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(cadata=accepts)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                with suppress(OSError), context.wrap_socket(plain, server_side=True) as sock:
                    serve(sock)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def pong(sock: ssl.SSLSocket) -> None:
    sock.recv(1000)
    sock.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK")


def access(
    folder: Path,
    port: int,
    *,
    trust: Trust | None = None,
    keys: FakeKeys = KEYS,
    now: float = NOW,
    address: str = "127.0.0.1",
) -> TlsAccess:
    believed = trust or Trust((FIRST,))
    credentials = Credentials(folder / "tls", CLOUD, keys, lambda: believed, lambda: now)
    return credentials.access(address, port, "host-1 (there)")


def test_both_sides_show_who_they_are(tmp_path: Path) -> None:
    with server(tmp_path, pong) as port:
        engine = open_engine(access(tmp_path, port), name="there")
    engine.close()


REFUSALS = {
    # It believes the host, which does not believe it.
    "another cloud's client": (
        {},
        {"keys": FakeKeys("other"), "trust": Trust((FIRST, authority(2, FakeKeys("other"))))},
        AuthenticationFailed,
        "does not accept the certificate",
    ),
    "an old client": ({}, {"now": NOW - 91 * DAY_S}, AuthenticationFailed, "has expired"),
    "another cloud's host": (
        {},
        {"keys": FakeKeys("other"), "trust": Trust((authority(1, FakeKeys("other")),))},
        HostKeyChanged,
        "not from this cloud's authority",
    ),
    "an expired host": ({"now": NOW - 366 * DAY_S}, {}, EngineError, "has expired"),
    "a host of tomorrow": ({"now": NOW + 3 * DAY_S}, {}, EngineError, "not valid yet"),
    "another address": ({"names": ("host", "192.0.2.1")}, {}, HostKeyChanged, "another address"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_why_and_what_to_do(name: str, tmp_path: Path) -> None:
    serving, coming, error, sentence = REFUSALS[name]
    with (
        server(tmp_path, pong, **serving) as port,
        pytest.raises(error, match=sentence) as caught,
    ):
        open_engine(access(tmp_path, port, **coming), name="host-1")
    assert caught.value.where == "host-1" and caught.value.remedy


def test_what_speaks_no_tls(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            plain, _ = listener.accept()
            with plain:
                plain.recv(1000)
                plain.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(Unreachable, match="does not speak TLS"):
            open_engine(access(tmp_path, listener.getsockname()[1]), name="there")
        thread.join()


def test_an_engine_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clocker.engine.ping._PING_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(TimedOut):
        open_engine(access(tmp_path, listener.getsockname()[1]), name="there")


def echo(sock: ssl.SSLSocket) -> None:
    """As an engine runs ``cat``: each piece is answered at once, and the end once stdin ends."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    body = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    rest = head.partition(b"\r\n\r\n")[2]
    while len(rest) < body:
        rest += sock.recv(65536)
    sock.sendall(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
    said = rest[body:]
    while True:
        if said:
            sock.sendall(b"\1\0\0\0" + len(said).to_bytes(4, "big") + said)
        try:
            said = sock.recv(65536)
        except ssl.SSLZeroReturnError:
            said = b""
        if not said:
            break
    sock.sendall(b"\2\0\0\0\0\0\0\4done")


@pytest.mark.parametrize("size", [0, 5, 3_000_000])
def test_stdin_ends_while_output_goes_on(size: int, tmp_path: Path) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    outputs = Outputs()
    with server(tmp_path, echo) as port:
        attend(Tls(access(tmp_path, port)), "/exec", outputs, data, time.monotonic() + 60)
    assert bytes(outputs.stdout) == data and bytes(outputs.stderr) == b"done"


def test_the_end_may_come_with_the_last_output_on_a_connection_that_stays(tmp_path: Path) -> None:
    """As Docker ends a command: TLS says goodbye, TCP does not."""
    held = threading.Event()

    def at_once(sock: ssl.SSLSocket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
        while b"x" not in sock.recv(65536):
            pass
        sock.sendall(b"\1\0\0\0\0\0\0\5hello")
        sock.setblocking(False)
        with suppress(ssl.SSLWantReadError):
            sock.unwrap()
        held.wait(10)

    outputs = Outputs()
    with server(tmp_path, at_once) as port:
        attend(Tls(access(tmp_path, port)), "/exec", outputs, b"x", time.monotonic() + 5)
        held.set()
    assert bytes(outputs.stdout) == b"hello"


def test_a_command_is_given_up_at_its_deadline(tmp_path: Path) -> None:
    held = threading.Event()

    def silent(sock: ssl.SSLSocket) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
        held.wait(10)

    with server(tmp_path, silent) as port:
        with pytest.raises(Expired):
            attend(Tls(access(tmp_path, port)), "/exec", Outputs(), b"x", time.monotonic() + 0.3)
        held.set()


def test_the_controllers_files_are_nobody_elses(tmp_path: Path) -> None:
    there = access(tmp_path, 2376)
    for path in (Path(there.certificate), Path(there.authorities)):
        assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == [
        "authorities.pem",
        "client.pem",
    ]


def test_the_controllers_certificate_is_renewed_by_itself(tmp_path: Path) -> None:
    def read(now: float, trust: Trust) -> str:
        return Path(access(tmp_path, 1, trust=trust, now=now).certificate).read_text()

    one, second = Trust((FIRST,)), authority(2)
    first = read(NOW, one)
    assert read(NOW + 59 * DAY_S, one) == first
    renewed = read(NOW + 61 * DAY_S, one)
    assert renewed != first
    certificate = x509.load_pem_x509_certificate(renewed.encode())
    assert certificate.not_valid_after_utc.timestamp() == pytest.approx(NOW + 151 * DAY_S, abs=2)
    # While hosts are told of a new authority, all of them accept only the old one's.
    assert read(NOW + 61 * DAY_S, Trust((FIRST, second), settled=False)) == renewed
    assert (tmp_path / "tls/authorities.pem").read_text() == FIRST.certificate + second.certificate
    assert read(NOW + 61 * DAY_S, Trust((second,))) != renewed


def test_without_an_authority_on_record_up_is_needed(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path, CLOUD, KEYS, lambda: None, time.time)
    with pytest.raises(Unreachable, match="no certificate authority") as caught:
        credentials.access("192.0.2.1", 2376, "host-1")
    assert caught.value.where == "host-1" and "clocker up" in str(caught.value.remedy)


HOST = Host(
    id="h1",
    name="host-1",
    provider="local",
    state=HostState.READY,
    capacity=Resources(),
    gateway="",
    access=SshAccess("127.0.0.1", host_keys=("ssh-ed25519 AAAA",)),
)


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[SshConnections]:
    trust = Trust((FIRST,))
    credentials = Credentials(tmp_path / "tls", CLOUD, KEYS, lambda: trust, time.time)
    made = SshConnections(
        KEYS,
        tmp_path,
        tmp_path / "run",
        lambda place, name: open_engine(place, name=name),
        credentials=credentials,
    )
    yield made
    made.close()


def test_a_host_that_listens_is_reached_without_ssh(
    connections: SshConnections, tmp_path: Path
) -> None:
    with server(tmp_path, pong) as port:
        host = replace(HOST, engine_port=port)
        engine = connections.engine(host)
        assert connections.engine(host) is engine
        assert not (tmp_path / "run").exists()  # no connection of OpenSSH's was made
        connections.forget(host)
        assert connections.engine(host) is not engine


def test_a_port_where_nothing_listens_names_host_and_remedy(connections: SshConnections) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unreachable) as caught:
        connections.engine(replace(HOST, engine_port=port))
    assert caught.value.where == f"host-1 (127.0.0.1:{port})"
    assert "firewalls" in str(caught.value) and "clocker up" in str(caught.value)


def test_an_authority_has_the_same_key_wherever_it_is_made() -> None:
    again = authority(now=NOW + 5)
    assert again != FIRST
    one, other = (
        x509.load_pem_x509_certificate(item.certificate.encode()) for item in (FIRST, again)
    )
    assert one.public_key() == other.public_key()
    for stranger in (authority(2), authority(1, FakeKeys("other"))):
        found = x509.load_pem_x509_certificate(stranger.certificate.encode())
        assert found.public_key() != one.public_key()
    assert secret_of(KEYS, "other", 1) != SECRET


def test_a_hosts_certificate_fits_or_is_replaced() -> None:
    names = ("host", "192.0.2.1", "2001:db8::1", "host.example")
    made = server_certificate(FIRST, SECRET, HOST_KEY.public, names, NOW)
    assert is_fit(made, FIRST, HOST_KEY.public, names, NOW)
    assert is_fit(made, FIRST, HOST_KEY.public, tuple(reversed(names)), NOW + 243 * DAY_S)
    assert not is_fit(made, FIRST, HOST_KEY.public, names, NOW + 244 * DAY_S)
    assert not is_fit(made, FIRST, HOST_KEY.public, names[:2], NOW)
    assert not is_fit(made, FIRST, HostKey.made().public, names, NOW)
    assert not is_fit(made, authority(2), HOST_KEY.public, names, NOW)
    assert not is_fit("", FIRST, HOST_KEY.public, names, NOW)
    first_line = made.splitlines()[0]
    assert not is_fit(first_line, FIRST, HOST_KEY.public, names, NOW)
    forged = server_certificate(
        authority(1, FakeKeys("other")),
        secret_of(FakeKeys("other"), CLOUD, 1),
        HOST_KEY.public,
        names,
        NOW,
    )
    pretending = first_line + "\n" + forged.partition("\n")[2]
    assert not is_fit(pretending, FIRST, HOST_KEY.public, names, NOW)


def test_a_client_is_no_server_and_a_server_no_client(tmp_path: Path) -> None:
    made = client_certificate(FIRST, SECRET, "me", NOW)
    assert not is_due(made, FIRST, NOW) and made.count("PRIVATE KEY") == 2
    there = access(tmp_path, 1)
    host_pair = server_certificate(FIRST, SECRET, HOST_KEY.public, ("host",), NOW)
    (tmp_path / "host.pem").write_text(host_pair + HOST_KEY.private)
    with server(tmp_path, pong) as port:
        as_host = replace(there, port=port, certificate=str(tmp_path / "host.pem"))
        with pytest.raises(AuthenticationFailed):
            open_engine(as_host, name="there")
