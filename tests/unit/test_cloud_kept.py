"""A machine that stays its owner's is given back without what Clocker made on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from clocker.cloud import Cloud
from clocker.errors import BootstrapFailed, ClockerError, Unreachable
from clocker.interfaces import Shell
from clocker.model import ContainerRequest, HostRequest, Node
from clocker.testing import FakeMachines, FakeProvider, fake_parts, fake_spec


class Lender(FakeProvider):
    """Its machines live on when they are released."""

    def __init__(self, machines: FakeMachines) -> None:
        super().__init__(machines)
        self.lent: set[str] = set()

    def obtain(self, request: HostRequest) -> Node:
        node = _kept(super().obtain(request))
        self.lent.add(node.id)
        return node

    def list(self, cloud: str) -> Sequence[Node]:
        return [_kept(node) for node in super().list(cloud) if node.id in self.lent]

    def release(self, node_id: str) -> None:
        self.lent.discard(node_id)


def _kept(node: Node) -> Node:
    return replace(node, access=replace(node.access, kept=True)) if node.access else node


def lent() -> tuple[Any, FakeMachines]:
    machines = FakeMachines()
    spec = fake_spec(count=1, maximum=1)
    return fake_parts(spec, machines=machines, providers={"fake": Lender(machines)}), machines


def scripts(shell: Shell) -> list[str]:
    return [ran.stdin.decode() for ran in shell.ran]  # type: ignore[attr-defined]


def test_containers_network_and_engine_options_go_and_the_machine_stays() -> None:
    parts, machines = lent()
    cloud = Cloud(parts)
    cloud.up()
    cloud.obtain(ContainerRequest("debian:12", name="web"))
    (machine,) = machines.all()
    shell = parts.connections.shell(cloud.hosts()[0].host)

    cloud.down()

    assert [m.node.id for m in machines.all()] == [machine.node.id]
    assert not machine.engine.containers()
    assert [script for script in scripts(shell) if "daemon.json" in script]
    assert machine.name not in parts.network.members


def test_what_cannot_be_cleaned_is_not_given_back() -> None:
    parts, machines = lent()
    cloud = Cloud(parts)
    cloud.up()
    parts.connections.fail_next("engine", Unreachable("it is down"))

    with pytest.raises(BootstrapFailed, match="on record"):
        cloud.down()

    assert parts.providers["fake"].lent == {machine.node.id for machine in machines.all()}
    cloud.down()
    assert parts.providers["fake"].lent == set()


def test_a_machine_that_never_answered_is_given_back_as_it_is() -> None:
    parts, _ = lent()
    cloud = Cloud(parts)
    for _ in range(2):
        parts.connections.fail_next("await_ssh", Unreachable("silent"))
    with pytest.raises(ClockerError):
        cloud.up()
    parts.connections.fail_next("shell", Unreachable("silent"))

    cloud.down()

    assert parts.providers["fake"].lent == set()
