"""The verbs that look before anything is spent, on an EC2: its entry extends the shipped one, its
secrets come from a file and a command. Nothing is made, and no secret is seen anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ec2_server import IMAGE, KEY, REGION, SECRET, Ec2, Fault, serving

ENTRY = """\
aws:
  extends: ec2
  arguments:
    key: {file: key}
    secret: {command: [sh, tell]}
    region: REGION
    host: 127.0.0.1
    port: PORT
    secure: false
    signature_version: "4"
  image: IMAGE
  location: [REGIONa, REGIONb]
  interface: private
  firewall: {from: [198.51.100.0/24]}
"""


@dataclass
class Desk:
    """A folder with a cloud's document, and the account that its entry leads to."""

    folder: Path
    ec2: Ec2
    seen: list[str] = field(default_factory=list)

    def clocker(self, *args: str, status: int = 0) -> str:
        """What it prints, standard error last; all of it is kept to be searched."""
        with arguments_watched(self.seen):
            done = subprocess.run(
                [sys.executable, "-m", "clocker.cli", *args],
                cwd=self.folder,
                env={
                    **os.environ,
                    "CLOCKER_DEBUG": "1",
                    "XDG_STATE_HOME": str(self.folder / "state"),
                    "XDG_CONFIG_HOME": str(self.folder / "config"),
                },
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
        self.seen += [done.stdout, done.stderr]
        assert done.returncode == status, done
        return done.stdout + done.stderr

    def change(self, old: str, new: str) -> None:
        path = self.folder / "providers.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def commands_run(self) -> int:
        return len((self.folder / "runs").read_text())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with serving() as ec2:
        entry = ENTRY.replace("PORT", str(ec2.port)).replace("REGION", REGION)
        (tmp_path / "providers.yaml").write_text(entry.replace("IMAGE", IMAGE))
        (tmp_path / "clocker.yaml").write_text("name: demo\nhosts: {provider: aws, count: 2}\n")
        (tmp_path / "key").write_text(f"{KEY}\n")
        (tmp_path / "key").chmod(0o600)
        # The secret is put together here, so that it is on no command line.
        (tmp_path / "tell").write_text(f"printf x >> runs\ncat <<END\n{SECRET}\nEND\n")
        (tmp_path / "runs").write_text("")
        desk = Desk(tmp_path, ec2)
        yield desk
        changing = [c.action for c in ec2.calls if not c.action.startswith("Describe")]
        assert changing == []
        assert_unseen(desk)


def assert_unseen(desk: Desk) -> None:
    kept = [path for path in (desk.folder / "state").rglob("*") if path.is_file()]
    assert kept
    for secret in (KEY, SECRET):
        assert not [text for text in desk.seen if secret in text]
        assert not [path for path in kept if secret.encode() in path.read_bytes()]


@contextmanager
def arguments_watched(seen: list[str]) -> Iterator[None]:
    """Every command line that any process of this machine has meanwhile."""
    lines: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    lines.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
                except OSError:
                    continue  # it has ended

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        seen += lines


def planned(desk: Desk) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads(desk.clocker("plan", "--json"))
    return plan


def test_the_plan_has_size_zone_and_price(desk: Desk) -> None:
    plan = planned(desk)

    first, second = plan["plan"]
    assert first == second
    assert (first["provider"], first["zone"], first["exists"]) == ("aws", f"{REGION}a", False)
    assert first["resources"]["cores"] >= 2
    assert first["resources"]["ram_mb"] >= 4096
    assert 0 < first["price_hour"] < 0.1
    assert first["currency"] == "USD"
    assert plan["totals"][0]["price_month"] == pytest.approx(2 * 730 * first["price_hour"], abs=0.1)
    assert any(f"{REGION}b" in then for then in first["then"])
    assert desk.commands_run() == 1
    text = desk.clocker("plan")
    assert f"{2 * first['price_hour']:.4f} USD per hour" in text


def test_up_does_not_spend_unasked(desk: Desk) -> None:
    said = desk.clocker("up", status=2)

    assert "to make: 2 hosts" in said
    assert "USD per month)? Nobody is here to answer: add --yes" in said
    assert json.loads(desk.clocker("hosts", "--json"))["hosts"] == []


def test_listing_runs_no_command(desk: Desk) -> None:
    desk.clocker("ps")
    desk.clocker("providers")
    desk.clocker("providers", "aws", "--json")

    assert desk.commands_run() == 0
    assert desk.ec2.calls == []


def test_the_doctor_finds_it_well(desk: Desk) -> None:
    found = json.loads(desk.clocker("doctor", "aws", "--json"))

    assert found["ok"]
    checked = {check["subject"] for check in found["checks"]}
    assert {"credentials", "quota", "image", "size", "key", "firewall"} <= checked
    assert not [check for check in found["checks"] if check["verdict"] == "wrong"]
    assert desk.commands_run() == 1


def test_the_doctor_finds_what_is_wrong(desk: Desk) -> None:
    desk.change(f"image: {IMAGE}", "image: ami-00000000")
    assert "wrong    image" in desk.clocker("doctor", "aws", status=4)

    desk.ec2.faults = [Fault("DescribeInstances", "AuthFailure", "401 Unauthorized", times=99)]
    assert "wrong    credentials" in desk.clocker("doctor", "aws", status=4)

    (desk.folder / "tell").write_text(f"echo {SECRET}; echo {SECRET} >&2; exit 9\n")
    said = desk.clocker("doctor", "aws", status=4)
    assert "aws.arguments.secret.command: the command sh exited with status 9" in said
