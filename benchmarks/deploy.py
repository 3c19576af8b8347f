"""How long until thirty services, a chain of six and twenty-four that need its end, run on two
hosts: by Clocker, and by ``docker stack deploy`` in Swarm mode on the same hosts.
docs/benchmarks.md says how, and how to read it.

The ways take turns, so that what else the machine does meets them alike; the median of each
counts. Ends with one JSON line per aim; exits with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from statistics import median

from deploying.ways import Clocker, ClockerDeploy, Engines, Stack, Way
from obtaining.two_hosts import TwoHosts, two_hosts
from obtaining.ways import make_swarm

# At most this many times the time of docker stack deploy.
AIM = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the hosts are removed then, too
    with two_hosts() as there:
        make_swarm(there)
        medians = measure(there, rounds)
    value = round(medians["clocker deploy"] / medians["docker stack deploy"], 2)
    line = {
        "benchmark": "deploy",
        "measure": "time to thirty services running over two hosts, times docker stack deploy",
        "value": value,
        "aim": AIM,
        "holds": value <= AIM,
    }
    print(json.dumps(line))
    sys.exit(0 if value <= AIM else 1)


def measure(there: TwoHosts, rounds: int) -> dict[str, float]:
    """Each has been used once before: first times are slow."""
    ways: dict[str, Way] = {
        "clocker": Clocker(there),
        "clocker deploy": ClockerDeploy(there),
        "docker stack deploy": Stack(there),
        "the engines alone": Engines(there),
    }
    for way in ways.values():
        timed(way)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    order = list(ways)
    for turn in range(1, rounds + 1):
        order.append(order.pop(0))  # nobody is always next after the same one
        for name in order:
            before_s = there.cpu_s()
            time_s = timed(ways[name], keep=True)
            taken[name].append((time_s, there.cpu_s() - before_s))
            ways[name].remove()
        print(f"round {turn} of {rounds}: load {os.getloadavg()[0]:.1f}", flush=True)
    for name, each in taken.items():
        middle = f"{median(time_s for time_s, _ in each):6.2f} s"
        cpu = f"CPU of the hosts {median(cpu_s for _, cpu_s in each):6.2f} s"
        print(f"{name:<20} {middle}   {cpu}   {' '.join(f'{t:.2f}' for t, _ in sorted(each))}")
    return {name: median(time_s for time_s, _ in each) for name, each in taken.items()}


def timed(way: Way, *, keep: bool = False) -> float:
    begun = time.perf_counter()
    way.deploy()
    time_s = time.perf_counter() - begun
    if not keep:
        way.remove()
    return time_s


if __name__ == "__main__":
    main()
