"""The connections that shells go through: shared, mended, verified; on a real sshd."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sshd import Sshd, free_port, serving

from clocker.errors import (
    AuthenticationFailed,
    BadInput,
    ClockerError,
    HostKeyChanged,
    TimedOut,
    Unreachable,
)
from clocker.interfaces import Shell
from clocker.model import Host, SshAccess
from clocker.remote import mux
from clocker.remote.connections import SshConnections
from clocker.remote.keys import CloudKeys

_RUN = """
import sys
from pathlib import Path
from clocker.model import Host, HostState, Resources, SshAccess
from clocker.remote.connections import SshConnections
from clocker.remote.keys import CloudKeys
state, port, user, key = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
access = SshAccess("127.0.0.1", user=user, port=port, host_keys=(key,))
host = Host(f"sshd-{port}", "loopback", "tests", HostState.READY, Resources(), "", access=access)
connections = SshConnections(CloudKeys(state), state, state / "run", None)
print(connections.shell(host).run("echo ran").text, end="")
"""


@pytest.fixture
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="clk-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sshd(state: Path) -> Iterator[Sshd]:
    with serving(CloudKeys(state), CloudKeys(state / "hosts")) as sshd:
        yield sshd


@pytest.fixture
def connections(state: Path, sshd: Sshd) -> Iterator[SshConnections]:
    connections = _connections(state)
    yield connections
    connections.forget(sshd.host())


@pytest.fixture(params=["shell", "installer"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_another_process_uses_the_same_connection(
    connections: SshConnections, sshd: Sshd, state: Path
) -> None:
    assert _in_another_process(state, sshd).communicate()[0] == "ran\n"
    master = _master(state)
    connections.shell(sshd.host()).run("true")
    assert _master(state) == master
    assert _in_another_process(state, sshd).communicate()[0] == "ran\n"
    assert _master(state) == master


def test_twenty_processes_at_once_open_one_connection(
    connections: SshConnections, sshd: Sshd, state: Path
) -> None:
    processes = [_in_another_process(state, sshd) for _ in range(20)]
    assert [process.communicate()[0] for process in processes] == ["ran\n"] * 20
    assert _masters(state) == [_master(state)]


def test_finding_a_living_connection_costs_next_to_nothing(
    connections: SshConnections, sshd: Sshd
) -> None:
    connection = connections._connection(sshd.host())
    connection.ensure()
    took = []
    for _ in range(50):
        began = time.perf_counter()
        connection.ensure()
        took.append(time.perf_counter() - began)
    assert statistics.median(took) < 0.010


@pytest.mark.parametrize("harm", ["killed", "hung", "socket gone", "engine socket gone"])
def test_a_broken_connection_is_replaced(
    connections: SshConnections, sshd: Sshd, state: Path, harm: str
) -> None:
    shell = connections.shell(sshd.host())
    shell.run("true")
    before = _master(state)
    if harm == "killed":
        os.kill(before, signal.SIGKILL)
    elif harm == "hung":
        os.kill(before, signal.SIGSTOP)
    else:
        _socket(state, "ctl" if harm == "socket gone" else "sock").unlink()
    assert shell.run("echo on").text == "on\n"
    assert _master(state) != before
    assert _socket(state, "sock").is_socket()
    assert before not in _masters(state)


def test_a_connection_lost_under_a_command_is_told(
    connections: SshConnections, sshd: Sshd, state: Path, tmp_path: Path
) -> None:
    shell, began = connections.shell(sshd.host()), threading.Event()

    def kill_when_begun(line: str) -> None:
        began.set()
        os.kill(_master(state), signal.SIGKILL)

    with pytest.raises(Unreachable, match="lost while a command ran"):
        shell.run("echo begun; sleep 20", on_line=kill_when_begun, timeout_s=60)
    assert began.is_set()


def test_a_key_that_is_not_authorised(connections: SshConnections, sshd: Sshd, kind: str) -> None:
    sshd.authorise(CloudKeys(sshd.folder / "other").public)
    error = _refused(connections, kind, sshd.host(), AuthenticationFailed)
    assert f"loopback (127.0.0.1:{sshd.port})" in str(error)
    assert "remedy: authorise the cloud's public key" in str(error)


def test_another_host_key_than_the_pinned_one(
    connections: SshConnections, sshd: Sshd, kind: str, state: Path
) -> None:
    host = sshd.host()
    sshd.answer_with(CloudKeys(state).derive("host", "impostor"))
    sshd.stop()
    sshd.start()
    error = _refused(connections, kind, host, HostKeyChanged)
    assert "another host key than the pinned one" in str(error)


def test_a_host_key_that_was_never_pinned(
    connections: SshConnections, sshd: Sshd, kind: str
) -> None:
    host = sshd.host(access=replace(sshd.access, host_keys=()))
    error = _refused(connections, kind, host, HostKeyChanged)
    assert "never pinned" in str(error)


def test_a_port_where_nobody_listens(connections: SshConnections, sshd: Sshd, kind: str) -> None:
    host = sshd.host(access=replace(sshd.access, port=free_port()))
    assert "refused" in str(_refused(connections, kind, host, Unreachable))


def test_a_machine_that_does_not_answer_is_waited_for_once(
    connections: SshConnections, sshd: Sshd
) -> None:
    """Whoever asks meanwhile, or in the same moment, is told what the first one found out."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        access = SshAccess("127.0.0.1", port=mute.getsockname()[1], host_keys=("ssh-ed25519 AAAA",))
        host = replace(sshd.host(), access=access)

        def ask(_number: int) -> str:
            with pytest.raises(Unreachable) as caught:
                connections.shell(host).run("true")
            return str(caught.value)

        with ThreadPoolExecutor(4) as pool:
            said = list(pool.map(ask, range(4)))
        assert {*said, ask(4)} == {said[0]}
        mute.accept()[0].close()
        mute.settimeout(0)
        with pytest.raises(BlockingIOError):
            mute.accept()


def test_a_name_that_does_not_exist(connections: SshConnections, sshd: Sshd, kind: str) -> None:
    host = sshd.host(access=replace(sshd.access, address="no-such-machine.invalid"))
    assert "no such host name" in str(_refused(connections, kind, host, Unreachable))


def test_a_host_without_an_address(connections: SshConnections, sshd: Sshd, kind: str) -> None:
    assert "no address" in str(_refused(connections, kind, sshd.host(access=None), Unreachable))


def test_forgetting_a_host_leaves_nothing(
    connections: SshConnections, sshd: Sshd, state: Path
) -> None:
    connections.shell(sshd.host()).run("true")
    assert sshd.key.split()[1] in (state / "known_hosts").read_text()
    connections.forget(sshd.host())
    assert _masters(state) == []
    assert not (state / "run").exists()
    assert (state / "known_hosts").read_text() == ""
    connections.forget(sshd.host())


def test_waiting_for_a_machine_that_boots(connections: SshConnections, sshd: Sshd) -> None:
    sshd.stop()
    starter = threading.Timer(1.0, sshd.start)
    starter.start()
    known = connections.await_ssh(replace(sshd.access, host_keys=()), timeout_s=30)
    starter.join()
    assert known.host_keys == (sshd.key,)
    assert connections.await_ssh(known, timeout_s=30) == known


def test_waiting_bears_a_refusal_while_the_machine_boots(
    connections: SshConnections, sshd: Sshd, state: Path
) -> None:
    sshd.authorise("")
    setter = threading.Timer(1.0, sshd.authorise, [CloudKeys(state).public])
    setter.start()
    assert connections.await_ssh(sshd.access, timeout_s=30).host_keys == (sshd.key,)
    setter.join()


def test_waiting_ends_with_the_reason(sshd: Sshd, state: Path) -> None:
    connections = _connections(state, grace_s=0.5)
    other = CloudKeys(state).derive("host", "another").public
    with pytest.raises(HostKeyChanged, match="another host key"):
        connections.await_ssh(replace(sshd.access, host_keys=(other,)), timeout_s=30)
    sshd.authorise("")
    with pytest.raises(AuthenticationFailed, match="refuses the key"):
        connections.await_ssh(sshd.access, timeout_s=30)
    with pytest.raises(TimedOut, match="no SSH within 1 s.*refused"):
        connections.await_ssh(replace(sshd.access, port=free_port()), timeout_s=1)


def test_a_folder_for_sockets_that_is_a_trap_is_refused(
    sshd: Sshd, state: Path, tmp_path: Path
) -> None:
    (state / "run").symlink_to(tmp_path)
    with pytest.raises(BadInput, match="belongs to somebody else"):
        _connections(state).shell(sshd.host()).run("true")


def _connections(state: Path, *, grace_s: float = 60.0) -> SshConnections:
    def no_engine(path: str, name: str) -> None:
        raise AssertionError(path)

    return SshConnections(CloudKeys(state), state, state / "run", no_engine, grace_s=grace_s)


def _refused(
    connections: SshConnections, kind: str, host: Host, error: type[ClockerError]
) -> ClockerError:
    with pytest.raises(error) as caught:
        shell: Shell = getattr(connections, kind)(host)
        shell.run("true", timeout_s=30)
    return caught.value


def _in_another_process(state: Path, sshd: Sshd) -> subprocess.Popen[str]:
    key = " ".join(sshd.key.split()[:2])
    arguments = [str(state), str(sshd.port), sshd.user, key]
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, *arguments], stdout=subprocess.PIPE, text=True
    )


def _socket(state: Path, kind: str) -> Path:
    (found,) = (state / "run").glob(f"*.{kind}")
    return found


def _master(state: Path) -> int:
    pid = mux.alive(_socket(state, "ctl"))
    assert pid is not None
    return pid


def _masters(state: Path) -> list[int]:
    """Living processes, other than zombies, that speak of the state's folder for sockets."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if str(state / "run").encode() in words:
            found.append(int(process.name))
    return found
