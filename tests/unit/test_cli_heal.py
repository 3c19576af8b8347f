"""``clocker heal``, and what ``clocker run`` says of healing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_cloud import HEALED, FakeCloud, Terminal

from clocker.cloud import Healed, HealReport
from clocker.errors import ClockerError, NothingFits, Unreachable
from clocker.model import Healing
from clocker.policies.heal_actions import Trouble

LOST = Trouble("db", "its host demo-1 is lost", "bring demo-1 back")


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(), capsys, monkeypatch)


def test_each_action_is_a_line_with_its_reason(terminal: Terminal) -> None:
    seen = terminal("heal", "--fenced", "demo-3")
    assert seen.out.splitlines() == [
        "web  restarted on demo-1: it ended with status 137",
        "demo-2  waits: silent at 1 of 3 looks: no answer",
    ]
    assert (seen.status, ("heal", False, ("demo-3",)) in terminal.cloud.calls) == (0, True)


def test_a_dry_run_says_what_would_be(terminal: Terminal) -> None:
    seen = terminal("heal", "--dry-run")
    assert seen.out.startswith("web  to be restarted on demo-1: ")
    assert ("heal", True, ()) in terminal.cloud.calls


def test_nothing_to_do_is_said(terminal: Terminal) -> None:
    terminal.cloud.healed = HealReport()
    assert (terminal("heal").out, terminal("heal").status) == ("nothing to do\n", 0)
    terminal.cloud.healed = HealReport(note="another run is at it")
    assert terminal("heal").out == "another run is at it\n"


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (HEALED, 0),
        (replace(HEALED, troubles=(LOST,)), 3),
        (replace(HEALED, breaker="2 of 3 hosts are silent at once"), 3),
        (HealReport((Healed("given up", "web", "demo-1", "in vain"),)), 3),
    ],
)
def test_it_ends_with_3_while_a_person_is_needed(
    terminal: Terminal, report: HealReport, status: int
) -> None:
    terminal.cloud.healed = report
    assert terminal("heal").status == status
    assert terminal("heal", "--json").status == status


@pytest.mark.parametrize(
    ("error", "status"), [(Unreachable("no answer"), 4), (NothingFits("no room"), 3)]
)
def test_what_could_not_be_done_is_told(
    terminal: Terminal, error: ClockerError, status: int
) -> None:
    terminal.cloud.healed = HealReport((Healed("recreated", "web", "", "demo-1 is lost", error),))
    seen = terminal("heal")
    assert seen.out == f"web  not recreated (demo-1 is lost): {error.what}\n"
    assert seen.status == status


def test_a_trouble_has_its_remedy(terminal: Terminal) -> None:
    terminal.cloud.healed = HealReport(troubles=(LOST,))
    assert terminal("heal").out.splitlines() == [
        "db  is left as it is: its host demo-1 is lost",
        "  remedy: bring demo-1 back",
    ]


def test_what_run_says_of_healing_and_of_the_end(terminal: Terminal) -> None:
    asked = ("--heal-attempts", "2", "--no-replace", "--priority", "7", "--restart-with", "db")
    end = ("--stop-signal", "sigint", "--stop-grace", "30s")
    assert terminal("run", *asked, *end, "nginx").status == 0
    request = next(call for call in terminal.cloud.calls if call[0] == "obtain_many")[1][0]
    assert request.healing == Healing(attempts=2, replace=False, priority=7, restart_with=("db",))
    assert (request.stop_signal, request.stop_grace_s) == ("SIGINT", 30.0)


@pytest.mark.parametrize(
    "options",
    [
        ("--stop-signal", "TERM; reboot"),
        ("--stop-signal", "0"),
        ("--stop-grace", "soon"),
        ("--restart-with", "DB_1"),
        ("--heal-attempts", "-1"),
    ],
)
def test_what_cannot_be_understood_is_refused(terminal: Terminal, options: tuple[str, ...]) -> None:
    seen = terminal("run", *options, "nginx")
    assert (seen.status, options[0] in seen.err) == (2, True)
