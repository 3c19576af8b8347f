"""``clocker deploy``, ``apps`` and ``app`` on a cloud in memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_cloud import FakeCloud, Terminal

SHOP = Path(__file__).parents[1] / "data" / "blueprints" / "shop.yaml"


@pytest.fixture
def clocker(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """With the shop of the blueprint deployed."""
    return Terminal(FakeCloud(), capsys, monkeypatch)


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    path = tmp_path / "shop.yaml"
    text = (
        SHOP.read_text().replace("MODE: live", "MODE: test").replace('"8080:80"', '"8080:80", 81')
    )
    path.write_text(f"{text}    needs: []\n  more: {{image: 'debian:12'}}\n")
    return path


def test_the_same_file_again_has_nothing_to_do_and_does_not_ask(clocker: Terminal) -> None:
    seen = clocker("deploy", str(SHOP))
    assert (seen.status, seen.out) == (0, "shop  deployed: nothing to do\n")
    assert "application shop: nothing to do, 4 kept" in seen.err


def test_a_plan_says_what_and_why_and_asks(clocker: Terminal, changed: Path) -> None:
    seen = clocker("deploy", "--dry-run", str(changed))
    assert seen.status == 0
    assert "application shop: 1 to create, 3 to replace, 1 kept" in seen.out
    assert "  + create   shop-more   debian:12\n" in seen.out
    assert "  ± replace  shop-web    env.MODE\n" in seen.out
    assert "  ± replace  shop-proxy  ports\n" in seen.out
    assert "shop-db" not in seen.out
    refused = clocker("deploy", str(changed))
    assert refused.status == 2 and "add --yes" in refused.err
    done = clocker("deploy", "--yes", str(changed))
    assert (done.status, done.out) == (0, "shop  deployed: 1 created, 3 replaced\n")


def test_another_name_is_another_application(clocker: Terminal, changed: Path) -> None:
    changed.write_text(changed.read_text().replace("8080:", ""))
    seen = clocker("deploy", "--yes", "--name", "second", str(changed))
    assert (seen.status, seen.out) == (0, "second  deployed: 5 created\n")
    assert [row.split()[:4] for row in clocker("apps").out.splitlines()] == [
        ["APPLICATION", "STATE", "SERVICES", "RUNNING"],
        ["second", "deployed", "4", "5/5"],
        ["shop", "deployed", "3", "4/4"],
    ]


def test_what_fails_is_told_with_its_last_lines_and_undone(
    clocker: Terminal, changed: Path
) -> None:
    text = changed.read_text().replace(
        "debian:12'}", "debian:12', command: \"sh -c 'echo why; exit 3'\"}"
    )
    changed.write_text(text)
    seen = clocker("deploy", "--yes", str(changed))
    assert seen.status == 4
    assert "application shop: 1 of 4 services failed" in seen.err
    assert "service more" in seen.err and "why" in seen.err
    assert clocker("app", "status", "shop").status == 4
    assert "failed" in clocker("apps").out
    undone = clocker("deploy", "--undo", "--yes", "--name", "shop")
    assert undone.status == 0 and undone.out.startswith("shop  undone")
    assert clocker("app", "status", "shop").status == 0
    assert clocker("deploy", "--undo", "--yes", "--name", "shop").status == 2


def test_an_application_is_shown_service_by_service(clocker: Terminal) -> None:
    seen = clocker("app", "status", "shop")
    assert seen.status == 0
    rows = [line.split() for line in seen.out.splitlines()]
    assert ["state", "deployed"] in rows
    assert any(row[:4] == ["web", "2/2", "shop-web", "running"] for row in rows)
    assert any(row[:2] == ["shop-web-2", "running"] for row in rows)
    assert clocker("app", "status", "nobody").status == 2


def test_it_is_scaled_restarted_and_removed(clocker: Terminal) -> None:
    assert clocker("app", "scale", "shop", "web=1").out == "shop  scaled: 1 replaced, 1 removed\n"
    assert clocker("app", "scale", "shop", "web=9").status == 2
    assert clocker("app", "scale", "shop", "web=x").status == 2
    assert clocker("app", "restart", "shop", "web").out == "shop-web  restarted\n"
    assert clocker("app", "rm", "shop").status == 2
    assert clocker("app", "rm", "--yes", "shop").out == "shop  removed, 3 containers\n"
    assert clocker("app", "rm", "--yes", "shop").status == 2


def test_logs_say_whose_each_line_is(clocker: Terminal) -> None:
    assert clocker("app", "logs", "shop", "proxy").out == "shop-proxy | one\nshop-proxy | two\n"
    assert clocker("app", "logs", "--tail", "1", "--follow", "shop", "web", "db").status == 0
    assert ("logs", "shop-web-2", True, 1) in clocker.cloud.calls
    assert clocker("app", "logs", "shop", "nobody").status == 2


def test_a_bad_file_and_no_file_are_refused(clocker: Terminal, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("application: a\nservices: {web: {imgae: x}}\n")
    seen = clocker("deploy", str(path))
    assert seen.status == 2 and "did you mean image?" in seen.err
    assert clocker("deploy").status == 2
    assert clocker("deploy", str(tmp_path / "none.yaml")).status == 2
