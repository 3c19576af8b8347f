"""Hosts that come together are told of each other together."""

from __future__ import annotations

from typing import Any

import pytest
from agreement import assert_agree

from clocker.cloud import Cloud, membership
from clocker.errors import BootstrapFailed, Unreachable
from clocker.model import HostState
from clocker.testing import fake_parts, fake_spec

MANY = 12


def parts_of_many() -> Any:
    return fake_parts(fake_spec(count=MANY, maximum=MANY))


def agree(parts: Any) -> None:
    assert_agree(parts, lambda p, host: p.names.zones[host.name])


def test_members_are_not_told_anew_for_every_newcomer() -> None:
    parts = parts_of_many()
    parts.network.latency_s["sync"] = 0.1
    Cloud(parts).up()
    agree(parts)
    assert parts.network.count("sync") <= 5 * MANY, "each newcomer had everybody told"


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
