"""The verbs, on a fake cloud: what they call, print and end with."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_cloud import FakeCloud, Terminal, container, planned

from clocker.cloud import PlannedHost, UpPlan, UpReport
from clocker.errors import Interrupted, NothingFits, ProviderError
from clocker.model import (
    Check,
    Port,
    Resources,
    Result,
    RuleSpec,
    Verdict,
    Volume,
    Wait,
)

PLAN = UpPlan((planned(),))


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    cloud = FakeCloud(containers=[container("db"), container("web", ports=(Port(80),))])
    return Terminal(cloud, capsys, monkeypatch)


class Became(BaseException):
    """Stands for execvp, which does not return."""


def becoming(terminal: Terminal) -> list[list[str]]:
    became: list[list[str]] = []

    def execvp(_program: str, argv: list[str]) -> None:
        assert terminal.cloud.calls[-1] == ("closed",)
        became.append(argv)
        raise SystemExit(0)

    terminal.patch.setattr("os.execvp", execvp)
    return became


def answering(terminal: Terminal, answer: str) -> None:
    stdin = io.StringIO(answer)
    terminal.patch.setattr(stdin, "isatty", lambda: True, raising=False)
    terminal.patch.setattr(sys, "stdin", stdin)


def test_up_shows_the_plan_and_what_was_done(terminal: Terminal) -> None:
    terminal.cloud.plan = PLAN
    terminal.cloud.up_report = UpReport(made=("demo-1",), recovered=("web",))
    seen = terminal("up")
    assert seen.status == 0
    assert seen.err.startswith("to make: 1 host\nHOST ")
    assert "in all: free\n" in seen.err
    assert "demo-1  engine" in seen.err
    assert seen.out == "made: demo-1\nrecovered: web\n"


def test_a_second_up_says_that_there_is_nothing_to_do(terminal: Terminal) -> None:
    assert terminal("up").out == "nothing to do: 2 hosts as they should be\n"


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (0.0416, "Make 1 host (0.0416 USD per hour, 30.37 USD per month)?"),
        (None, "Make 1 host (1 at a price that is not known)?"),
    ],
)
def test_up_asks_before_it_spends(terminal: Terminal, price: float | None, words: str) -> None:
    terminal.cloud.plan = UpPlan((planned(price),))
    seen = terminal("up")
    assert (seen.status, ("up",) in terminal.cloud.calls) == (2, False)
    assert words in seen.err
    assert "--yes" in seen.err
    assert terminal("up", "--json").status == 2
    answering(terminal, "n\n")
    assert terminal("up").status == 130
    assert ("up",) not in terminal.cloud.calls
    answering(terminal, "y\n")
    assert terminal("up").status == 0
    assert terminal("up", "--yes").status == 0
    assert terminal.cloud.calls.count(("up",)) == 2


def with_option(verb: tuple[str, ...], option: str) -> tuple[str, ...]:
    """Before an image, and after a verb of two words."""
    return (verb[0], option, verb[1]) if verb[0] == "run" else (*verb, option)


@pytest.mark.parametrize(
    ("verb", "done"),
    [(("run", "nginx"), "obtain_many"), (("host", "add"), "add_hosts")],
)
@pytest.mark.parametrize("price", [0.0416, None])
def test_whoever_grows_the_cloud_is_asked_before_it_costs(
    terminal: Terminal, verb: tuple[str, ...], done: str, price: float | None
) -> None:
    def times_done() -> int:
        return [call[0] for call in terminal.cloud.calls].count(done)

    terminal.cloud.new_host = planned(price)
    terminal.cloud.plan = UpPlan((planned(price),))

    refused = terminal(*verb)
    assert (refused.status, refused.out, times_done()) == (2, "", 0)
    assert refused.err.startswith("to make: 1 host\nHOST ")
    assert "Make 1 host (" in refused.err
    assert "--yes" in refused.err
    assert terminal(*with_option(verb, "--json")).status == 2
    answering(terminal, "n\n")
    assert (terminal(*verb).status, times_done()) == (130, 0)
    answering(terminal, "y\n")
    assert (terminal(*verb).status, times_done()) == (0, 1)
    said_yes = terminal(*with_option(verb, "--yes"))
    assert (said_yes.status, times_done()) == (0, 2)
    assert "to make: 1 host\n" in said_yes.err


@pytest.mark.parametrize("verb", [("run", "nginx"), ("host", "add"), ("up",)])
def test_what_is_free_is_not_asked_about_nor_shown_when_quiet(
    terminal: Terminal, verb: tuple[str, ...]
) -> None:
    terminal.cloud.new_host = planned(0.0)
    terminal.cloud.plan = UpPlan((planned(0.0),))
    assert terminal(*verb).err.startswith("to make: 1 host\n")
    seen = terminal("-q", *verb)
    assert (seen.status, seen.err) == (0, "")


def test_a_container_that_has_room_asks_no_provider(terminal: Terminal) -> None:
    assert terminal("run", "nginx").status == 0
    assert "plan_obtain" not in [call[0] for call in terminal.cloud.calls]


@pytest.mark.parametrize("verb", [("plan",), ("up", "--dry-run")])
def test_the_plan_has_a_place_and_a_price_for_every_host(
    terminal: Terminal, verb: tuple[str, ...]
) -> None:
    size_and_provider = ("size large", "provider gce")
    terminal.cloud.plan = UpPlan(
        (
            replace(planned(0.05, "ec2", zone="eu-1a", spot=True), then=size_and_provider),
            replace(planned(0.05, "ec2", region="eu-1"), then=size_and_provider),
            planned(1, "gce", currency="EUR"),
            planned(None, "gce"),
            planned(0, "local"),
            PlannedHost("demo-1", "ec2", Resources()),
        ),
        ("demo-9",),
    )
    lines = terminal(*verb).out.splitlines()
    assert lines[0] == "to make: 6 hosts"
    headings = ["HOST", "PROVIDER", "PLACE", "SIZE", "IMAGE", "PER HOUR", "PER MONTH"]
    assert re.split("   +", lines[1]) == headings
    cells = [re.split("   +", line) for line in lines[2:8]]
    has = "1 core, 1024 MiB, 10 GiB disk"
    assert cells[0] == ["demo-?", "ec2", "eu-1a", f"small ({has}, spot)", "debian-12",
                        "0.0500 USD", "36.50 USD"]  # fmt: skip
    assert cells[1][2:4] == ["eu-1", f"small ({has})"]
    assert [row[-2:] for row in cells[2:]] == [
        ["1.0000 EUR", "730.00 EUR"], ["unknown", "unknown"], ["free", "free"], ["-", "-"]
    ]  # fmt: skip
    assert cells[5][:4] == ["demo-1", "ec2", "-", "its machine is there"]
    assert lines[8:] == [
        "in all: 0.1000 USD per hour, 73.00 USD per month and 1.0000 EUR per hour, "
        "730.00 EUR per month and 1 at a price that is not known",
        "next, if refused: size large, provider gce",
        "to remove: demo-9",
    ]
    made = terminal(*verb, "--json").json
    assert (made["unpriced"], made["remove"]) == (1, ["demo-9"])
    assert {"currency": "USD", "price_hour": 0.1, "price_month": 73.0} in made["totals"]
    assert made["plan"][0]["then"] == ["size large", "provider gce"]
    assert (made["plan"][5]["exists"], made["plan"][5]["price_hour"]) == (True, None)
    assert ("up",) not in terminal.cloud.calls


def test_a_plan_of_nothing(terminal: Terminal) -> None:
    assert terminal("plan").out == "to make: no hosts\nto remove: no hosts\n"
    assert terminal("plan", "--json").json["plan"] == []


@pytest.fixture
def catalogued(terminal: Terminal, tmp_path: Path) -> Terminal:
    """In a folder with a cloud and a providers.yaml."""
    (tmp_path / "clocker.yaml").write_text("name: demo\nhosts: {provider: local}\n")
    (tmp_path / "providers.yaml").write_text(
        """\
local: {driver: local}
mine:
  extends: base
  arguments: {region: two, key: {file: key}}
base:
  driver: ec2
  arguments: {key: "${BASE_KEY}", secret: "${BASE_SECRET}", region: one}
  location: [a, b]
broken: {drivr: x, arguments: {secret: tell-nobody}}
"""
    )
    (tmp_path / "key").write_text("tell-nobody")
    (tmp_path / "key").chmod(0o600)
    terminal.patch.chdir(tmp_path)
    terminal.patch.setenv("BASE_KEY", "tell-nobody")
    return terminal


def test_providers_are_listed_with_the_names_of_what_they_need(
    catalogued: Terminal, tmp_path: Path
) -> None:
    seen = catalogued("providers")
    rows = {line.split()[0]: re.split("   +", line) for line in seen.out.splitlines()}
    file = str(tmp_path / "providers.yaml")
    assert rows["local"] == ["local", "local", "-", file, "-"]
    assert rows["base"] == [
        "base", "ec2", "one, a, b", file, "BASE_KEY set, BASE_SECRET unset"
    ]  # fmt: skip
    assert rows["ec2"][3] == "clocker.templates/providers.yaml"
    assert f"{file}:9: broken.drivr: unknown key\n  remedy: did you mean driver?" in seen.err
    assert "tell-nobody" not in seen.out + seen.err
    (base,) = (
        p for p in catalogued("providers", "--json").json["providers"] if p["name"] == "base"
    )
    assert base["credentials"][1] == {
        "argument": "secret", "kind": "variable", "name": "BASE_SECRET", "set": False
    }  # fmt: skip


def test_one_provider_is_shown_whole(catalogued: Terminal, tmp_path: Path) -> None:
    seen = catalogued("providers", "mine")
    assert (
        seen.out
        == f"""\
# {tmp_path}/providers.yaml, which extends base
# key: file {tmp_path}/key set
# secret: BASE_SECRET unset
mine:
  driver: ec2
  arguments:
    key:
      file: key
    secret: ${{BASE_SECRET}}
    region: two
  location:
  - a
  - b
"""
    )
    assert "tell-nobody" not in "".join(vars(catalogued("providers", "broken"))["out"])
    assert "did you mean mine?" in catalogued("providers", "mime").err


def test_the_doctor_asks_the_provider_with_a_whole_entry(
    catalogued: Terminal, tmp_path: Path
) -> None:
    catalogued.patch.setenv("BASE_SECRET", "tell-nobody")
    catalogued.cloud.checks = (
        Check("quota", Verdict.FINE, "3 of 20 used"),
        Check("firewall", Verdict.UNKNOWN, "cannot be asked"),
    )
    seen = catalogued("doctor", "mine")
    assert (seen.status, seen.err) == (0, "")
    assert seen.out.splitlines() == [
        f"fine     credentials  key: file {tmp_path}/key set",
        "fine     credentials  secret: BASE_SECRET set",
        "fine     quota        3 of 20 used",
        "unknown  firewall     cannot be asked",
    ]
    assert catalogued.cloud.also == ("mine",)
    catalogued.cloud.checks = (Check("image", Verdict.WRONG, "none is called x", "name one"),)
    seen = catalogued("doctor", "mine")
    assert seen.status == 4
    assert seen.out.splitlines()[2:] == [
        "wrong    image        none is called x", "  remedy: name one"
    ]  # fmt: skip
    (tmp_path / "key").chmod(0o644)
    assert f"  remedy: chmod 600 {tmp_path}/key\n" in catalogued("doctor", "mine").out


def test_the_doctor_stops_at_an_entry_that_does_not_hold(catalogued: Terminal) -> None:
    seen = catalogued("doctor", "base")
    assert seen.status == 4
    assert "wrong    credentials  secret: BASE_SECRET unset" in seen.out
    assert "  remedy: export BASE_SECRET=..." in seen.out
    checks = catalogued("doctor", "broken", "--json").json
    assert (checks["ok"], checks["checks"][0]["subject"]) == (False, "entry")
    assert "tell-nobody" not in str(checks)
    assert not any(call[0] == "examine" for call in catalogued.cloud.calls)
    assert catalogued("doctor", "nobody").status == 2


@pytest.mark.parametrize("flags", [("--quiet", "up"), ("up", "--json")])
def test_progress_is_silent_when_asked(terminal: Terminal, flags: tuple[str, ...]) -> None:
    assert "engine" not in terminal(*flags).err


def test_run_translates_every_option(terminal: Terminal) -> None:
    seen = terminal(
        "run", "--name", "job", "--cores", "0.5", "--ram", "1GiB", "-e", "A=1", "-e", "TOKEN",
        "-v", "data:/data:ro", "-p", "8080:80", "-p", "53/udp", "-l", "tier=web",
        "--entrypoint", "sh -c", "-u", "app", "-w", "/srv", "--hostname", "h", "--cap-add",
        "net_admin", "--privileged", "--read-only", "--restart", "on-failure:3",
        "--health-cmd", "true", "--health-interval", "2s", "--ssh", "--timeout", "1m",
        "--rule", "max_containers=3", "--rule", "depth_first",
        "nginx", "echo", "--name", "not-mine",
    )  # fmt: skip
    assert seen.status == 0, seen.err
    (request,) = terminal.cloud.calls[0][1]
    assert (request.image, request.name, request.resources) == (
        "nginx",
        "job",
        Resources(0.5, 1024),
    )
    assert request.command == ("echo", "--name", "not-mine")
    assert request.env == {"A": "1", "TOKEN": None}
    assert request.volumes == (Volume("data", "/data", read_only=True),)
    assert request.ports == (Port(80, 8080), Port(53, 0, "udp"))
    assert (request.labels, request.entrypoint) == ({"tier": "web"}, ("sh", "-c"))
    assert (request.user, request.workdir, request.hostname) == ("app", "/srv", "h")
    assert (request.capabilities, request.privileged, request.read_only) == (
        ("NET_ADMIN",), True, True
    )  # fmt: skip
    assert (request.restart.condition, request.restart.attempts) == ("on-failure", 3)
    assert request.health is not None
    assert (request.health.command, request.health.interval_s) == (("sh", "-c", "true"), 2.0)
    assert (request.ssh, request.wait, request.timeout_s) == (True, Wait.SSH, 60.0)
    assert request.rules == (RuleSpec("max_containers", {"limit": 3}), RuleSpec("depth_first"))
    assert seen.out == "job  10.210.0.5  demo-1  8080->80/tcp,32000->53/udp\n"


def test_run_without_a_command_keeps_the_images(terminal: Terminal) -> None:
    terminal("run", "nginx")
    (request,) = terminal.cloud.calls[0][1]
    assert (request.command, request.name, request.wait) == (None, None, Wait.RUNNING)


def test_run_several(terminal: Terminal) -> None:
    seen = terminal("run", "--count", "3", "--name", "job", "debian", "--", "sleep", "1")
    assert [line.split()[0] for line in seen.out.splitlines()] == ["job-1", "job-2", "job-3"]
    assert {request.command for request in terminal.cloud.calls[0][1]} == {("sleep", "1")}


def test_ps_lists_the_record(terminal: Terminal) -> None:
    terminal.cloud.containers.append(container("root", privileged=True))
    lines = terminal("ps").out.splitlines()
    assert lines[0].split() == [
        "NAME", "IMAGE", "HOST", "ADDRESS", "STATE", "PORTS", "PRIVILEGED", "AGE"
    ]  # fmt: skip
    web = lines[2].split()
    assert web[:7] == ["web", "nginx", "demo-1", "10.210.0.5", "running", "32000->80/tcp", "-"]
    assert lines[3].split()[6] == "yes"
    assert terminal("ps", "--names").out == "db\nweb\nroot\n"


def test_status_and_hosts(terminal: Terminal) -> None:
    text = terminal("status").out
    assert "10.210.0.0/20, 4090 addresses free" in text
    assert "demo-1" in text
    row = terminal("hosts").out.splitlines()[1]
    assert "1 core, 512 MiB" in row
    assert "2 cores, 2048 MiB" in row


@pytest.mark.parametrize(
    ("verb", "call"),
    [
        (("start", "web"), ("start", "web")),
        (("stop", "web"), ("stop", "web", None)),
        (("stop", "--grace", "1m", "web"), ("stop", "web", 60.0)),
        (("move", "web"), ("move", "web", None, False, False, None)),
        (
            ("move", "--volumes", "--force", "--grace", "2s", "web", "demo-2"),
            ("move", "web", "demo-2", True, True, 2.0),
        ),
        (("restart", "web"), ("restart", "web", None)),
        (("logs", "-f", "--tail", "5", "web"), ("logs", "web", True, 5)),
        (("events", "--after", "3", "-n", "9"), ("events", 3, 9)),
        (("inspect", "web"), ("inspect", "web")),
        (("adopt",), ("adopt",)),
        (("rotate-certs",), ("rotate_certs",)),
    ],
)
def test_a_verb_calls_its_method(
    terminal: Terminal, verb: tuple[str, ...], call: tuple[Any, ...]
) -> None:
    assert terminal(*verb).status == 0
    assert call in terminal.cloud.calls


def test_the_file_option_reaches_the_cloud(terminal: Terminal) -> None:
    terminal("-f", "other.yaml", "ps")
    assert terminal.cloud.file == "other.yaml"


def test_logs_print_what_came(terminal: Terminal) -> None:
    assert terminal("logs", "web").out == "one\ntwo\n"


def test_rm_needs_consent(terminal: Terminal) -> None:
    seen = terminal("rm", "web")
    assert seen.status == 2
    assert "--yes" in seen.err
    assert not any(call[0] == "release" for call in terminal.cloud.calls)
    answering(terminal, "n\n")
    assert terminal("rm", "web").status == 130
    answering(terminal, "y\n")
    assert terminal("rm", "web").out == "web  removed\n"


def test_rm_goes_on_after_a_failure_and_tells_it(terminal: Terminal) -> None:
    seen = terminal("rm", "--yes", "nowhere", "web", "web")
    assert seen.status == 2
    assert seen.out == "web  removed\n"
    assert "error: no container is called 'nowhere'\n  remedy: clocker ps lists them" in seen.err


def test_rm_all(terminal: Terminal) -> None:
    assert terminal("rm", "--all", "-y").out == "db  removed\nweb  removed\n"
    terminal.cloud.containers.clear()
    assert terminal("rm", "--all").out == "nothing to remove\n"
    assert terminal("rm", "--all", "web").status == 2
    assert terminal("rm").status == 2


def test_down_needs_consent(terminal: Terminal) -> None:
    assert terminal("down").status == 2
    assert ("down",) not in terminal.cloud.calls
    assert terminal("down", "--yes").out == "removed containers: db, web\nremoved hosts: demo-1\n"


def test_exec_becomes_the_command(terminal: Terminal) -> None:
    became = becoming(terminal)
    terminal("exec", "web", "--", "ls", "-l")
    terminal("exec", "-it", "web", "sh")
    assert became == [
        ["ssh", "demo-1", "docker", "exec", "web", "ls", "-l"],
        ["ssh", "demo-1", "docker", "exec", "-i", "-t", "web", "sh"],
    ]


def test_exec_with_options_has_the_commands_exit_code(terminal: Terminal) -> None:
    terminal.cloud.result = Result(7, b"out\n", b"err\n")
    seen = terminal("exec", "-u", "app", "-e", "A=1", "--timeout", "5s", "web", "--", "false")
    assert (seen.status, seen.err) == (7, "err\n")
    options = {"env": {"A": "1"}, "user": "app", "workdir": None, "timeout_s": 5.0}
    assert ("run", ["false"], options) in terminal.cloud.calls
    assert terminal("exec", "--json", "web", "x").json["status"] == 7


def test_exec_refuses_what_does_not_go_together(terminal: Terminal) -> None:
    assert terminal("exec", "-t", "-u", "app", "web", "sh").status == 2
    assert terminal("exec", "web", "--").status == 2
    seen = terminal("exec", "-e", "NOT_SET_ANYWHERE", "web", "sh")
    assert (seen.status, "NOT_SET_ANYWHERE is not set here" in seen.err) == (2, True)


def test_ssh_to_a_container_or_a_host(terminal: Terminal) -> None:
    became = becoming(terminal)
    terminal("ssh", "web", "--", "uptime", "-p")
    terminal("ssh", "demo-1")
    assert became == [["ssh", "web", "uptime", "-p"], ["ssh", "demo-1"]]
    assert "no container is called 'other'" in terminal("ssh", "other").err


def test_ssh_that_is_not_installed(terminal: Terminal) -> None:
    terminal.patch.setenv("PATH", "/nonexistent")
    seen = terminal("ssh", "web")
    assert (seen.status, "ssh is not installed here" in seen.err) == (4, True)


def test_cp_both_ways(terminal: Terminal, tmp_path: Path) -> None:
    local = tmp_path / "a:b"
    local.write_text("x")
    assert terminal("cp", str(local), "web:/srv/").status == 0
    assert terminal("cp", "web:/srv/x", str(tmp_path)).status == 0
    assert ("put", str(local), "/srv/") in terminal.cloud.calls
    assert ("get", "/srv/x", str(tmp_path)) in terminal.cloud.calls


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("a", "b"), "must be NAME:PATH"),
        (("web:/a", "db:/b"), "must be NAME:PATH"),
        (("web:relative", "x"), "must begin with /"),
        (("no-such-file", "web:/a"), "error: no-such-file: No such file"),
    ],
)
def test_cp_refuses(terminal: Terminal, args: tuple[str, ...], words: str) -> None:
    seen = terminal("cp", *args)
    assert seen.status in (1, 2)
    assert words in seen.err


def test_ssh_config_prints_the_config(terminal: Terminal) -> None:
    assert terminal("ssh-config").out == "Host web\n"


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (ProviderError("quota", where="ec2", remedy="ask"), 4, "error: ec2: quota\n  remedy: ask"),
        (NothingFits("no room", reasons={"demo-1": ("fits: RAM",)}), 3, "demo-1: fits: RAM"),
        (Interrupted("stopped at engine"), 130, "stopped at engine"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "/state"), 1, "/state: No space left on device"),
        (KeyError("tell-nobody"), 1, "an unexpected KeyError at run.py:"),
    ],
)
def test_every_failure_is_a_message_and_a_code(
    terminal: Terminal, failure: BaseException, status: int, words: str
) -> None:
    terminal.cloud.failure = failure
    seen = terminal("run", "nginx")
    assert seen.status == status
    assert words in seen.err
    assert "Traceback" not in seen.err
    assert "tell-nobody" not in seen.err


def test_the_traceback_is_there_for_who_asks(terminal: Terminal) -> None:
    terminal.patch.setenv("CLOCKER_DEBUG", "1")
    terminal.cloud.failure = KeyError("x")
    assert "Traceback" in terminal("up").err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("rnu",), "did you mean run?"),
        (("zzz",), "clocker --help lists the verbs"),
        (("ps", "--nope"), "--nope"),
        (("run",), "Missing argument 'IMAGE'"),
        (("run", "--wait", "forever", "x"), "'forever'"),
        (("exec", "web"), "Missing argument"),
        (("run", "--ram", "much", "x"), "--ram: must be a size"),
    ],
)
def test_usage_errors_end_with_2(terminal: Terminal, args: tuple[str, ...], words: str) -> None:
    seen = terminal(*args)
    assert seen.status == 2
    assert seen.err.startswith("error: ")
    assert words in seen.err


def test_init_writes_once(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "My Cloud 2"
    folder.mkdir()
    (folder / "providers.yaml").write_text("local: {driver: local}\nmine: {driver: static}\n")
    monkeypatch.chdir(folder)
    assert terminal("init").out == "wrote clocker.yaml; next: clocker up\n"
    assert "\nname: my-cloud-2\n" in (folder / "clocker.yaml").read_text()
    seen = terminal("init")
    assert (seen.status, "there is one already" in seen.err) == (2, True)
    seen = terminal("-f", "b.yaml", "init", "--provider", "mine", "--name", "web")
    assert seen.out == "wrote b.yaml; next: clocker doctor mine\n"
    assert "provider: mine" in (folder / "b.yaml").read_text()
    assert "known providers:" in terminal("-f", "c.yaml", "init", "--provider", "no").err
    assert terminal("-f", "c.yaml", "init", "--name", "a; rm -rf /").status == 2
    assert not (folder / "c.yaml").exists()


def test_names_are_completed_and_errors_are_silent(terminal: Terminal) -> None:
    def complete(words: str, count: int) -> tuple[int, str, str]:
        terminal.patch.setenv("COMP_WORDS", words)
        terminal.patch.setenv("COMP_CWORD", str(count))
        terminal.patch.setenv("_CLOCKER_COMPLETE", "bash_complete")
        seen = terminal()
        return seen.status, seen.out, seen.err

    assert complete("clocker rm w", 2) == (0, "plain,web\n", "")
    assert complete("clocker ssh d", 2) == (0, "plain,db\nplain,demo-1\n", "")
    terminal.cloud.failure = RuntimeError("broken")
    assert complete("clocker rm w", 2) == (0, "\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(terminal: Terminal, shell: str) -> None:
    assert f"_CLOCKER_COMPLETE={shell}_complete" in terminal("completion", shell).out


def test_gc_asks_and_then_removes(terminal: Terminal) -> None:
    seen = terminal("gc")
    assert (seen.status, ("gc", 1) in terminal.cloud.calls) == (2, False)
    assert "demo-demo-3" in seen.out
    assert "Remove 1 machine? Nobody is here to answer: add --yes" in seen.err

    seen = terminal("gc", "--yes", "--grace", "10m")

    assert seen.status == 0
    assert seen.out.endswith("demo-demo-3  removed\n")
    assert ("remnants", 600.0) in terminal.cloud.calls


def test_gc_dry_run_removes_nothing(terminal: Terminal) -> None:
    assert terminal("gc", "--dry-run").status == 0
    (found,) = terminal("gc", "--dry-run", "--json").json["remnants"]
    assert found["outcome"] == "goes"
    assert not any(call[0] == "gc" for call in terminal.cloud.calls)


def test_gc_without_remnants_asks_nothing(terminal: Terminal) -> None:
    terminal.cloud.left = ()
    seen = terminal("gc")
    assert (seen.status, seen.out) == (0, "nothing is left over\n")


def test_gc_tells_every_failure_at_the_end(terminal: Terminal) -> None:
    terminal.cloud.unasked = (ProviderError("away", where="provider b"),)
    terminal.cloud.unremoved = ProviderError("busy", where="machine i-0")

    seen = terminal("gc", "--yes", "--json")

    assert seen.status == 4
    assert "provider b: away" in seen.err
    assert "machine i-0: busy" in seen.err
    (found,) = seen.json["remnants"]
    assert (found["outcome"], found["reason"]) == ("failed", "busy")
