"""``scripts/install-timer``, with a crontab and a systemctl that write down what they are given."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "install-timer"
CRONTAB = '#!/bin/sh\ncase "$1" in -l) cat "$HOME/tab" 2>/dev/null ;; -) cat >"$HOME/tab" ;; esac\n'
SYSTEMCTL = '#!/bin/sh\necho "$@" >>"$HOME/told"\n'

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    for name, text in (("crontab", CRONTAB), ("systemctl", SYSTEMCTL), ("clocker", "#!/bin/sh\n")):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    (tmp_path / "clocker.yaml").write_text("name: demo\n")
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"

    def run(*args: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [str(SCRIPT), *args],
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == status, ran
        return ran

    return run


def test_the_crontab_keeps_other_lines_and_has_ours_once(run: Run, tmp_path: Path) -> None:
    tab = tmp_path / "tab"
    tab.write_text("0 0 * * * true\n")
    run("--cron")
    run("--cron", "--every", "5", "clocker.yaml", "scale", "gc")
    other, ours = tab.read_text().splitlines()
    clocker = f"{tmp_path}/bin/clocker --quiet --file {tmp_path}/clocker.yaml"
    assert other == "0 0 * * * true"
    assert ours.startswith(f"*/5 * * * * {{ {clocker} scale; {clocker} gc; }} 2>&1")
    run("--cron", "--remove")
    assert tab.read_text() == "0 0 * * * true\n"


def test_the_units_and_their_timer(run: Run, tmp_path: Path) -> None:
    run("--systemd")
    units = sorted((tmp_path / ".config" / "systemd" / "user").iterdir())
    assert [unit.suffix for unit in units] == [".service", ".timer"]
    assert f"ExecStart=-{tmp_path}/bin/clocker --quiet --file" in units[0].read_text()
    assert "OnUnitInactiveSec=1min" in units[1].read_text()
    assert f"--user enable --now {units[1].name}" in (tmp_path / "told").read_text()
    shown = run("--systemd", "--print").stdout
    assert shown == units[0].read_text() + units[1].read_text()
    run("--systemd", "--remove")
    assert list((tmp_path / ".config" / "systemd" / "user").iterdir()) == []


def test_watch_is_a_service_besides_the_timer(run: Run, tmp_path: Path) -> None:
    units = tmp_path / ".config" / "systemd" / "user"
    run("--systemd")
    run("--systemd", "clocker.yaml", "watch")
    assert len(list(units.iterdir())) == 3
    watch = next(unit for unit in units.iterdir() if unit.stem.endswith("-watch"))
    text = watch.read_text()
    assert f"ExecStart={tmp_path}/bin/clocker --file {tmp_path}/clocker.yaml watch\n" in text
    assert "Restart=always" in text and "Type=oneshot" not in text
    assert f"--user enable --now {watch.name}" in (tmp_path / "told").read_text()
    assert run("--systemd", "--print", "clocker.yaml", "watch").stdout == text
    run("--systemd", "--remove", "clocker.yaml", "watch")
    assert f"--user disable --now {watch.name}" in (tmp_path / "told").read_text()
    assert len(list(units.iterdir())) == 2
    run("--systemd", "--remove")
    assert list(units.iterdir()) == []


@pytest.mark.parametrize(
    "args",
    [("--every", "0"), ("--every", "1; rm"), ("--what",), ("none.yaml",)]
    + [("clocker.yaml", "scale; reboot"), ("clocker.yaml", "$(reboot)")]
    + [("--cron", "clocker.yaml", "watch"), ("clocker.yaml", "scale", "watch")],
)
def test_what_it_refuses(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    run("--cron", *args, status=2)
    assert not (tmp_path / "tab").exists()
