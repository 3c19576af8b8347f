"""What only a process of its own shows: imports, pipes, signals, a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = (sys.executable, "-c")
FAKE = f"""
import sys, types
sys.path.insert(0, {str(HERE)!r})
from cli_cloud import FakeCloud, container
class Cloud(FakeCloud):
    def up(self):
        import time
        self.progress.step("demo-1", "engine")
        time.sleep(60)
cloud = Cloud(containers=[container(f"c{{n}}") for n in range(20000)])
def open_cloud(file=None, *, progress=None, also=()):
    cloud.progress = progress
    return cloud
assembly = types.ModuleType("clocker.assembly")
assembly.open_cloud = open_cloud
sys.modules["clocker.assembly"] = assembly
from clocker.cli import main
main(sys.argv[1:])
"""


def clocker(*args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clocker.cli", *args],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
    )


def test_help_and_version_import_no_verb_and_nothing_heavy() -> None:
    code = """
import sys
from clocker.cli import main
try:
    main([sys.argv[1]])
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"rich", "pydantic", "yaml", "sqlalchemy", "docker", "libcloud", "fabric", "msgspec",
         "jinja2", "clocker.assembly", "clocker.model", "clocker.cli.run", "clocker.cli.up"}
found = heavy & set(sys.modules)
assert not found, found
"""
    for flag in ("--help", "--version"):
        subprocess.run([*PYTHON, code, flag], check=True, stdout=subprocess.DEVNULL, timeout=60)


def test_listing_imports_no_vendor_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "providers.yaml").write_text("local: {driver: local}\n")
    (tmp_path / "clocker.yaml").write_text("name: demo\nhosts: {provider: local}\n")
    code = """
import sys
from clocker.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert end.code == 0, end.code
heavy = {"rich", "jinja2", "docker", "fabric", "paramiko", "libcloud", "cryptography"}
found = heavy & set(sys.modules)
assert not found, found
"""
    for listing in (["ps"], ["providers"], ["providers", "ec2", "--json"]):
        subprocess.run(
            [*PYTHON, code, *listing],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=tmp_path,
            timeout=60,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        )


def test_an_error_is_no_traceback(tmp_path: Path) -> None:
    seen = clocker("-f", str(tmp_path / "none.yaml"), "ps")
    assert (seen.returncode, seen.stdout) == (2, "")
    assert seen.stderr.startswith(f"error: {tmp_path}/none.yaml: there is no such file")
    assert "remedy: clocker init" in seen.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    child = subprocess.Popen(
        [*PYTHON, FAKE, "ps"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == ""
    assert child.wait(timeout=60) == 141
    child.stderr.close()


def interrupted_by(number: signal.Signals) -> tuple[int, str]:
    child = subprocess.Popen([*PYTHON, FAKE, "up"], stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    assert child.stderr.readline() == "demo-1  engine\n"
    child.send_signal(number)
    rest = child.stderr.read()
    child.stderr.close()
    return child.wait(timeout=60), rest


def test_signals_end_with_130_and_a_message() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        status, text = interrupted_by(number)
        assert status == 130
        assert text.startswith("interrupted: ")
        assert "Traceback" not in text


def test_a_terminal_sees_a_live_table() -> None:
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*PYTHON, FAKE, "up"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    seen = b""
    while b"1 s" not in seen:  # the elapsed time moves on by itself
        seen += os.read(ours, 4096)
    child.send_signal(signal.SIGINT)
    assert child.wait(timeout=60) == 130
    os.close(ours)
    assert b"demo-1" in seen
    assert b"engine" in seen
