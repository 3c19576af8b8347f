"""What it takes to look after 1,000 hosts with 30,000 containers: the real decisions over a real
SQLite store. No host is needed.

- a scale decision that makes hosts, and one that removes some, each with all that is read from the
  store, on a fleet of containers of eight shapes
- a heal decision, with all that is read from and written to the store, where some is amiss of what
  the hosts have said: hosts and engines are silent, containers have ended, are missing, or stray
- traces of random demand, each decision of which is held against a count by other means: as many
  hosts as are lacking, not one more, and none removed that is needed

Ends with one JSON line per aim; exits with 1 when an aim is missed. The aims are figures for one
machine; docs/benchmarks.md says which.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clocker.interfaces import Store
from clocker.model import (
    CloudSpec,
    Container,
    ContainerRequest,
    ContainerState,
    ContainerStatus,
    Headroom,
    Host,
    HostState,
    Keep,
    NodePool,
    Resources,
    SshAccess,
)
from clocker.store import open_store

if TYPE_CHECKING:
    from clocker.policies.heal_look import Seen

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

HOSTS, CONTAINERS, TRACES = 1_000, 30_000, 10_000
SHAPE = Resources(12, 65_536, 500_000)
POOL = NodePool(("fake",), count=1, maximum=2 * HOSTS, shape=SHAPE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=int, default=TRACES)
    traces = parser.parse_args().traces
    gc.set_threshold(50_000)  # as the command line does
    held = []
    with tempfile.TemporaryDirectory(prefix="clocker-bench-", dir=Path.cwd()) as folder:
        store = open_store(f"sqlite:///{folder}/state.db", "bench")
        fill(store)
        for name, (decide, aim_s) in DECISIONS.items():
            seconds, found = decide(store)
            print(f"{name}: {seconds:.2f} s ({found})", flush=True)
            held.append(report(f"{name}, seconds", round(seconds, 3), aim_s))
        store.close()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    held.append(report("peak memory, MB", peak_mb, 300))
    held.append(report(f"overshoot in {traces} traces, hosts", overshoot(traces), 0))
    sys.exit(0 if all(held) else 1)


def scale_up(store: Store) -> tuple[float, str]:
    """Room for more than there is: some hosts have to be made."""
    return decision(store, Headroom(Keep(share=0.15), maximum=2 * HOSTS))


def scale_down(store: Store) -> tuple[float, str]:
    """Room for little: what is idle goes, and some of the emptiest hosts are drained."""
    return decision(store, Headroom(Keep(100), maximum=2 * HOSTS, down_s=0.0))


def heal(store: Store) -> tuple[float, str]:
    """The third look, at which what is silent is dead; the first two are as large, but decide
    less."""
    from clocker.cloud.heal_look import keep, look
    from clocker.policies.healing import decide
    from clocker.testing import FakeClock, fake_parts

    clock = FakeClock()
    parts = fake_parts(CloudSpec("bench", POOL), store=store, clock=clock)
    seen = said(store)
    for _ in range(3):
        clock.advance(20)
        begun = time.perf_counter()
        with store.transaction() as tx:
            plan = decide(look(parts, tx, seen))
            keep(tx, plan.history)
        seconds = time.perf_counter() - begun
    kinds = Counter(type(action).__name__ for action in plan.actions)
    if kinds != AMISS:
        sys.exit(f"heal should have found other things amiss: {dict(kinds)}")
    return seconds, ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


AMISS = {
    "ReplaceHost": HOSTS // 100,
    "RepairHost": HOSTS // 100,
    "RestartContainer": CONTAINERS // 100,
    "CreateContainer": CONTAINERS // 1000,
    "AdoptContainer": HOSTS // 100,
}
DECISIONS: dict[str, tuple[Callable[[Store], tuple[float, str]], float]] = {
    "scale up": (scale_up, 2.0),
    "scale down": (scale_down, 2.0),
    "heal": (heal, 5.0),
}


def decision(store: Store, headroom: Headroom) -> tuple[float, str]:
    from clocker.cloud.scale import plan_scale
    from clocker.testing import fake_parts

    parts = fake_parts(CloudSpec("bench", POOL, headroom=headroom), store=store, clock=lambda: 1e9)
    begun = time.perf_counter()
    found = plan_scale(parts)
    return time.perf_counter() - begun, found.why


def fill(store: Store) -> None:
    """Nine hosts of ten have 30 to 37 containers; the others are idle."""
    busy = HOSTS * 9 // 10
    with store.transaction() as tx:
        for number in range(HOSTS):
            tx.put_host(a_host(number))
    with store.transaction() as tx:
        tx.insert_containers([a_container(number, number % busy) for number in range(CONTAINERS)])


def a_host(number: int) -> Host:
    return replace(
        Host(f"h{number}", f"bench-{number}", "fake", HostState.READY, SHAPE, "10.210.0.1"),
        access=SshAccess(f"198.18.{number // 250}.{number % 250 + 1}"),
        stamp="bootstrapped",
        price_hour=0.1 + number % 7 / 100,
    )


def a_container(number: int, host: int) -> Container:
    request = ContainerRequest(
        "nginx",
        Resources(0.25 + number % 8 / 32, 512 + 64 * (number % 8)),
        name=f"web-{number}",
        env={"MODE": "production"},
        labels={"app": f"shop-{number % 50}"},
    )
    address = f"10.{210 + number // 65536}.{number // 256 % 256}.{number % 256}"
    return Container(
        id=f"{number:016x}",
        name=f"web-{number}",
        host_id=f"h{host}",
        state=ContainerState.RUNNING,
        request=request,
        address=address,
        mac="02:42:0a:d2:00:05",
        engine_id=f"e{number:016x}",
    )


def said(store: Store) -> dict[str, Seen]:
    """Of a hundred hosts one is dead, and the engine of another silent; of a hundred containers one
    has ended, of a thousand one is missing; every hundredth host has one that nobody knows."""
    from clocker.policies.heal_look import Seen

    with store.read() as tx:
        hosts, containers = tx.hosts(), tx.containers()
    running: dict[str, list[ContainerStatus]] = {host.id: [] for host in hosts}
    for number, container in enumerate(containers):
        if number % 1000 != 500:
            running[container.host_id].append(a_status(container, ended=number % 100 == 50))
    seen = {}
    for number, host in enumerate(hosts):
        if number % 100 == 10:
            stray = replace(a_container(CONTAINERS + number, number), name=f"stray-{number}")
            running[host.id].append(a_status(stray))
        dead, mute = number % 100 == 20, number % 100 == 30
        if dead or mute:
            seen[host.id] = Seen(reachable=mute, answers=False, why="no answer in time")
        else:
            seen[host.id] = Seen(True, True, tuple(running[host.id]))
    return seen


def a_status(container: Container, *, ended: bool = False) -> ContainerStatus:
    """As its engine lists it."""
    from clocker.cloud.container_spec import engine_name, own_labels

    return ContainerStatus(
        engine_id=f"e{container.id}",
        name=engine_name("bench", container.name),
        state="exited" if ended else "running",
        labels=own_labels("bench", container),
        image="nginx",
        image_id="sha256:0",
        exit_code=1 if ended else None,
        address=container.address,
    )


def overshoot(traces: int) -> int:
    """How many traces had a host too many or too few made, or one removed that was needed."""
    from headroom_worlds import assert_no_overshoot

    wrong = made = 0
    begun = time.perf_counter()
    for seed in range(traces):
        try:
            made += assert_no_overshoot(seed)
        except AssertionError as error:
            wrong += 1
            print(f"trace {seed}: {error}", flush=True)
    seconds = time.perf_counter() - begun
    print(f"{traces} traces, {made} hosts made: {seconds:.0f} s", flush=True)
    return wrong


def report(measured: str, value: float, aim: float) -> bool:
    holds = value <= aim
    line = {"benchmark": "fleet", "measure": measured, "value": value, "aim": aim}
    print(json.dumps({**line, "holds": holds}))
    return holds


if __name__ == "__main__":
    main()
