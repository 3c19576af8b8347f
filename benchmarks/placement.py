"""How many decisions Clocker takes in a second, at 100, 1,000 and 10,000 hosts, with the default
rules and with others: which host takes a container, and its booking there. No host is needed.

- one by one: each request has a name of its own, and one of eight shapes
- batch: equal requests; their bookings committed, durably, to a SQLite store in one transaction
- commits: one transaction for each request, for information
- plain: without anything kept between decisions, for information

Ends with one JSON line per aim; exits with 1 when an aim is missed. The aims are figures for one
machine; docs/benchmarks.md says which.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    HostView,
    Resources,
    RuleSpec,
    Usage,
)
from clocker.placement import Fleet, rules_for
from clocker.placement.place import choose
from clocker.store import open_store

HOSTS = (100, 1_000, 10_000)
MOST_DECISIONS = 20_000
"""And 20 for each host."""
TEN_RULES = (
    RuleSpec("fits", {"overcommit": 2.0}),
    RuleSpec("max_containers", {"limit": 250}),
    RuleSpec("max_cpu_usage", {"limit": 0.9}),
    RuleSpec("max_ram_usage", {"limit": 0.9}),
    RuleSpec("country", {"places": "in DE or NL"}),
    RuleSpec("host_labels", {"labels": "NOT spot"}),
    RuleSpec("hostname", {"pattern": "demo-*"}),
    RuleSpec("affinity", {"sentences": "NOT TYPE tomcat"}),
    RuleSpec("cheapest"),
    RuleSpec("breadth_first"),
)
RULES: dict[str, tuple[RuleSpec, ...]] = {
    "default rules": (),
    "ten rules": TEN_RULES,
    "spread over nine zones": (RuleSpec("spread", {"by": "zone", "max_skew": 1}),),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    gc.set_threshold(50_000)  # as the command line does
    seen = {
        (way, rules, hosts): measure(WAYS[way], rules, hosts, rounds)
        for rules in RULES
        for hosts in HOSTS
        for way in WAYS
    }
    held = [report(*aim) for aim in aims(seen)]
    sys.exit(0 if all(held) else 1)


def measure(
    way: Callable[[int, Sequence[RuleSpec]], float], rules: str, hosts: int, rounds: int
) -> float:
    """The median of the decisions per second."""
    rates = [way(hosts, RULES[rules]) for _ in range(rounds)]
    rate = statistics.median(rates)
    print(f"{hosts:>7,} hosts, {rules}, {way.__name__:<12} {rate:>10,.0f} per second", flush=True)
    return rate


def one_by_one(hosts: int, rules: Sequence[RuleSpec]) -> float:
    views, count = fleet_of(hosts), decisions(hosts)
    requests = [
        ContainerRequest("nginx", Resources(0.1, 64 + n % 8), name=f"web-{n}") for n in range(count)
    ]
    fleet = Fleet(views)

    def decide() -> None:
        for number, request in enumerate(requests):
            fleet.book(booking(number, chosen(fleet, request, rules), request))

    return count / seconds(decide)


def batch(hosts: int, rules: Sequence[RuleSpec]) -> float:
    """Equal requests, on a fleet that is read; the rest of what reserving does is not in it."""
    views, count = fleet_of(hosts), decisions(hosts)
    request = ContainerRequest("nginx", Resources(0.1, 64))
    with tempfile.TemporaryDirectory(prefix="clocker-bench-", dir=Path.cwd()) as folder:
        store = open_store(f"sqlite:///{folder}/state.db", "bench")

        def decide() -> None:
            fleet = Fleet(views)
            with store.transaction() as tx:
                made = []
                for number in range(count):
                    made.append(booking(number, chosen(fleet, request, rules), request))
                    fleet.book(made[-1])
                tx.insert_containers(made)

        rate = count / seconds(decide)
        store.close()
    return rate


def commits(hosts: int, rules: Sequence[RuleSpec]) -> float:
    """One by one, each committed by itself: what it takes is the disk's answer."""
    count = 200
    request = ContainerRequest("nginx", Resources(0.1, 64))
    fleet = Fleet(fleet_of(hosts))
    with tempfile.TemporaryDirectory(prefix="clocker-bench-", dir=Path.cwd()) as folder:
        store = open_store(f"sqlite:///{folder}/state.db", "bench")

        def decide() -> None:
            for number in range(count):
                made = booking(number, chosen(fleet, request, rules), request)
                with store.transaction() as tx:
                    tx.put_container(made)
                fleet.book(made)

        rate = count / seconds(decide)
        store.close()
    return rate


def plain(hosts: int, rules: Sequence[RuleSpec]) -> float:
    views, count = fleet_of(hosts), max(3, 2_000 // hosts)
    request = ContainerRequest("nginx", Resources(0.1, 64))

    def decide() -> None:
        for _ in range(count):
            choose(views, request, rules_for(rules, request))

    return count / seconds(decide)


WAYS: dict[str, Callable[[int, Sequence[RuleSpec]], float]] = {
    "one by one": one_by_one,
    "batch": batch,
    "commits": commits,
    "plain": plain,
}


def decisions(hosts: int) -> int:
    return min(20 * hosts, MOST_DECISIONS)


def chosen(fleet: Fleet, request: ContainerRequest, rules: Sequence[RuleSpec]) -> HostView:
    view = fleet.choose(request, rules_for(rules, request))
    if view is None:
        sys.exit("a host should have taken it")
    return view


def booking(number: int, view: HostView, request: ContainerRequest) -> Container:
    return Container(
        id=f"{number:016x}",
        name=f"web-{number}",
        host_id=view.host.id,
        state=ContainerState.CREATING,
        request=request,
        address="10.210.0.5",
        mac="02:42:0a:d2:00:05",
    )


def fleet_of(hosts: int) -> list[HostView]:
    """Hosts alike, with ten containers each."""
    host = Host(
        id="", name="", provider="aws", state=HostState.READY, capacity=Resources(64, 262_144),
        gateway="10.210.0.1", region="eu-central-1", labels={"disk": "ssd"}, price_hour=0.4,
    )  # fmt: skip
    request = ContainerRequest("postgres:16", Resources(0.5, 512))
    held = tuple(booking(n, HostView(host), request) for n in range(10))
    made = (replace(host, id=f"h{n}", name=f"demo-{n}", zone=f"z{n % 9}") for n in range(hosts))
    return [HostView(each, held, Usage(0.3, 0.4, 0.0)) for each in made]


def seconds(action: Callable[[], None]) -> float:
    gc.collect()
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def aims(seen: dict[tuple[str, str, int], float]) -> list[tuple[str, float, float, bool]]:
    """What is measured, its value, the aim, and whether it holds."""
    found = []
    for way, least in (("batch", 50_000), ("one by one", 10_000)):
        rate = round(seen[way, "default rules", 1_000])
        found.append((f"{way}, decisions per second at 1,000 hosts", rate, least, rate >= least))
    for way in ("batch", "one by one"):
        small, large = (seen[way, "default rules", hosts] for hosts in (1_000, 10_000))
        slower = round(small / large, 2)
        found.append((f"{way}, times slower at 10,000 than at 1,000", slower, 3, slower <= 3))
    return found


def report(measured: str, value: float, aim: float, holds: bool) -> bool:
    line = {"benchmark": "placement", "measure": measured, "value": value, "aim": aim}
    print(json.dumps({**line, "holds": holds}))
    return holds


if __name__ == "__main__":
    main()
