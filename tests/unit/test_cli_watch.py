"""``clocker watch``: what it prints, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_cloud import SCALED, FakeCloud, Terminal

from clocker.cloud import Alarm, Care, Healed, HealReport, Look
from clocker.errors import EngineError, StoreError
from clocker.policies.heal_actions import Trouble

RESTARTED = Healed("restarted", "web", "demo-1", "it ended with status 137")
FAILED = Healed("created", "db", "demo-2", "it is missing", EngineError("the disk is full"))
LEFT = Trouble("loop", "5 restarts were in vain", "see why: clocker logs loop")
ALARM = Alarm("demo-1", "die of demo.web")


class Watched(FakeCloud):
    """Its looks are given."""

    looks: tuple[Look[Care], ...] = ()

    def watch(self, interval_s: float = 30.0, *, scale: bool = False) -> Watched:
        self._called("watch", interval_s, scale)
        return self

    def stop(self, name: str = "", grace_s: float | None = None) -> None:
        raise AssertionError("nobody has asked for it")

    def __iter__(self) -> Iterator[Look[Care]]:
        return iter(self.looks)


def look(report: HealReport, *, is_full: bool = True, **scaled: object) -> Look[Care]:
    return Look((ALARM,), is_full, Care(report, **scaled))  # type: ignore[arg-type]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(Watched(), capsys, monkeypatch)


def lines(terminal: Terminal, *looks: Look[Care]) -> list[str]:
    """Without the time that each begins with."""
    terminal.cloud.looks = looks  # type: ignore[attr-defined]
    return [line.split("  ", 1)[1] for line in terminal("watch").out.splitlines()]


def test_it_prints_what_was_done_and_what_failed(terminal: Terminal) -> None:
    assert lines(terminal, look(HealReport(done=(RESTARTED, FAILED))), look(HealReport())) == [
        "web  restarted on demo-1: it ended with status 137",
        "db  not created: the disk is full",
    ]
    assert ("watch", 30.0, False) in terminal.cloud.calls


def test_what_lasts_is_told_once_until_it_is_over(terminal: Terminal) -> None:
    bad = HealReport(troubles=(LEFT,), breaker="2 of 3 hosts are silent at once")
    said = [
        "loop  trouble: 5 restarts were in vain (see why: clocker logs loop)",
        "hosts  breaker: 2 of 3 hosts are silent at once",
    ]
    assert lines(terminal, look(bad), look(bad)) == said
    # What a look at some of the hosts does not see is not over.
    assert lines(terminal, look(bad), look(HealReport(), is_full=False), look(bad)) == said
    assert lines(terminal, look(bad), look(HealReport()), look(bad)) == said * 2
    lost: Look[Care] = Look((), True, error=StoreError("the store is locked"))
    locked = "look  error: the store is locked"
    assert lines(terminal, lost, lost, look(bad), lost, look(bad)) == [locked, *said, locked]


def test_hosts_that_come_and_go_are_told(terminal: Terminal) -> None:
    nothing = SCALED.__class__("2 hosts, room for 4 of 4 more: nothing to do")
    failure = EngineError("no quota")
    looks = (
        look(HealReport(), scale=SCALED),
        look(HealReport(), scale=nothing),
        look(HealReport(), failure=failure),
    )
    assert lines(terminal, *looks) == [
        "hosts  scaled: 2 hosts, room for 1 of 4 more: 1 host added",
        "scale  error: no quota",
    ]


def test_json_is_a_document_a_line(terminal: Terminal) -> None:
    report = HealReport(done=(RESTARTED, FAILED), troubles=(LEFT,))
    terminal.cloud.looks = (look(report, scale=SCALED),)  # type: ignore[attr-defined]
    seen = terminal("watch", "--json", "--interval", "2m", "--scale")
    assert ("watch", 120.0, True) in terminal.cloud.calls
    found = [json.loads(line) for line in seen.out.splitlines()]
    assert [(item["event"], item["subject"]) for item in found] == [
        ("healed", "web"),
        ("failed", "db"),
        ("scaled", "hosts"),
        ("trouble", "loop"),
    ]
    assert {item["schema"] for item in found} == {1} and all(item["at"] > 1e9 for item in found)
    assert found[1]["error"] == "the disk is full" and found[0]["did"] == "restarted"


def test_the_shapes_are_those_of_the_page(terminal: Terminal) -> None:
    page = (Path(__file__).parents[2] / "docs" / "json.md").read_text()
    section = page.split("\n## watch\n")[1].split("\n## ")[0]
    documented = [json.loads(line) for line in section.splitlines() if line.startswith("{")]
    report = HealReport(done=(RESTARTED, FAILED), troubles=(LEFT,), breaker="many")
    error: Look[Care] = Look((), True, error=StoreError("the store is locked"))
    terminal.cloud.looks = (look(report, scale=SCALED), error)  # type: ignore[attr-defined]
    shown = [json.loads(line) for line in terminal("watch", "--json").out.splitlines()]
    assert {item["event"]: set(item) for item in documented} == {
        item["event"]: set(item) for item in shown
    }


@pytest.mark.parametrize("interval", ["", "soon", "-1s"])
def test_an_interval_that_is_none(terminal: Terminal, interval: str) -> None:
    assert terminal("watch", "--interval", interval).status == 2
    assert terminal.cloud.calls == []


FAKE = f"""
import sys, threading, types
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_cli_watch import *
class Endless(Watched):
    stopped = threading.Event()
    def stop(self):
        self.stopped.set()
    def __iter__(self):
        yield look(HealReport(done=(RESTARTED,)))
        self.stopped.wait(60)
        if "--scale" in sys.argv:  # it is still at something
            print("stopping", flush=True)
            threading.Event().wait(60)
assembly = types.ModuleType("clocker.assembly")
assembly.open_cloud = lambda file=None, *, progress=None, also=(): Endless()
sys.modules["clocker.assembly"] = assembly
from clocker.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_it_well_and_a_second_one_interrupts(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FAKE, "watch"], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert "restarted" in child.stdout.readline()
        child.send_signal(number)
        assert child.wait(timeout=60) == 0
    with subprocess.Popen(
        [sys.executable, "-c", FAKE, "watch", "--scale"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        assert "restarted" in child.stdout.readline()
        child.send_signal(number)
        assert child.stdout.readline() == "stopping\n"
        child.send_signal(number)
        assert child.wait(timeout=60) == 130
        assert "interrupted" in child.stderr.read()
