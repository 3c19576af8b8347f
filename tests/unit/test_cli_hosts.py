"""``clocker host`` and ``clocker scale``."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_cloud import SCALED, FakeCloud, Terminal, container

from clocker.cloud import Stay
from clocker.errors import NotFound


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(containers=[container("web")]), capsys, monkeypatch)


def test_ls_is_hosts(terminal: Terminal) -> None:
    assert terminal("host", "ls").out == terminal("hosts").out


def test_add(terminal: Terminal) -> None:
    assert terminal("host", "add", "--count", "2").out == "demo-3  ready\ndemo-4  ready\n"
    assert ("add_hosts", 2) in terminal.cloud.calls
    assert terminal("host", "add", "--count", "0").status == 2


def test_cordon_label_and_repair(terminal: Terminal) -> None:
    assert terminal("host", "cordon", "demo-1").out == "demo-1  cordoned\n"
    assert terminal("host", "uncordon", "demo-1").out == "demo-1  takes containers\n"
    assert terminal("host", "repair", "demo-1").out == "demo-1  repaired\n"
    seen = terminal("host", "label", "demo-1", "disk=ssd", "note=", "rack-")
    assert seen.out == "demo-1  disk=ssd note=\n"
    wanted = {"disk": "ssd", "note": "", "rack": None}
    assert ("label", "demo-1", wanted) in terminal.cloud.calls
    assert terminal("host", "label", "demo-1", "rack").status == 2
    terminal.cloud.failure = NotFound("no host is called 'demo-9'", remedy="clocker hosts")
    assert terminal("host", "cordon", "demo-9").status == 2


def test_drain_tells_what_stays_and_ends_with_3(terminal: Terminal) -> None:
    seen = terminal("host", "drain", "--volumes", "--grace", "30s", "demo-1")
    assert (seen.status, seen.out) == (0, "web  demo-1 -> demo-2\ndemo-1  empty, cordoned\n")
    assert ("drain", "demo-1", True, 30.0) in terminal.cloud.calls
    terminal.cloud.stayed = (Stay("db", "it has volumes"),)
    seen = terminal("host", "drain", "demo-1")
    assert seen.status == 3
    assert seen.out.splitlines()[1:] == ["db  stays: it has volumes", "demo-1  not empty, cordoned"]


def test_rm_asks_only_when_it_removes_containers(terminal: Terminal) -> None:
    seen = terminal("host", "rm", "demo-1")
    assert seen.out == "web  demo-1 -> demo-2\ndemo-1  removed\n"
    assert terminal("host", "rm", "--force", "demo-1").status == 2
    seen = terminal("host", "rm", "--force", "--yes", "demo-1")
    assert seen.out.splitlines()[1:] == ["db  removed", "demo-1  removed"]
    assert ("remove", "demo-1", False, True, None) in terminal.cloud.calls


def test_scale_says_one_line_and_ends_with_3_while_room_is_missing(terminal: Terminal) -> None:
    assert terminal("scale").out == "2 hosts, room for 1 of 4 more: 1 host added\n"
    assert ("scale", False) in terminal.cloud.calls
    terminal.cloud.scaled = replace(SCALED, short=True, stays=(Stay("demo-2", "web: pinned"),))
    seen = terminal("scale", "--dry-run")
    assert (seen.status, ("scale", True) in terminal.cloud.calls) == (3, True)
    assert seen.out.startswith("dry run: 2 hosts") and "demo-2 stays: web: pinned\n" in seen.out
