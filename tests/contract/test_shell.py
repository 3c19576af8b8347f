"""Every Shell is held to its contract, on this machine and through a real sshd on loopback."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sshd import Sshd, serving

from clocker.errors import CommandFailed, NotFound, TimedOut
from clocker.interfaces import Shell
from clocker.remote.connections import SshConnections
from clocker.remote.keys import CloudKeys
from clocker.remote.local_shell import LocalShell

EVERY_BYTE = bytes(range(256)) * 64


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="clk-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def sshd(state: Path) -> Iterator[Sshd]:
    with serving(CloudKeys(state), CloudKeys(state / "hosts")) as sshd:
        yield sshd


@pytest.fixture(scope="module")
def connections(state: Path, sshd: Sshd) -> Iterator[SshConnections]:
    connections = SshConnections(CloudKeys(state), state, state / "run", _no_engine)
    yield connections
    connections.forget(sshd.host())
    assert not (state / "run").exists()


@pytest.fixture(params=["openssh", "fabric", "local"])
def shell(
    request: pytest.FixtureRequest, connections: SshConnections, sshd: Sshd
) -> Iterator[Shell]:
    makers: dict[str, Callable[[], Shell]] = {
        "openssh": lambda: connections.shell(sshd.host()),
        "fabric": lambda: connections.installer(sshd.host()),
        "local": LocalShell,
    }
    shell = makers[request.param]()
    yield shell
    shell.close()


@pytest.mark.parametrize("status", [0, 1, 3, 126, 254, 255])
def test_a_status_is_a_result(shell: Shell, status: int) -> None:
    result = shell.run(f"exit {status}")
    assert (result.status, result.stdout, result.stderr) == (status, b"", b"")


def test_both_outputs_come_back_as_bytes(shell: Shell) -> None:
    result = shell.run(r"printf 'a\000\377'; printf 'b\n\200' >&2; exit 255")
    assert (result.status, result.stdout, result.stderr) == (255, b"a\0\xff", b"b\n\x80")


def test_a_command_line_is_a_shell_s(shell: Shell) -> None:
    result = shell.run("for i in 1 2; do echo \"$i\" 'it'\"'\"'s' \\$HOME; done | tac\nid -u")
    assert result.stdout == b"2 it's $HOME\n1 it's $HOME\n0\n"


def test_what_is_no_shell_line_is_a_result_too(shell: Shell) -> None:
    result = shell.run("echo 'unfinished")
    assert not result.ok
    assert b"nterminated" in result.stderr or b"unexpected" in result.stderr


def test_stdin_of_a_mebibyte_goes_through(shell: Shell) -> None:
    data = EVERY_BYTE * 64
    assert shell.run("cat", stdin=data).stdout == data


def test_stdin_is_empty_when_none_is_given(shell: Shell) -> None:
    assert shell.run("cat", timeout_s=20).stdout == b""


def test_stdin_that_nobody_reads_does_no_harm(shell: Shell) -> None:
    assert shell.run("exec 0<&-; echo done", stdin=EVERY_BYTE * 64).text == "done\n"


def test_lines_arrive_before_the_end(shell: Shell, tmp_path: Path) -> None:
    go, lines = tmp_path / "go", []

    def on_line(line: str) -> None:
        lines.append(line)
        go.touch()  # the command ends only if the line came while it ran

    command = f"echo first; until [ -e {go} ]; do sleep 0.02; done; printf 'se\\303\\251cond'"
    result = shell.run(command, on_line=on_line, timeout_s=30)
    assert lines == ["first", "seécond"]
    assert result.text == "first\nseécond"


def test_a_timeout_kills_what_was_started(shell: Shell, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    with pytest.raises(TimedOut, match="more than 2 s"):
        shell.run(f"sleep 600 & echo $! $$ >{pids}; wait; sleep 600", timeout_s=2)
    assert time.monotonic() - began < 15
    for pid in pids.read_text().split():
        _until(lambda pid=pid: not _runs(int(pid)))


def test_after_a_timeout_the_shell_goes_on(shell: Shell) -> None:
    with pytest.raises(TimedOut):
        shell.run("sleep 600", timeout_s=0.3)
    assert shell.run("echo on", timeout_s=30).text == "on\n"


def test_a_child_left_behind_does_not_hold_the_caller(shell: Shell) -> None:
    began = time.monotonic()
    pid = shell.run("setsid sleep 60 >/dev/null 2>&1 & echo $!", timeout_s=30).text
    assert time.monotonic() - began < 20
    shell.run(f"kill {pid}")


@pytest.mark.parametrize(
    "name",
    ["plain", "two words", "-rf", "$(touch pwned)", 'it\'s "quoted"', "a\nb", "é\\n*", "%s;&|"],
)
def test_files_keep_their_bytes_under_any_name(shell: Shell, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shell.put(EVERY_BYTE, str(path), mode=0o640)
    assert path.read_bytes() == EVERY_BYTE
    assert path.stat().st_mode & 0o7777 == 0o640
    assert shell.get(str(path)) == EVERY_BYTE
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_put_replaces_a_file_whole(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old and longer")
    before = path.stat().st_ino
    shell.put(b"", str(path))
    assert path.read_bytes() == b""
    assert path.stat().st_ino != before


def test_put_where_it_cannot_be_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(CommandFailed, match="directory"):
        shell.put(b"x", str(tmp_path / "folder"))
    with pytest.raises(CommandFailed, match="absent"):
        shell.put(b"x", str(tmp_path / "absent" / "file"))
    assert [entry.name for entry in tmp_path.rglob("*")] == ["folder"]


def test_get_of_what_is_not_there(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such file"):
        shell.get(str(tmp_path / "absent"))
    with pytest.raises(CommandFailed, match="directory"):
        shell.get(str(tmp_path))


def test_eight_threads_share_one_shell(shell: Shell) -> None:
    def one(number: int) -> bytes:
        return shell.run("cat; sleep 0.1", stdin=b"%d" % number * 30_000, timeout_s=60).stdout

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert answers == [b"%d" % number * 30_000 for number in range(8)]


def test_closing_one_shell_is_harmless_to_another(
    shell: Shell, connections: SshConnections, sshd: Sshd
) -> None:
    other = connections.shell(sshd.host())
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(other.run("sleep 0.3; echo x").text))
    thread.start()
    shell.run("true")
    shell.close()
    thread.join()
    assert results == ["x\n"]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _no_engine(path: str, name: str) -> None:  # type: ignore[return]
    raise AssertionError(path)
