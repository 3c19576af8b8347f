"""A Cloud's parts, all in memory: ``Cloud(fake_parts())``."""

from __future__ import annotations

import itertools
import tempfile
import time
from dataclasses import replace
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from clocker.contexts import FileContexts
from clocker.interfaces import Parts
from clocker.model import CloudSpec, NodePool, Resources
from clocker.testing.connections import FakeConnections
from clocker.testing.keys import FakeKeys
from clocker.testing.machines import FakeMachines
from clocker.testing.network import FakeNames, FakeNetwork
from clocker.testing.provider import FakeProvider
from clocker.testing.watching import FakeClock, RecordingProgress

_owners = itertools.count(1)


def fake_spec(name: str = "test", **hosts: Any) -> CloudSpec:
    """A cloud of two hosts, at most four; ``hosts`` replaces values of its NodePool."""
    pool = NodePool(
        ("fake",), count=2, maximum=4, shape=Resources(4.0, 8192, 100_000), timeout_s=5.0
    )
    return CloudSpec(name, replace(pool, **hosts))


def fake_parts(
    spec: CloudSpec | None = None, *, machines: FakeMachines | None = None, **overrides: Any
) -> Parts:
    """Parts over ``machines``, which another call may share, as another process would; so may it
    a ``store``. ``overrides`` replaces parts by name."""
    machines = machines or FakeMachines()
    spec = spec or fake_spec()
    clock = overrides.get("clock") or FakeClock()
    made: dict[str, Any] = {
        "spec": spec,
        "providers": {name: FakeProvider(machines, name) for name in spec.hosts.providers},
        "connections": FakeConnections(machines),
        "keys": FakeKeys(spec.name),
        "network": FakeNetwork(spec.name),
        "names": FakeNames(spec.network.name_servers),
        "contexts": FileContexts(),
        "progress": RecordingProgress(),
        "clock": clock,
        "sleep": getattr(clock, "advance", time.sleep),
        "owner": f"fake-{next(_owners)}",
        "owner_is_dead": lambda owner: False,
        "new_id": lambda: token_hex(8),
        **overrides,
    }
    if "store" not in made:
        made["store"] = _memory_store()
    if "folder" not in made:
        made["folder"] = _folder(spec.name)
    return Parts(**made)


def _folder(cloud: str) -> Path:
    """In a state home of its own, which goes with its last cloud as the real one does."""
    folder = Path(tempfile.mkdtemp(dir=_folders().name)) / cloud
    folder.mkdir(mode=0o700)
    return folder


@cache
def _folders() -> tempfile.TemporaryDirectory[str]:
    """Removed with all that is in it when the process ends."""
    return tempfile.TemporaryDirectory(prefix="clocker-fake-")


def _memory_store() -> Any:
    from clocker.store.memory import MemoryStore

    return MemoryStore()
