from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clocker.cli import request_options as parse
from clocker.errors import BadInput
from clocker.model import ContainerRequest, HealthCheck, Port, Restart, RuleSpec, Volume


@pytest.mark.parametrize(
    ("function", "text", "value"),
    [
        (parse.name, "web-1", "web-1"),
        (parse.ram, "1GiB", 1024),
        (parse.volume, "/srv:/data", Volume("/srv", "/data")),
        (parse.volume, "data:/data:rw", Volume("data", "/data")),
        (parse.port, "80", Port(80)),
        (parse.port, "8080:80/udp", Port(80, 8080, "udp")),
        (parse.restart, "no", Restart()),
        (parse.restart, "on-failure:5", Restart("on-failure", 5)),
        (parse.capability, "cap_net_admin", "NET_ADMIN"),
        (parse.workdir, "/srv", "/srv"),
        (parse.address, "10.210.0.9", "10.210.0.9"),
        (parse.rule, "fits", RuleSpec("fits")),
        (parse.rule, "max_containers=3", RuleSpec("max_containers", {"limit": 3})),
        (parse.rule, 'fits={"overcommit": 2.0}', RuleSpec("fits", {"overcommit": 2.0})),
    ],
)
def test_understood(function: Callable[[str], Any], text: str, value: Any) -> None:
    assert function(text) == value


@pytest.mark.parametrize(
    ("function", "text", "option"),
    [
        (parse.name, "web; rm -rf /", "--name"),
        (parse.name, "Web", "--name"),
        (parse.name, "-web", "--name"),
        (parse.name, "w" * 64, "--name"),
        (parse.ram, "much", "--ram"),
        (parse.volume, "/data", "--volume"),
        (parse.volume, "relative/path:/data", "--volume"),
        (parse.volume, "data:data", "--volume"),
        (parse.volume, "a:/b:z", "--volume"),
        (parse.volume, "a:/b:/c:ro", "--volume"),
        (parse.port, "http", "--publish"),
        (parse.port, "0", "--publish"),
        (parse.port, "0:80", "--publish"),
        (parse.port, "65536", "--publish"),
        (parse.port, "70000:80", "--publish"),
        (parse.port, "80/icmp", "--publish"),
        (parse.port, "1.2.3.4:80:80", "--publish"),
        (parse.restart, "sometimes", "--restart"),
        (parse.restart, "always:3", "--restart"),
        (parse.restart, "on-failure:x", "--restart"),
        (parse.capability, "net admin", "--cap-add"),
        (parse.workdir, "srv", "--workdir"),
        (parse.address, "10.210.0.9/20", "--ip"),
        (parse.address, "10.210.0.9\nport=53", "--ip"),
        (parse.address, "$(reboot)", "--ip"),
        (parse.rule, "fitz", "--rule"),
        (parse.rule, "max_containers=many", "--rule"),
        (parse.rule, "breadth_first=1", "--rule"),
    ],
)
def test_refused_with_option_and_remedy(
    function: Callable[[str], Any], text: str, option: str
) -> None:
    with pytest.raises(BadInput) as caught:
        function(text)
    assert caught.value.where == option


def test_env() -> None:
    assert parse.env(["A=1", "B", "C=", "D=x=y"]) == {"A": "1", "B": None, "C": "", "D": "x=y"}


@pytest.mark.parametrize("item", ["=tell-nobody", "1A=tell-nobody", "A B=tell-nobody", ""])
def test_env_refused_without_the_value(item: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse.env([item])
    assert "tell-nobody" not in str(caught.value)


def test_labels() -> None:
    assert parse.labels(["a=1", "b=x=y"]) == {"a": "1", "b": "x=y"}
    for bad in ("a", "=1", "clocker.cloud=x"):
        with pytest.raises(BadInput):
            parse.labels([bad])


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan")])
def test_cores_refused(value: float) -> None:
    with pytest.raises(BadInput):
        parse.cores(value)


def test_words() -> None:
    assert parse.words("--entrypoint", "sh -c 'a b'") == ("sh", "-c", "a b")
    for bad in ("", "'open"):
        with pytest.raises(BadInput):
            parse.words("--entrypoint", bad)


def test_health() -> None:
    assert parse.health(None, "1s", "1s", 3, "0") is None
    expected = HealthCheck(("sh", "-c", "a && b"), 2.0, 1.0, 4, 0.0)
    assert parse.health("a && b", "2s", "1s", 4, "0") == expected


def test_copies() -> None:
    named = ContainerRequest("x", name="job")
    assert parse.copies(named, 1) == [named]
    assert [item.name for item in parse.copies(named, 2)] == ["job-1", "job-2"]
    assert parse.copies(ContainerRequest("x"), 2) == [ContainerRequest("x")] * 2
    with pytest.raises(BadInput):
        parse.copies(ContainerRequest("x", name="w" * 62), 10)
