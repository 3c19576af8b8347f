"""``clocker explain`` and ``clocker run --dry-run``: what they ask of the cloud, and print."""

from __future__ import annotations

import pytest
from cli_cloud import HOST, FakeCloud, Terminal, container

from clocker.cloud import Explanation, PlannedHost
from clocker.model import Judgement, Offer, Refusal, Resources, RuleSpec


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(FakeCloud(containers=[container("web")]), capsys, monkeypatch)


def test_explain_shows_ranks_and_refusals(terminal: Terminal) -> None:
    seen = terminal("explain", "--cores", "2", "--rule", "country=in DE or NL", "nginx")
    assert (seen.status, seen.err) == (0, "")
    assert seen.out.splitlines() == [
        "HOST     RANK   WHY",
        "demo-1   1      breadth_first: holds 1 container",
        "demo-2   -      fits: cores: 2 wanted, 1 free",
    ]
    (_, request), *_ = terminal.cloud.calls
    assert (request.image, request.resources) == ("nginx", Resources(2.0))
    assert request.rules == (RuleSpec("country", {"places": "in DE or NL"}),)


@pytest.mark.parametrize(
    ("judgement", "said", "status"),
    [
        (Judgement(HOST, 1), "demo-1: would be made", 0),
        (
            Judgement(HOST, None, (Refusal("maximum", "there are 2"),)),
            "demo-1: maximum: there are 2",
            3,
        ),
    ],
)
def test_explain_judges_a_new_host_last(
    terminal: Terminal, judgement: Judgement, said: str, status: int
) -> None:
    terminal.cloud.explanation = Explanation((), (judgement,))
    seen = terminal("explain", "nginx")
    assert (seen.out.splitlines()[-1], seen.status) == (said, status)
    assert terminal("explain", "--json", "nginx").json["fits"] is (status == 0)


def test_a_dry_run_shows_where_and_books_nothing(terminal: Terminal) -> None:
    offer = Offer("ec2", "small", "debian", Resources(2, 2048), price_hour=0.05)
    terminal.cloud.new_host = PlannedHost("demo-?1", "ec2", Resources(1, 1024), offer)
    seen = terminal("run", "--dry-run", "--name", "web", "nginx")
    assert seen.out.splitlines() == [
        "web  demo-?1",
        "to make first: demo-?1 at ec2, 2 cores, 2048 MiB, 0.05 USD an hour",
    ]
    assert [call[0] for call in terminal.cloud.calls] == ["plan_obtain", "closed"]
    (planned,) = terminal("run", "--dry-run", "--json", "nginx").json["plan"]
    assert (planned["host"], planned["new"]["size"]) == ("demo-?1", "small")
