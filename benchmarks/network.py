"""Throughput and latency between containers of two hosts, by each network driver, by Docker
Swarm's overlay on the same hosts, and of the raw link between them. docs/benchmarks.md says how,
and how to read it.

All ways take turns, so that what else the machine does meets them alike. Ends with one JSON line
per aim; exits with 1 when an aim is missed. Weave is measured where CLOCKER_WEAVE_IMAGES names the
archive of its image.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from contextlib import ExitStack

from networking.way import Way, between, raw_link
from obtaining.two_hosts import IMAGE, TwoHosts, two_hosts
from obtaining.ways import make_swarm

from clocker import ContainerRequest
from clocker.network.layout import Layout

# (way, compared with): at least this many times its throughput.
AIMS = {("vxlan, plain", "swarm"): 0.95, ("vxlan, encrypted", "weave, encrypted"): 1.5}
NETWORKS: dict[str, dict[str, object]] = {
    "vxlan, plain": {"driver": "vxlan", "encryption": "none"},
    "vxlan, encrypted": {"driver": "vxlan"},
}

Rounds = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each transfer")
    options = parser.parse_args()
    networks = dict(NETWORKS)
    if archive := os.environ.get("CLOCKER_WEAVE_IMAGES"):
        networks["weave, encrypted"] = {"driver": "weave", "weave": {"archive": archive}}
    with ExitStack() as stack:
        ways = {}
        for name, network in networks.items():
            ways |= prepared(name, stack.enter_context(two_hosts(network)), stack)
        throughput, latency = measure(ways, options.rounds, options.seconds)
    show(throughput, latency)
    held = [report(pair, throughput) for pair in AIMS]
    sys.exit(0 if all(held) else 1)


def prepared(name: str, there: TwoHosts, stack: ExitStack) -> dict[str, Way]:
    """The raw link between these two hosts, their network, and on the first ones Swarm's."""
    if name == "vxlan, plain":
        make_swarm(there)  # it restarts the engines, and without live restore what they run
    ways = {f"raw link ({name})": stack.enter_context(raw_link(there))}
    containers = [there.cloud.obtain(ContainerRequest(IMAGE, name=end)) for end in ("a", "b")]
    by_host = {made.host.id: made.record for made in containers}
    first, second = (by_host[host.id] for host in there.hosts)
    ends = (str(first.engine_id), str(second.engine_id))
    ways[name] = stack.enter_context(between(there, ends, second.address))
    if name == "vxlan, plain":
        ways["swarm"] = stack.enter_context(between(there, ("swarm", "swarm"), swarm_pair(there)))
        see_to_network(there)
    return ways


def swarm_pair(there: TwoHosts) -> str:
    """Two containers on Swarm's overlay, called swarm; returns the second one's address."""
    for shell in there.shells:
        result = shell.run(f"docker run -d --name swarm --network bench-overlay {IMAGE}")
        if not result.ok:
            sys.exit(f"Swarm: {result.stderr.decode()}")
    found = there.clients[1].inspect_container("swarm")["NetworkSettings"]["Networks"]
    return str(found["bench-overlay"]["IPAddress"])


def see_to_network(there: TwoHosts) -> None:
    """Swarm's gateway bridge has the packet filter look at the frames of every bridge on the host.
    Clocker's are exempted whenever its network comes up, and so again here."""
    for shell in there.shells:
        result = shell.run(f"systemctl restart {Layout(there.name).network_unit}")
        if not result.ok:
            sys.exit(f"the network does not come up again: {result.stderr.decode()}")


def measure(ways: dict[str, Way], rounds: int, seconds: float) -> tuple[Rounds, Rounds]:
    """Mbit/s and ms of each way, round by round; the first round only warms up."""
    throughput: Rounds = {name: [] for name in ways}
    latency: Rounds = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            mbits, ms = way.throughput_mbits(seconds if turn else 0.5), way.latency_ms(300)
            if turn:
                throughput[name].append(mbits)
                latency[name].append(ms)
    return throughput, latency


def show(throughput: Rounds, latency: Rounds) -> None:
    for name, rounds in throughput.items():
        least, most = min(rounds), max(rounds)
        print(
            f"{name:<28} {statistics.median(rounds):8.0f} Mbit/s ({least:.0f} to {most:.0f})"
            f"  {statistics.median(latency[name]):7.3f} ms"
        )


def report(pair: tuple[str, str], throughput: Rounds) -> bool:
    """Of ratios round by round: what else the machine does changes slower than rounds do."""
    name, peer = pair
    value, holds = None, None
    if peer in throughput:
        ratios = [a / b for a, b in zip(throughput[name], throughput[peer], strict=True)]
        value = round(statistics.median(ratios), 3)
        holds = value >= AIMS[pair]
    else:
        print(f"NOT MEASURED: {peer}. CLOCKER_WEAVE_IMAGES names no archive.", file=sys.stderr)
    measure = f"throughput of {name}, times that of {peer}"
    line = {"benchmark": "network", "measure": measure, "value": value}
    print(json.dumps({**line, "aim": AIMS[pair], "holds": holds}))
    return holds is not False


if __name__ == "__main__":
    main()
