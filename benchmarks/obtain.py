"""How long until 1, 10 and 40 containers run on two hosts: by Clocker, by bare calls of the same
engines, and by Docker Swarm on the same hosts. docs/benchmarks.md says how, and how to read it.

All ways take turns, so that what else the machine does meets them alike; the median of each
counts. Ends with one JSON line per aim; exits with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from obtaining.breakdown import breakdown, process_breakdown
from obtaining.two_hosts import TwoHosts, two_hosts
from obtaining.ways import BareEngine, Clocker, ClockerRun, Swarm, Way, make_swarm

# (number of containers, compared with): at most this many times its time.
AIMS = {(1, "bare engine"): 1.5, (10, "swarm"): 0.8, (40, "swarm"): 0.8}
# One container takes so little that more measurements are to be had in the same time.
TURNS = {1: 5, 10: 1, 40: 1}
AT_ONCE = (4, 8, 16)


@dataclass(frozen=True, order=True)
class Taken:
    time_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.time_s:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the hosts are removed then, too
    with two_hosts() as there:
        make_swarm(there)
        medians = measure(there, ways(there), rounds)
        breakdown(there, 3 * rounds)
        process_breakdown(there, 3 * rounds)
    held = [report(number, peer, medians) for number, peer in AIMS]
    sys.exit(0 if all(held) else 1)


def ways(there: TwoHosts) -> dict[str, Way]:
    """Each has been used once when this returns: first times are slow."""
    clocker: dict[str, Way] = {"clocker": Clocker(there), "clocker run": ClockerRun(there)}
    others: dict[str, Way] = {"bare engine": best_bare(there), "swarm": Swarm(there)}
    for way in (*clocker.values(), *others.values()):
        timed(there, way, 4)
    return clocker | others


def best_bare(there: TwoHosts) -> BareEngine:
    """With as many containers in flight as is best here."""
    bare = {at_once: BareEngine(there, at_once) for at_once in AT_ONCE}
    timed(there, bare[AT_ONCE[0]], 4)
    taken = {at_once: min(timed(there, way, 20) for _ in range(2)) for at_once, way in bare.items()}
    best = min(taken, key=lambda at_once: taken[at_once])
    print(f"bare engine: {best} at once is best of {AT_ONCE}", flush=True)
    return bare[best]


def measure(there: TwoHosts, ways: Mapping[str, Way], rounds: int) -> dict[tuple[int, str], float]:
    taken: dict[tuple[int, str], list[Taken]] = {
        (number, name): [] for number in TURNS for name in ways
    }
    order = list(ways)
    for turn in range(1, rounds + 1):
        for number in (number for number, turns in TURNS.items() for _ in range(turns)):
            order.append(order.pop(0))  # nobody is always next after the same one
            for name in order:
                taken[number, name].append(timed(there, ways[name], number))
        print(f"round {turn} of {rounds}: load {os.getloadavg()[0]:.1f}", flush=True)
    for (number, name), each in taken.items():
        middle = f"{median(one.time_s for one in each):7.2f} s"
        cpu = f"CPU of the hosts {median(one.cpu_s for one in each):6.2f} s"
        print(f"{number:>3}  {name:<12} {middle}   {cpu}   {' '.join(map(str, sorted(each)))}")
    return {key: median(one.time_s for one in each) for key, each in taken.items()}


def timed(there: TwoHosts, way: Way, number: int) -> Taken:
    cpu_s = there.cpu_s()
    begun = time.perf_counter()
    way.obtain(number)
    taken = Taken(time.perf_counter() - begun, there.cpu_s() - cpu_s)
    way.remove()
    return taken


def report(number: int, peer: str, medians: Mapping[tuple[int, str], float]) -> bool:
    aim = AIMS[number, peer]
    value = round(medians[number, "clocker"] / medians[number, peer], 2)
    line = {
        "benchmark": "obtain",
        "measure": f"time to {number} running over two hosts, times {peer}",
        "value": value,
        "aim": aim,
        "holds": value <= aim,
    }
    print(json.dumps(line))
    return value <= aim


if __name__ == "__main__":
    main()
