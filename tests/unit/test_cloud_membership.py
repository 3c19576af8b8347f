"""Hosts that come together are told of each other together."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from agreement import assert_agree

from clocker.cloud import Cloud, join_together, membership
from clocker.cloud.up import bring_up
from clocker.errors import BootstrapFailed, Interrupted, ProviderError, Unreachable
from clocker.model import Host, HostState, Resources
from clocker.testing import fake_parts, fake_spec

MANY = 12


def parts_of_many(**pool: Any) -> Any:
    return fake_parts(fake_spec(count=MANY, maximum=MANY, **pool))


def slow_host(
    parts: Any, monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None
) -> None:
    """The first machine that is asked for is not there, or refused, before all others are."""
    obtain, asked = parts.providers["fake"].obtain, count()

    def late(request: Any) -> Any:
        if next(asked) == 0:
            until(lambda: ready(parts) == MANY - 1)
            if failure:
                raise failure
        return obtain(request)

    monkeypatch.setattr(parts.providers["fake"], "obtain", late)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not done():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.01)


def ready(parts: Any) -> int:
    return sum(view.host.state is HostState.READY for view in Cloud(parts).hosts())


def agree(parts: Any) -> None:
    assert_agree(parts, lambda p, host: p.names.zones[host.name])


@pytest.mark.parametrize("concurrency", [2, 16])
def test_hosts_that_are_made_together_are_told_once(concurrency: int) -> None:
    """Though only a few are worked on at once: who waits to be told holds nobody up."""
    parts = parts_of_many(concurrency=concurrency)

    Cloud(parts).up()

    agree(parts)
    assert parts.network.count("sync") == MANY


def test_added_hosts_are_told_with_all_members_once() -> None:
    parts = fake_parts(fake_spec(count=2, maximum=MANY))
    Cloud(parts).up()
    told = parts.network.count("sync")

    Cloud(parts).add_hosts(4)

    agree(parts)
    assert parts.network.count("sync") - told == 6


def test_a_slow_host_does_not_keep_the_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join_together, "PATIENCE_S", 0.1)
    parts = parts_of_many()
    slow_host(parts, monkeypatch)

    Cloud(parts).up()

    assert ready(parts) == MANY
    agree(parts)


def test_who_was_told_early_hears_the_last_word_though_the_slow_host_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(join_together, "PATIENCE_S", 0.1)
    parts = parts_of_many()
    slow_host(parts, monkeypatch, ProviderError("none left"))
    told = []

    def tells(*given: Any, settle: bool = True) -> Any:
        told.append(settle)
        return sync(*given, settle=settle)

    sync = membership.sync
    monkeypatch.setattr(join_together, "sync", tells)

    with pytest.raises(BootstrapFailed, match="none left"):
        Cloud(parts).up()

    assert told[-1], "the last one makes sure that the members know what the store knows"
    Cloud(parts).up()
    agree(parts)


def test_an_interrupt_begins_nothing_more() -> None:
    parts = parts_of_many()
    join = join_together.JoinTogether(parties=2, most=1)
    join.stop()

    with pytest.raises(Interrupted):
        join.work(parts, Host("1", "h1", "fake", HostState.REQUESTED, Resources(), ""), bring_up)

    assert Cloud(parts).hosts() == ()


def test_a_newcomer_that_cannot_be_told_is_not_ready_and_the_others_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts, deaf = parts_of_many(), []
    tell = membership._tell

    def tell_all_but_one(parts: Any, host: Any, *rest: Any) -> None:
        if not deaf:
            deaf.append(host.name)
        if host.name == deaf[0]:
            raise Unreachable("no route")
        tell(parts, host, *rest)

    cloud = Cloud(parts)
    monkeypatch.setattr(membership, "_tell", tell_all_but_one)
    with pytest.raises(BootstrapFailed) as failed:
        cloud.up()
    assert [failure.what for failure in failed.value.failures] == ["no route"]
    unready = [view.host.name for view in cloud.hosts() if view.host.state is not HostState.READY]
    assert unready == deaf
    monkeypatch.undo()
    cloud.up()
    agree(parts)


def test_nobody_waits_for_a_join_that_failed_whole() -> None:
    """As when the store goes away while the members are told."""
    parts = parts_of_many()
    parts.network.latency_s["sync"] = 0.1
    parts.network.fail_next("sync", RuntimeError("a fault"))
    with pytest.raises(RuntimeError, match="a fault"):
        Cloud(parts).up()
    Cloud(parts).up()
    agree(parts)
