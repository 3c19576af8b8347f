"""Placement in a cloud: decisions, their explanations, dry runs, and how busy hosts are."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clocker.cloud import Cloud
from clocker.cloud.usage import COMMAND, FRESH_S, usage_from
from clocker.errors import NameTaken, NothingFits, ProviderError, Unreachable
from clocker.interfaces import Parts
from clocker.model import ContainerRequest, HostState, Offer, Resources, Result, Usage
from clocker.placement.rules import (
    Cheapest,
    Country,
    DifferentHost,
    Exclusive,
    Fits,
    MaxContainers,
    MaxCpuUsage,
    Provider,
    Spread,
)
from clocker.plugins import spec_of
from clocker.testing import fake_parts, fake_spec

WEB = ContainerRequest("debian:12", name="web")
PROC = """cpu  100 0 100 800 0 0 0 0 0 0
cpu  {busy} 0 100 {idle} 0 0 0 0 0 0
MemTotal:       1000 kB
MemFree:         100 kB
MemAvailable:    {available} kB
"""


def parts_of(*rules: Any, **pool: Any) -> Parts:
    return fake_parts(replace(fake_spec(**pool), rules=tuple(map(spec_of, rules))))


def named(name: str, *rules: Any, **changes: Any) -> ContainerRequest:
    return replace(WEB, name=name, rules=tuple(map(spec_of, rules)), **changes)


def hosts_of(cloud: Cloud) -> dict[str, str]:
    return {c.name: view.host.name for view in cloud.hosts() for c in view.containers}


def offering(parts: Parts, provider: str, **of: Any) -> list[str]:
    """Have the provider offer that; the names of what is asked for are written down."""
    asked: list[str] = []

    def plan(request: Any) -> Offer:
        asked.append(request.provider)
        return Offer(provider, "small", "debian", Resources(4, 4096, 100_000), **of)

    parts.providers[provider].plan = plan  # type: ignore[method-assign]
    return asked


def test_a_rule_of_the_request_decides() -> None:
    cloud = Cloud(parts_of(count=2, maximum=2))
    cloud.up()
    cloud.obtain_many([named(f"web-{n}", DifferentHost()) for n in range(2)])
    assert len(set(hosts_of(cloud).values())) == 2
    with pytest.raises(NothingFits, match="different_host: web-0 is there") as caught:
        cloud.obtain(named("third", DifferentHost()))
    assert caught.value.reasons["new host"] == ("maximum: the cloud has 2 of at most 2 hosts",)
    assert "hosts.maximum" in (caught.value.remedy or "")


def test_made_up_names_differ_where_ids_begin_alike() -> None:
    numbers = iter(range(1000))
    parts = replace(parts_of(), new_id=lambda: f"c0ffee{next(numbers):010x}")
    cloud = Cloud(parts)
    made = cloud.obtain_many([replace(WEB, name=None)] * 3) + [
        cloud.obtain(replace(WEB, name=None))
    ]
    names = [container.name for container in made]
    assert names[0] == "debian-c0ffee"
    assert len(set(names)) == 4 and all(name.startswith("debian-c0ffee0") for name in names[1:])


def test_who_has_a_host_for_itself_gets_a_new_one_and_keeps_it() -> None:
    cloud = Cloud(parts_of(count=1, maximum=3))
    cloud.up()
    cloud.obtain(named("first"))
    cloud.obtain(named("own", Exclusive()))
    cloud.obtain_many([named(f"more-{n}") for n in range(3)])
    where = hosts_of(cloud)
    assert [name for name, host in where.items() if host == where["own"]] == ["own"]
    assert len(set(where.values())) == 2


def test_overcommitted_hosts_take_what_they_were_said_to_take() -> None:
    """Also when they were made for the request: what came out is not checked more strictly."""
    cloud = Cloud(parts_of(Fits(overcommit=2), count=0, maximum=1))
    for name in ("a", "b"):
        cloud.obtain(named(name, resources=Resources(cores=3.5)))
    with pytest.raises(NothingFits, match="cores: 3.5 wanted, 1 free"):
        cloud.obtain(named("c", resources=Resources(cores=3.5)))


def test_a_host_that_comes_out_elsewhere_is_refused() -> None:
    parts = parts_of(Country("DE"), count=0, maximum=1)
    offering(parts, "fake", region="eu-central-1")
    with pytest.raises(NothingFits, match="came out otherwise") as caught:
        Cloud(parts).obtain(WEB)  # the fake's machines are in no region
    (why,) = caught.value.reasons.values()
    assert why == ("country: its country is not known",)
    assert Cloud(parts).list() == ()


def test_a_new_host_is_made_where_the_rules_allow() -> None:
    parts = parts_of(Provider("not a"), count=0, maximum=1, providers=("a", "b"))
    cloud = Cloud(parts)
    cloud.obtain(WEB)
    assert [view.host.provider for view in cloud.hosts()] == ["b"]


def test_a_new_host_is_made_where_it_is_cheapest() -> None:
    parts = parts_of(Cheapest(), count=0, maximum=2, providers=("a", "b"))
    dear, cheap = offering(parts, "a", price_hour=0.2), offering(parts, "b", price_hour=0.1)
    cloud = Cloud(parts)
    cloud.obtain(WEB)
    assert [(v.host.provider, v.host.price_hour) for v in cloud.hosts()] == [("b", 0.1)]
    assert (dear, cheap) == (["a"], ["b"])


def test_a_provider_is_asked_only_where_it_matters() -> None:
    parts = parts_of(Spread("zone"), count=1, maximum=2)
    asked = offering(parts, "fake", zone="z1")
    cloud = Cloud(parts)
    cloud.up()
    before = len(asked)
    cloud.obtain(named("there-is-room"))
    assert (before, len(asked)) == (1, 1)
    cloud.obtain(named("large", Exclusive()))
    assert len(asked) == 2


def test_a_provider_that_does_not_answer_is_judged_without_its_offer() -> None:
    parts = parts_of(Country("DE"), count=0, maximum=1)
    parts.providers["fake"].plan = _raise(ProviderError("no answer"))  # type: ignore[method-assign]
    with pytest.raises(NothingFits, match="country: its country is not known"):
        Cloud(parts).obtain(WEB)


def test_explain_is_what_obtain_does() -> None:
    cloud = Cloud(parts_of(MaxContainers(1), count=2, maximum=2))
    cloud.up()
    for name in ("a", "b"):
        found = cloud.explain(named(name))
        assert [judgement.rank for judgement in found.hosts][:1] == [1]
        assert found.new == ()
        cloud.obtain(named(name))
        assert hosts_of(cloud)[name] == found.hosts[0].host.name
    found = cloud.explain(named("c"))
    assert not found.fits
    assert {j.refusals[0].rule for j in found.hosts} == {"max_containers"}
    assert [str(refusal) for refusal in found.new[0].refusals] == [
        "maximum: the cloud has 2 of at most 2 hosts"
    ]


def test_explain_shows_that_a_host_would_be_made() -> None:
    cloud = Cloud(parts_of(count=0, maximum=1))
    found = cloud.explain(WEB)
    assert (found.hosts, found.new[0].host.name, found.fits) == ((), "new host", True)


def test_a_dry_run_is_what_obtain_does() -> None:
    parts = parts_of(MaxContainers(2), count=1, maximum=3)
    cloud = Cloud(parts)
    cloud.up()
    requests = [named(f"web-{n}") for n in range(5)]
    planned = cloud.plan_obtain(requests)
    there = cloud.hosts()[0].host.name
    assert [each.host for each in planned] == [there] * 2 + ["test-?1"] * 2 + ["test-?2"]
    new = [each.new for each in planned if each.new]
    assert [(host.name, host.provider, host.offer and host.offer.size) for host in new] == [
        ("test-?1", "fake", "fake"),
        ("test-?2", "fake", "fake"),
    ]
    assert (cloud.list(), len(cloud.hosts())) == ((), 1)
    cloud.obtain_many(requests)
    assert sorted(len(view.containers) for view in cloud.hosts()) == [1, 2, 2]


def test_a_dry_run_refuses_as_obtain_does() -> None:
    cloud = Cloud(parts_of(count=1, maximum=1))
    cloud.up()
    cloud.obtain(WEB)
    assert [each.existing for each in cloud.plan_obtain([WEB])] == [True]
    with pytest.raises(NameTaken):
        cloud.plan_obtain([replace(WEB, image="debian:11")])
    with pytest.raises(NothingFits):
        cloud.plan_obtain([named("large", resources=Resources(cores=64))])


def test_a_move_keeps_to_the_rules() -> None:
    """What the container itself counts for where it is does not count: it will be gone there."""
    cloud = Cloud(parts_of(Spread("host", max_skew=1), count=2, maximum=2))
    cloud.up()
    cloud.obtain(named("a"))
    cloud.obtain(named("b"))
    with pytest.raises(NothingFits, match="would have 2, where the fewest are 0"):
        cloud.move("a")
    cloud.release("b")
    source = hosts_of(cloud)["a"]
    cloud.move("a")
    assert hosts_of(cloud)["a"] != source


def busy(parts: Parts, host: str, share: float) -> Callable[[], int]:
    """Have the host say that its CPU is busy to that share; how often it was asked."""
    asked = []
    record = next(view.host for view in Cloud(parts).hosts() if view.host.name == host)
    ticks = round(100 * share)
    text = PROC.format(busy=100 + ticks, idle=800 + 100 - ticks, available=250)

    def answer(command: str, stdin: bytes) -> Result:
        asked.append(command)
        return Result(0, text.encode())

    parts.connections.shell(record).answers["/proc/stat"] = answer  # type: ignore[attr-defined]
    return lambda: len(asked)


def test_how_busy_a_host_is_is_measured_when_a_rule_asks() -> None:
    parts = parts_of(count=2, maximum=2)
    cloud = Cloud(parts)
    cloud.up()
    one, other = sorted(view.host.name for view in cloud.hosts())
    asked = busy(parts, one, 0.7)
    busy(parts, other, 0.2)
    cloud.obtain(named("indifferent"))
    assert asked() == 0
    found = cloud.explain(named("web", MaxCpuUsage(0.6)))
    assert [judgement.host.name for judgement in found.hosts] == [other, one]
    assert found.hosts[1].refusals[0].reason == "CPU at 70% of less than 60% (measured 0 s ago)"
    cloud.obtain(named("web", MaxCpuUsage(0.6)))
    assert (hosts_of(cloud)["web"], asked()) == (other, 1)
    parts.clock.advance(FRESH_S + 1)  # type: ignore[attr-defined]
    cloud.explain(named("later", MaxCpuUsage(0.6)))
    assert asked() == 2
    usage = {view.host.name: view.usage for view in cloud.hosts()}
    assert usage[one] == Usage(0.7, 0.75, parts.clock(), 0.0)


def test_a_host_that_does_not_answer_keeps_its_old_figure() -> None:
    parts = parts_of(MaxCpuUsage(0.6, max_age_s=100), count=1, maximum=1)
    cloud = Cloud(parts)
    cloud.up()
    asked = busy(parts, cloud.hosts()[0].host.name, 0.5)
    assert cloud.explain(WEB).fits
    parts.connections.fail_next("shell", Unreachable("gone"), times=2)  # type: ignore[attr-defined]
    for age, fits in ((60, True), (60, False)):
        parts.clock.advance(age)  # type: ignore[attr-defined]
        assert cloud.explain(WEB).fits is fits
    (why,) = cloud.explain(WEB).hosts[0].refusals
    assert "last measured 120 s ago" in why.reason
    assert asked() == 1  # it is not asked again so soon, though it would answer now
    parts.clock.advance(FRESH_S + 1)  # type: ignore[attr-defined]
    assert cloud.explain(WEB).fits


@pytest.mark.parametrize("said", ["", "cpu 1 2\n", PROC.replace("MemTotal", "Other")])
def test_what_cannot_be_understood_is_no_figure(said: str) -> None:
    parts = parts_of(MaxCpuUsage(), count=1, maximum=1)
    cloud = Cloud(parts)
    cloud.up()
    host = cloud.hosts()[0].host
    assert host.state is HostState.READY
    shell = parts.connections.shell(host)
    shell.answers["/proc/stat"] = Result(0, said.format(busy=1, idle=1, available=1).encode())  # type: ignore[attr-defined]
    (why,) = cloud.explain(WEB).hosts[0].refusals
    assert why.reason == "its use of CPU is not known: nobody has measured it"


def test_the_share_is_that_of_the_time_between_two_looks() -> None:
    assert usage_from(PROC.format(busy=150, idle=850, available=400), 7.0) == Usage(0.5, 0.6, 7.0)
    assert usage_from(PROC.format(busy=100, idle=800, available=1000), 7.0) == Usage(0, 0, 7.0)


def test_this_machine_says_how_busy_it_is() -> None:
    """The very command that hosts are sent, and what the kernel really answers."""
    said = subprocess.run(["sh", "-c", COMMAND], capture_output=True, text=True, check=True)
    usage = usage_from(said.stdout, 0.0)
    assert 0 <= usage.cpu_share <= 1
    assert 0 < usage.ram_share < 1


def test_the_example_program_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = Cloud(parts_of(count=1, maximum=2))
    cloud.up()
    path = Path(__file__).parents[2] / "examples" / "placement.py"
    monkeypatch.setattr("clocker.open_cloud", lambda: cloud, raising=False)
    with pytest.raises(NothingFits, match="at most 2 hosts"):
        runpy.run_path(str(path))["main"]("debian:12")
    assert "soft affinity: as wished" in capsys.readouterr().out


def _raise(error: Exception) -> Callable[..., Any]:
    def raising(*_: object) -> Any:
        raise error

    return raising
