"""``clocker network``, ``clocker dns`` and the options of ``run`` that speak of networks."""

from __future__ import annotations

import pytest
from cli_cloud import FakeCloud, Terminal, container

from clocker.cloud.findings import NameFinding, NameState
from clocker.errors import NameTaken, NothingFits


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(containers=[container("web")]), capsys, monkeypatch)


def test_create(terminal: Terminal) -> None:
    seen = terminal("network", "create", "blue", "--size", "24")
    assert seen.out == "blue  10.210.16.0/24  (names: CONTAINER.blue.demo.clocker)\n"
    assert ("create_network", "blue", 24, None) in terminal.cloud.calls
    terminal("network", "create", "blue", "--subnet", "10.210.16.0/24")
    assert ("create_network", "blue", None, "10.210.16.0/24") in terminal.cloud.calls


def test_a_pool_that_ends_is_exit_code_3(terminal: Terminal) -> None:
    terminal.cloud.failure = NothingFits("no block left", remedy="a smaller one")
    seen = terminal("network", "create", "blue")
    assert (seen.status, seen.out) == (3, "") and "remedy: a smaller one" in seen.err


def test_ls_and_inspect(terminal: Terminal) -> None:
    assert terminal("network", "ls").out.splitlines()[1].split() == [
        "blue", "10.210.16.0/24", "blue.demo.clocker", "1", "254",
    ]  # fmt: skip
    seen = terminal("network", "inspect", "blue").out
    assert "addresses  1 of 254 in use" in seen
    assert seen.splitlines()[-1].split() == ["10.210.16.1", "host", "demo-1"]


def test_rm_attach_and_detach(terminal: Terminal) -> None:
    assert terminal("network", "rm", "blue").out == "blue  removed\n"
    assert terminal("network", "attach", "blue", "web").out == "web  10.210.16.5  blue\n"
    assert ("attach", "web", "blue", None) in terminal.cloud.calls
    terminal("network", "attach", "blue", "web", "--ip", "10.210.16.9")
    assert ("attach", "web", "blue", "10.210.16.9") in terminal.cloud.calls
    assert terminal("network", "attach", "blue", "web", "--ip", "x").status == 2
    assert terminal("network", "detach", "blue", "web").out == "web  detached from blue\n"
    terminal.cloud.failure = NameTaken("containers are on it: web")
    assert terminal("network", "rm", "blue").status == 2


def test_status(terminal: Terminal) -> None:
    last = terminal("network", "status").out.splitlines()[-1]
    assert last.split() == ["demo-1", "blue", "1390", "wireguard", "172.30.0.3"]


def test_check_shows_a_matrix_and_ends_with_4_when_something_is_wrong(terminal: Terminal) -> None:
    seen = terminal("network", "check", "--containers", "7")
    assert seen.status == 4 and ("check_network", 7) in terminal.cloud.calls
    rows = [line.split() for line in seen.out.splitlines()]
    assert ["demo-1", "-", "ok"] in rows and ["web", "lost", "-"] in rows
    assert "lost\n  likely cause: a firewall\n  remedy: open it\n" in seen.out
    terminal.cloud.problems = ()
    seen = terminal("network", "check")
    assert seen.status == 0 and seen.out.endswith("nothing is wrong\n")
    assert terminal("network", "check", "--containers", "101").status == 2


def test_dns_shows_zones_and_ends_with_4_when_a_host_is_wrong(terminal: Terminal) -> None:
    seen = terminal("dns")
    assert seen.status == 0 and "demo.clocker\n  web  10.210.0.5\n" in seen.out
    wrong = NameFinding("default", "demo-2", "web", NameState.WRONG, ("10.0.0.5",), ("10.0.0.9",))
    terminal.cloud.answers = (wrong,)
    seen = terminal("dns")
    assert seen.status == 4
    assert "demo-2: web (default) is wrong: 10.0.0.9, not 10.0.0.5" in seen.out
    assert "remedy: clocker dns --repair" in seen.out
    assert terminal("dns", "--json").json["ok"] is False


@pytest.mark.parametrize("verb", [("dns",), ("network", "check")])
def test_repair_comes_before_the_check(terminal: Terminal, verb: tuple[str, ...]) -> None:
    terminal.cloud.problems = ()
    assert terminal(*verb).status == 0 and ("repair_network",) not in terminal.cloud.calls
    assert terminal(*verb, "--repair").status == 0
    assert ("repair_network",) in terminal.cloud.calls


def test_run_names_networks_and_aliases(terminal: Terminal) -> None:
    options = ("--network", "blue", "--network", "default", "--alias", "db", "--alias", "sql")
    assert terminal("run", *options, "nginx").status == 0
    ((request,),) = [call[1] for call in terminal.cloud.calls if call[0] == "obtain_many"]
    assert (request.networks, request.aliases) == (("blue", "default"), ("db", "sql"))


@pytest.mark.parametrize("option", ["--network", "--alias", "--name"])
@pytest.mark.parametrize("text", ["$(id)", "a;b", "a\nb", "a\n", "", "a b", "A", "../x", "a/b#c"])
def test_hostile_words_are_refused_before_anything_is_opened(
    terminal: Terminal, option: str, text: str
) -> None:
    seen = terminal("run", option, text, "nginx")
    assert (seen.status, seen.out, terminal.cloud.calls) == (2, "", [])
    assert option in seen.err and "must be a DNS label" in seen.err
