from __future__ import annotations

import subprocess

import pytest

from clocker.errors import AuthenticationFailed, ClockerError, HostKeyChanged, Unreachable
from clocker.model import Result
from clocker.remote.command import RemoteCommand
from clocker.remote.endpoint import Endpoint
from clocker.remote.refusals import refusal

ENDPOINT = Endpoint("web-1", "h1", "192.0.2.7", 2222, "debian", "/key")

# stderr of OpenSSH 9.2, and texts of paramiko's exceptions.
SAID = [
    ("debian@192.0.2.7: Permission denied (publickey).", AuthenticationFailed, "'debian'"),
    ("Received disconnect: Too many authentication failures", AuthenticationFailed, "refuses"),
    ('Load key "/key": bad permissions', AuthenticationFailed, "private key cannot be used"),
    (
        "@@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@@\n"
        "Host key verification failed.",
        HostKeyChanged,
        "another host key than the pinned one",
    ),
    (
        "No ED25519 host key is known for h1 and you have requested strict checking.\n"
        "Host key verification failed.",
        HostKeyChanged,
        "never pinned",
    ),
    ("ssh: connect to host 192.0.2.7 port 2222: Connection refused", Unreachable, "is refused"),
    ("ssh: connect to host 192.0.2.7 port 2222: Connection timed out", Unreachable, "in time"),
    ("ssh: connect to host 192.0.2.7 port 2222: No route to host", Unreachable, "no route"),
    (
        "ssh: Could not resolve hostname 192.0.2.7: Name or service not known",
        Unreachable,
        "no such host name: 192.0.2.7",
    ),
    (
        "kex_exchange_identification: read: Connection reset by peer\n"
        "Connection reset by 192.0.2.7 port 2222",
        Unreachable,
        "closed the connection",
    ),
    ("SSHException: Error reading SSH protocol banner", Unreachable, "closed the connection"),
    ("something new\n", Unreachable, "SSH failed: something new"),
    ("", Unreachable, "ssh ended without a word"),
]


@pytest.mark.parametrize(("said", "error", "what"), SAID)
def test_what_ssh_says(said: str, error: type[ClockerError], what: str) -> None:
    found = refusal(said, ENDPOINT)
    assert type(found) is error
    assert what in found.what
    assert found.where == "web-1 (192.0.2.7:2222)"
    assert found.remedy


@pytest.mark.parametrize("status", [0, 7, 255])
@pytest.mark.parametrize("noise", [b"", b"mux_client_request_session: refused\n"])
def test_a_wrapped_command_tells_its_own_end(status: int, noise: bytes) -> None:
    remote = RemoteCommand.wrap(f"echo out; echo err >&2; exit {status}", user="root")
    done = subprocess.run(["sh", "-c", remote.line], capture_output=True, check=False)
    stderr = noise + done.stderr
    assert remote.began(stderr)
    assert remote.result(done.returncode, done.stdout, stderr) == Result(status, b"out\n", b"err\n")


def test_a_lost_connection_is_no_result() -> None:
    remote = RemoteCommand.wrap("true", user="root")
    begun = f"{remote.mark} 12\nConnection to x closed by remote host.\n".encode()
    assert remote.group(begun) == 12
    assert remote.result(255, b"", begun) is None
    assert not remote.began(b"Permission denied\n")


def test_another_user_than_root_becomes_root() -> None:
    assert RemoteCommand.wrap("id", user="debian").line.startswith("exec sudo -n sh -c ")
