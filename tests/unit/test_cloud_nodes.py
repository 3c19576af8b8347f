"""A machine that stays silent is replaced; one that is not listed yet is waited for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from agreement import assert_agree, assert_nothing_left

from clocker.cloud import Cloud
from clocker.errors import (
    BootstrapFailed,
    ClockerError,
    HostKeyChanged,
    ProviderError,
    TimedOut,
    Unreachable,
)
from clocker.interfaces import Clock
from clocker.model import ContainerRequest, EngineOptions, HostRequest, HostState, Node
from clocker.testing import FakeMachines, FakeProvider, fake_parts, fake_spec


def parts_of_one() -> Any:
    return fake_parts(fake_spec(count=1, maximum=1))


def machines(parts: Any) -> list[str]:
    return [machine.node.id for machine in parts.connections.machines.all()]


def agree(parts: Any) -> None:
    assert_agree(parts, lambda p, host: p.names.zones[host.name])  # type: ignore[attr-defined]


def tokens(parts: Any) -> list[str]:
    calls = parts.providers["fake"].calls
    return [call.arguments[0].token for call in calls if call.method == "obtain"]


@pytest.mark.parametrize("silence", [TimedOut("no SSH"), Unreachable("no route")])
def test_a_machine_that_never_answers_ssh_is_replaced(silence: ClockerError) -> None:
    parts = parts_of_one()
    parts.connections.fail_next("await_ssh", silence)

    Cloud(parts).up()

    assert machines(parts) == ["node-2"]
    first, second = tokens(parts)
    assert first != second, "an idempotency token would give back the machine that is gone"
    told = [event.detail for event in Cloud(parts).events() if event.outcome.endswith("given back")]
    assert told == [silence.what]
    agree(parts)


def test_a_machine_that_gets_no_address_is_replaced() -> None:
    parts = parts_of_one()
    parts.providers["fake"].addresses_missing = 1

    Cloud(parts).up()

    assert len(machines(parts)) == 1
    agree(parts)


def test_two_silent_machines_are_a_failure_and_neither_is_kept() -> None:
    parts = parts_of_one()
    parts.connections.fail_next("await_ssh", TimedOut("no SSH"), times=2)

    with pytest.raises(BootstrapFailed, match="no SSH"):
        Cloud(parts).up()

    assert machines(parts) == []
    (view,) = Cloud(parts).hosts()
    assert (view.host.state, view.host.node_id) == (HostState.FAILED, None)
    Cloud(parts).up()
    agree(parts)


def test_both_tries_end_within_the_deadline() -> None:
    parts = fake_parts(fake_spec(count=1, timeout_s=60.0))
    parts.connections.fail_next("await_ssh", TimedOut("no SSH"))  # type: ignore[attr-defined]

    Cloud(parts).up()

    calls = parts.connections.calls  # type: ignore[attr-defined]
    first, second = (c.options["timeout_s"] for c in calls if c.method == "await_ssh")
    assert first <= 30
    assert 30 < second <= 60


@pytest.mark.parametrize(("which", "told"), [(1, "busy"), (2, "no SSH")])
def test_what_could_not_be_given_back_is_told_and_is_on_record(
    which: int, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = parts_of_one()
    parts.connections.fail_next("await_ssh", TimedOut("no SSH"), times=2)
    provider, calls = parts.providers["fake"], count(1)
    release = provider.release

    def busy(node_id: str) -> None:
        if next(calls) == which:
            raise ProviderError("busy")
        release(node_id)

    monkeypatch.setattr(provider, "release", busy)

    with pytest.raises(BootstrapFailed, match=told):
        Cloud(parts).up()

    assert any("busy" in text for text in parts.progress.texts("failed"))
    (view,) = Cloud(parts).hosts()
    assert [view.host.node_id] == machines(parts)
    Cloud(parts).down()
    assert_nothing_left(parts)


def test_another_key_than_the_hosts_is_no_reason_to_try_again() -> None:
    parts = parts_of_one()
    parts.connections.fail_next("await_ssh", HostKeyChanged("another key"))

    with pytest.raises(BootstrapFailed, match="another key"):
        Cloud(parts).up()

    assert machines(parts) == ["node-1"]


def test_a_host_that_was_ready_once_is_never_replaced() -> None:
    parts = parts_of_one()
    Cloud(parts).up()
    Cloud(parts).obtain(ContainerRequest("debian:12", name="web"))
    spec = replace(parts.spec, engine=EngineOptions(options={"debug": True}))
    changed: Any = replace(parts, spec=spec)
    changed.connections.fail_next("await_ssh", TimedOut("no SSH"), times=3)

    with pytest.raises(BootstrapFailed, match="no SSH"):
        Cloud(changed).up()

    assert machines(changed) == ["node-1"]
    (machine,) = changed.connections.machines.all()
    assert [c.running for c in machine.engine.containers()] == [True]


class Lagging(FakeProvider):
    """Whose lists leave a machine out for ``lag_s`` since they were first asked for it."""

    lag_s = 20.0
    clock: Clock

    def __init__(self, machines: FakeMachines) -> None:
        super().__init__(machines)
        self._asked_at: dict[str, float] = {}

    def list(self, cloud: str) -> Sequence[Node]:
        now = self.clock()
        nodes = super().list(cloud)
        return [n for n in nodes if now >= self._asked_at.setdefault(n.id, now) + self.lag_s]


def lagging() -> Any:
    machines = FakeMachines()
    provider = Lagging(machines)
    parts = fake_parts(fake_spec(count=1), machines=machines, providers={"fake": provider})
    provider.clock = parts.clock
    return parts


def test_a_machine_whose_answer_was_lost_is_found_before_another_is_made() -> None:
    parts = lagging()
    parts.providers["fake"].fail_next("obtain", ProviderError("lost"), after=True)
    with pytest.raises(BootstrapFailed, match="lost"):
        Cloud(parts).up()
    assert machines(parts) == ["node-1"]

    Cloud(parts).up()

    assert machines(parts) == ["node-1"]


def test_down_waits_for_a_machine_that_is_not_listed_yet() -> None:
    parts = lagging()
    parts.providers["fake"].fail_next("obtain", ProviderError("lost"), after=True)
    with pytest.raises(BootstrapFailed, match="lost"):
        Cloud(parts).up()

    Cloud(parts).down()

    assert machines(parts) == []


def test_a_machine_that_comes_after_its_host_was_removed_goes_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = parts_of_one()
    provider = parts.providers["fake"]
    obtain = provider.obtain

    def slow(request: HostRequest) -> Node:
        Cloud(replace(parts, owner="another")).down()
        return obtain(request)

    monkeypatch.setattr(provider, "obtain", slow)

    with pytest.raises(BootstrapFailed, match="taken over"):
        Cloud(parts).up()

    assert machines(parts) == []


def test_what_a_killed_process_asked_for_is_waited_for_no_longer_than_lists_lag() -> None:
    parts = lagging()
    with pytest.raises(KeyboardInterrupt):
        parts.providers["fake"].fail_next("obtain", KeyboardInterrupt())
        Cloud(parts).up()
    after = replace(parts, owner="after", owner_is_dead=lambda owner: owner != "after")
    after.providers["fake"].fail_next("obtain", ProviderError("broken"))
    begun = after.clock()
    with pytest.raises(BootstrapFailed, match="broken"):
        Cloud(after).up()

    assert after.clock() == begun + 20


def test_lists_that_tell_at_once_are_not_waited_for() -> None:
    parts = parts_of_one()
    before = parts.clock()
    parts.providers["fake"].fail_next("obtain", ProviderError("lost"), after=True)
    with pytest.raises(BootstrapFailed, match="lost"):
        Cloud(parts).up()

    Cloud(parts).up()
    Cloud(parts).down()

    assert parts.clock() == before
    assert machines(parts) == []
