"""What is left of a cloud: which of it may go, since when, and that nothing else goes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from threading import Event
from typing import Any

import pytest
from agreement import assert_agree, assert_nothing_left
from crash import Fuse, fused

from clocker.cloud import Cloud, Finding, removals
from clocker.cloud.ownership import mark_of
from clocker.cloud.remnants import Rules, Thing, findings, first_seen
from clocker.errors import ProviderError
from clocker.model import Host, HostState, Remnant, RemnantKind, Resources, Work, shared_name
from clocker.testing import FakeKeys, FakeMachines, fake_parts, fake_spec

MARK, OTHER = "0123456789abcdef", "fedcba9876543210"
RULES = Rules("demo", MARK, 60.0)
NOW = 1000.0
HOST = Host("h1", "demo-1", "a", HostState.READY, Resources(), "10.0.0.1", node_id="n1")
MACHINE, KEY_PAIR, GROUP = RemnantKind.MACHINE, RemnantKind.KEY_PAIR, RemnantKind.SECURITY_GROUP
VOLUME, NETWORK = RemnantKind.VOLUME, RemnantKind.NETWORK


def thing(
    kind: RemnantKind = MACHINE,
    id_: str = "n2",
    *,
    host: str | None = "gone",
    key: str | None = MARK,
    age: float | None = 100.0,
    name: str = "some",
    provider: str = "a",
) -> Thing:
    tags = {"clocker-cloud": "demo", "clocker-host": host, "clocker-key": key}
    given = {name: value for name, value in tags.items() if value is not None}
    created_at = None if age is None else NOW - age
    return Thing(provider, Remnant(kind, id_, name, given, created_at))


def judged(*things: Thing, hosts: tuple[Host, ...] = (HOST,), **seen: float) -> list[Finding]:
    return list(findings(RULES, things, hosts, seen, NOW))


@pytest.mark.parametrize(
    "used",
    [
        thing(host="h1", id_="n1"),
        thing(host="h1", id_="n1", key=None),
        thing(host=None, id_="n1"),
        thing(VOLUME, host="h1"),
        thing(KEY_PAIR, host=None, name=shared_name("demo", MARK)),
        thing(GROUP, host=None, name=shared_name("demo", MARK)),
        thing(NETWORK, host=None),
        thing(VOLUME, host=None),
    ],
)
def test_what_is_in_use_is_not_found(used: Thing) -> None:
    assert judged(used) == []


@pytest.mark.parametrize("state", list(HostState))
def test_the_machine_of_a_host_in_any_state_is_in_use(state: HostState) -> None:
    host = replace(HOST, state=state, node_id=None)

    assert judged(thing(host="h1"), hosts=(host,)) == []


@pytest.mark.parametrize(
    ("left", "hosts", "why"),
    [
        (thing(), (HOST,), "not on record"),
        (thing(VOLUME), (HOST,), "not on record"),
        (thing(KEY_PAIR, host=None, name="old"), (HOST,), "uses another"),
        (thing(KEY_PAIR, host=None, name=shared_name("demo", MARK)), (), "no hosts"),
        (thing(GROUP, host=None, key=None, name=shared_name("demo", MARK)), (), "no hosts"),
        (thing(NETWORK, host=None), (), "no hosts"),
    ],
)
def test_what_nobody_uses_goes(left: Thing, hosts: tuple[Host, ...], why: str) -> None:
    (found,) = judged(left, hosts=hosts)

    assert found.goes
    assert why in found.reason
    assert found.since == 900.0


@pytest.mark.parametrize(
    ("left", "why"),
    [
        (thing(age=59), "younger than the grace"),
        (thing(age=None), "younger than the grace"),
        (thing(key=OTHER), "another key"),
        (thing(key=None), "does not say"),
        (thing(host=None), "does not say"),
        (thing(KEY_PAIR, host=None, key=None, name=shared_name("demo", OTHER)), "another key"),
        (thing(KEY_PAIR, host=None, key=None, name="mine"), "does not say"),
    ],
)
def test_what_is_young_or_not_surely_ours_stays(left: Thing, why: str) -> None:
    (found,) = judged(left)

    assert not found.goes
    assert why in found.reason


def test_the_age_of_what_does_not_tell_counts_from_when_it_was_first_seen() -> None:
    left = thing(age=None)

    seen = first_seen(findings(RULES, [left], [], {}, NOW - 60), {}, ())
    again = first_seen(findings(RULES, [left], [], seen, NOW - 30), seen, ())
    (found,) = findings(RULES, [left], [], again, NOW)

    assert found.goes
    assert found.since == NOW - 60


def test_the_time_in_which_it_was_in_use_does_not_count() -> None:
    machine = thing(age=None, host="h1", id_="n1")

    seen = first_seen(judged(machine), {}, ())
    (found,) = judged(machine, hosts=(), **seen)

    assert not found.goes
    assert found.since == NOW


def test_what_is_gone_is_forgotten_unless_its_provider_was_silent() -> None:
    seen = {"a/machine/1": 1.0, "b/machine/2": 2.0}

    assert first_seen([], seen, ["b"]) == {"b/machine/2": 2.0}


@pytest.mark.parametrize("key", [MARK, None])
def test_one_of_two_machines_of_a_host_goes(key: str | None) -> None:
    """Also one whose tags could not be written, if its name says the host's id."""
    own, twin = thing(host="h1", id_="n1"), thing(host="h1", id_="n0", key=key)

    (found,) = judged(own, twin)

    assert (found.thing, found.goes, found.twin_of) == (twin, True, HOST)


@pytest.mark.parametrize(
    "host",
    [
        replace(HOST, state=HostState.BOOTSTRAPPING),
        replace(HOST, work=Work("somebody", 1, NOW)),
        replace(HOST, node_id=None),
        replace(HOST, node_id="unlisted"),
        replace(HOST, provider="b"),
    ],
)
def test_but_not_while_it_may_become_the_hosts(host: Host) -> None:
    own, twin = thing(host="h1", id_="n1"), thing(host="h1", id_="n0")

    assert judged(own, twin, hosts=(host,)) == []


def test_what_uses_others_goes_first() -> None:
    kinds = [NETWORK, GROUP, KEY_PAIR, VOLUME, MACHINE]

    found = judged(*(thing(kind) for kind in kinds), hosts=())

    assert [item.thing.remnant.kind for item in found] == kinds[::-1]


# The doing.

GRACE_S = 3600.0


def cloud_of_one(**options: Any) -> Any:
    return fake_parts(fake_spec(count=1), **options)


def stray(parts: Any, name: str = "stray", **tags: str) -> str:
    """A machine of the cloud, with no host on record."""
    own = {"clocker-cloud": "test", "clocker-host": f"id-{name}", "clocker-gateway": "10.210.0.99"}
    own["clocker-key"] = mark_of(parts.keys)
    return str(parts.connections.machines.make(name, own | tags, Resources(1, 512)).node.id)


def gc(parts: Any, grace_s: float = GRACE_S) -> Any:
    return Cloud(parts).gc(Cloud(parts).remnants(grace_s).findings)


def names(found: Any) -> list[str]:
    return [finding.thing.remnant.name for finding in found]


def machines(parts: Any) -> list[str]:
    return sorted(machine.name for machine in parts.connections.machines.all())


def agree(parts: Any) -> None:
    assert_agree(parts, lambda p, host: p.names.zones[host.name])  # type: ignore[attr-defined]


def test_a_machine_that_is_not_on_record_goes_after_the_grace() -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    stray(parts)

    assert names(gc(parts).kept) == ["stray"]
    parts.clock.advance(GRACE_S)
    report = gc(parts)

    assert names(report.removed) == ["stray"]
    assert [event.verb for event in Cloud(parts).events()][-1] == "gc"
    agree(parts)
    assert gc(parts).removed == ()


def test_strangers_are_never_touched() -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    everything = parts.connections.machines
    everything.make("theirs", {}, Resources(1, 512))
    everything.make("other", {"clocker-cloud": "other", "clocker-host": "x"}, Resources(1, 512))
    stray(parts, "twin-cloud", **{"clocker-key": OTHER})
    before = machines(parts)
    parts.clock.advance(10 * GRACE_S)
    gc(parts)
    parts.clock.advance(10 * GRACE_S)

    report = gc(parts)

    assert machines(parts) == before
    assert names(report.kept) == ["twin-cloud"]


def test_key_pairs_and_groups_go_with_the_last_host() -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    provider = parts.providers["fake"]
    name = shared_name("test", mark_of(parts.keys))
    for kind in (GROUP, KEY_PAIR):
        provider.planted.append(Remnant(kind, f"{kind}-1", name, {}, created_at=0.0))
    assert gc(parts).removed == ()
    lost = fake_parts(parts.spec, machines=parts.connections.machines, providers=parts.providers)

    report = gc(lost)

    assert [f.thing.remnant.kind for f in report.removed] == [KEY_PAIR, GROUP]
    assert [remnant.kind for remnant in provider.planted] == []


def test_a_failure_does_not_stop_the_others() -> None:
    parts = cloud_of_one()
    for name in ("one", "two", "three"):
        stray(parts, name)
    Cloud(parts).remnants()
    parts.clock.advance(GRACE_S)
    parts.providers["fake"].fail_next("remove", ProviderError("busy"))

    report = gc(parts)

    ((failed, error),) = report.failures
    assert machines(parts) == names([failed])
    assert "busy" in str(error)
    assert names(gc(parts).removed) == names([failed])


def test_a_provider_that_does_not_answer_does_not_stop_the_others() -> None:
    machines_ = FakeMachines()
    parts: Any = fake_parts(fake_spec(providers=("a", "b"), count=0), machines=machines_)
    stray(parts, **{"made-by": "b"})
    parts.providers["a"].fail_next("remnants", ProviderError("away"), times=2)
    Cloud(parts).remnants()
    parts.clock.advance(GRACE_S)

    found = Cloud(parts).remnants()

    assert [failure.what for failure in found.failures] == ["away"]
    assert names(Cloud(parts).gc(found.findings).removed) == ["stray"]


def test_what_was_taken_in_since_it_was_shown_stays() -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    lost = fake_parts(parts.spec, machines=parts.connections.machines, network=parts.network)
    Cloud(lost).remnants()
    lost.clock.advance(GRACE_S)  # type: ignore[attr-defined]
    shown = Cloud(lost).remnants().findings
    assert [f.goes for f in shown if f.thing.remnant.kind is MACHINE] == [True]

    Cloud(lost).adopt()
    report = Cloud(lost).gc(shown)

    assert report.removed == ()
    assert "in use meanwhile" in [finding.reason for finding in report.kept]
    assert len(machines(lost)) == 1


def test_what_is_being_removed_is_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    lost: Any = fake_parts(parts.spec, machines=parts.connections.machines, network=parts.network)
    Cloud(lost).remnants()
    lost.clock.advance(GRACE_S)
    provider, adopted = lost.providers["fake"], []
    remove = provider.remove

    def slow(remnant: Remnant) -> None:
        adopted.append(Cloud(lost).adopt().hosts)
        remove(remnant)

    monkeypatch.setattr(provider, "remove", slow)

    assert len(gc(lost).removed) == 1

    assert adopted == [()]
    assert machines(lost) == []


def test_what_machines_share_is_not_built_upon_while_it_is_removed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = cloud_of_one()
    provider, seen = parts.providers["fake"], []
    name = shared_name("test", mark_of(parts.keys))
    provider.planted.append(Remnant(KEY_PAIR, name, name, {}, created_at=0.0))
    remove, sleep = provider.remove, parts.sleep
    begun, done = Event(), Event()

    def slow(remnant: Remnant) -> None:
        begun.set()
        assert done.wait(10)
        seen.append(("gone", provider.count("obtain")))
        remove(remnant)

    def sleep_a_little(seconds: float) -> None:
        done.set()
        sleep(0)

    monkeypatch.setattr(provider, "remove", slow)
    other = replace(parts, owner="another", sleep=sleep_a_little)
    with ThreadPoolExecutor() as pool:
        collected = pool.submit(gc, parts)
        assert begun.wait(10)
        made = pool.submit(Cloud(other).up)
        assert names(collected.result(10).removed) == [name]
        assert len(made.result(10).made) == 1

    assert seen == [("gone", 0)]
    agree(parts)


def test_a_removal_that_was_killed_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = cloud_of_one()
    stray(parts)
    Cloud(parts).remnants()
    parts.clock.advance(GRACE_S)
    monkeypatch.setattr(removals, "end", lambda *_: None)
    gc(parts)

    after = replace(parts, owner="another", owner_is_dead=lambda owner: owner == parts.owner)

    assert len(Cloud(after).up().made) == 1
    assert parts.clock() == 1_700_000_000.0 + GRACE_S


def test_the_second_machine_of_a_host_goes_and_the_host_stays() -> None:
    parts = cloud_of_one()
    Cloud(parts).up()
    (view,) = Cloud(parts).hosts()
    stray(parts, "twin", **{"clocker-host": view.host.id})
    Cloud(parts).remnants()
    parts.clock.advance(GRACE_S)

    assert names(gc(parts).removed) == ["twin"]

    agree(parts)
    Cloud(parts).down()
    assert_nothing_left(parts)


def test_keys_of_two_clouds_of_one_name() -> None:
    one = cloud_of_one(keys=FakeKeys("one"))
    two = fake_parts(one.spec, machines=one.connections.machines, keys=FakeKeys("two"))
    Cloud(one).up()
    Cloud(two).up()
    Cloud(one).remnants()
    one.clock.advance(GRACE_S)

    assert gc(one).removed == ()
    assert len(machines(one)) == 2


def test_two_at_once() -> None:
    parts = cloud_of_one()
    for number in range(6):
        stray(parts, f"stray-{number}")
    Cloud(parts).remnants()
    parts.clock.advance(GRACE_S)
    shown = Cloud(parts).remnants().findings
    other = replace(parts, owner="another")

    with ThreadPoolExecutor() as pool:
        reports = list(pool.map(lambda each: Cloud(each).gc(shown), (parts, other)))

    assert [report.failures for report in reports] == [(), ()]
    assert {name for report in reports for name in names(report.removed)} == set(names(shown))
    assert machines(parts) == []


class Death(BaseException):
    """Not an Exception: nothing may catch it."""


def test_killed_at_any_boundary_the_same_command_converges() -> None:
    number, fuse = 0, Fuse(0, lambda: None)
    while number == 0 or fuse.dead:
        number += 1
        parts = cloud_of_one()
        Cloud(parts).up()
        (view,) = Cloud(parts).hosts()
        stray(parts)
        stray(parts, "twin", **{"clocker-host": view.host.id})
        Cloud(parts).remnants()
        parts.clock.advance(GRACE_S)
        fuse = Fuse(number, _die)
        with suppress(Death):
            gc(fused(parts, fuse))
        after = replace(parts, owner="after", owner_is_dead=lambda owner: owner != "after")

        Cloud(after).gc(Cloud(after).remnants().findings)

        Cloud(after).up()
        assert machines(after) == [view.host.name], fuse.passed
        agree(after)
    assert number > 5


def _die() -> None:
    raise Death
