"""What ``clocker run`` says of an install."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cli_cloud import FakeCloud, Terminal

from clocker.model import Install, InstallFile


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(), capsys, monkeypatch)


def asked(terminal: Terminal, *options: str) -> Any:
    assert terminal("run", *options, "debian").status == 0
    (call,) = [call for call in terminal.cloud.calls if call[0] == "obtain_many"]
    return call[1][0].install


def test_packages_files_commands_and_a_script(terminal: Terminal, tmp_path: Path) -> None:
    conf, script = tmp_path / "app.conf", tmp_path / "setup"
    conf.write_text("a = 1\n")
    script.write_text("#!/bin/sh\ntrue\n")
    install = asked(
        terminal,
        *("--install", "nginx", "--install", "curl"),
        *("--install-file", f"{conf}:/etc/app.conf:600"),
        *("--install-run", "nginx -t", "--install-arg", "A=1"),
        *("--install-script", str(script)),
        *("--install-ttl", "1h", "--install-timeout", "90s"),
    )
    assert install.packages == ("nginx", "curl") and install.args == {"A": "1"}
    assert install.files[0] == InstallFile("/etc/app.conf", b"a = 1\n", 0o600)
    assert install.files[1].content == b"#!/bin/sh\ntrue\n"
    assert install.commands[0] == "nginx -t" and install.files[1].target in install.commands[1]
    assert (install.ttl_s, install.timeout_s, install.keep) == (3600.0, 90.0, True)


def test_anew_and_for_one_only(terminal: Terminal) -> None:
    install = asked(terminal, "--install", "nginx", "--rebuild", "--install-once")
    assert install == Install(("nginx",), ttl_s=0.0, keep=False)


def test_without_any_there_is_none(terminal: Terminal) -> None:
    assert asked(terminal) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--rebuild",), "nothing to install"),
        (("--install-ttl", "1h"), "nothing to install"),
        (("--install", "-y"), "names of packages"),
        (("--install-file", "/etc/hostname"), "SRC:DST"),
        (("--install-file", "/nowhere:/etc/x"), "can be read"),
        (("--install-file", "/etc/hostname:etc/x"), "absolute"),
        (("--install-file", "/etc/hostname:/etc/x:999"), "mode|pattern"),
        (("--install", "x", "--install-timeout", "soon"), "duration"),
        (("--install", "x", "--install-arg", "A"), "a value"),
    ],
)
def test_what_cannot_be_is_refused(terminal: Terminal, options: tuple[str, ...], said: str) -> None:
    seen = terminal("run", *options, "debian")
    assert seen.status == 2 and "Traceback" not in seen.err
    assert re.search(said, seen.err), seen.err
    assert terminal.cloud.calls == []
