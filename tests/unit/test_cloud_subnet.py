from __future__ import annotations

from dataclasses import replace

import pytest

from clocker.cloud import Cloud
from clocker.errors import BadInput, BootstrapFailed
from clocker.interfaces import Parts
from clocker.model import NetworkSpec
from clocker.testing import FakeMachines, fake_parts

OTHER = NetworkSpec(pool="10.99.0.0/16", subnet="10.99.0.0/20")


def changed(parts: Parts) -> Parts:
    return replace(parts, spec=replace(parts.spec, network=OTHER))


def test_hosts_that_never_became_ready_are_made_anew_in_the_new_subnet() -> None:
    machines = FakeMachines()
    parts = fake_parts(machines=machines)
    parts.providers["fake"].fail_next("obtain", BadInput("no"), times=2)  # type: ignore[attr-defined]
    with pytest.raises(BootstrapFailed):
        Cloud(parts).up()

    Cloud(changed(parts)).up()

    with parts.store.read() as tx:
        assert all(host.gateway.startswith("10.99.") for host in tx.hosts())
        assert all(lease.address.startswith("10.99.") for lease in tx.leases())
        assert len(tx.hosts()) == len(machines.all()) == 2


def test_hosts_in_use_keep_the_subnet() -> None:
    parts = fake_parts()
    Cloud(parts).up()

    with pytest.raises(BadInput, match=r"10\.99\.0\.0/20 now, but 2 hosts are in use") as refusal:
        Cloud(changed(parts)).up()

    assert refusal.value.where == "network.subnet"
    assert len(Cloud(parts).up().unchanged) == 2
