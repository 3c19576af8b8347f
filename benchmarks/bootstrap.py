"""How long until fresh machines are hosts that are ready, and how long it takes to find that
nothing is to be done: by Clocker, by an Ansible playbook and by a pyinfra deploy that reach the
same state. And what Clocker's pool adds to the thinking of 200 simulated hosts.
docs/benchmarks.md says how, and how to read it.

All ways take turns on machines that were made for each of them; medians count. Ends with one JSON
line per aim; exits with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bootstrapping.machines import Image, machine_image, machines
from bootstrapping.many import THINK_S, many_hosts
from bootstrapping.state import look
from bootstrapping.ways import Ansible, Clocker, Pyinfra, Way

PROGRAMS = Path(__file__).parents[1] / ".venv-bootstrap" / "bin"
FIRST_AIM = 1.0  # times the fastest peer
NO_CHANGE_AIMS = {"ansible": 0.3, "pyinfra": 0.8}
SIMULATED_AIM = 1.25  # times the ideal
SIMULATED_FIRST_AIM = 1.5
NO_CHANGE_RUNS = 2
SIMULATED_RUNS = 3
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Times = dict[tuple[int, str], list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--simulated", type=int, default=200, help="hosts; 0: none")
    options = parser.parse_args()
    for ending in ENDINGS:
        signal.signal(ending, end)
    name = f"b{secrets.token_hex(3)}"
    held = []
    if options.simulated:
        held.append(simulated(name, options.simulated))
    if options.hosts:
        first, again = measure(name, options.hosts, options.repeats)
        show("ready from zero", first)
        show("nothing to do", again)
        held += [report_first(count, first) for count in options.hosts]
        held += [
            report_again(count, peer, again) for count in options.hosts for peer in NO_CHANGE_AIMS
        ]
    sys.exit(0 if all(held) else 1)


def end(number: int, _: object) -> None:
    """The machines go, too: nothing interrupts that."""
    for ending in ENDINGS:
        signal.signal(ending, signal.SIG_IGN)
    sys.exit(128 + number)


def measure(name: str, counts: Sequence[int], repeats: int) -> tuple[Times, Times]:
    ways: list[Way] = [Clocker(), Ansible(PROGRAMS), Pyinfra(PROGRAMS)]
    first: Times = {(count, way.name): [] for count in counts for way in ways}
    again: Times = {(count, way.name): [] for count in counts for way in ways}
    with machine_image() as image:
        for turn in range(repeats):
            for place, count in enumerate(counts):
                start = (turn + place) % len(ways)  # nobody is always next after the same one
                reached: dict[str, list[str]] = {}
                for way in (*ways[start:], *ways[:start]):
                    measure_one(name, image, count, way, first, again, reached)
                see_the_same(reached)
            print(f"round {turn + 1} of {repeats}: load {os.getloadavg()[0]:.1f}", flush=True)
    return first, again


def measure_one(
    name: str,
    image: Image,
    count: int,
    way: Way,
    first: Times,
    again: Times,
    reached: dict[str, list[str]],
) -> None:
    with machines(name, image, count) as there:
        way.prepare(there)
        os.sync()  # who installs packages would otherwise wait for what others have written
        taken_s, changed = way.run(there)
        if not changed:
            sys.exit(f"{way.name} says that it changed nothing on fresh machines")
        first[count, way.name].append(taken_s)
        reached[way.name] = look(there)
        for _ in range(NO_CHANGE_RUNS):
            taken_s, changed = way.run(there)
            if changed:
                sys.exit(f"{way.name} changed something in its second run")
            again[count, way.name].append(taken_s)
    latest = again[count, way.name][-1]
    print(
        f"  {count} by {way.name}: {first[count, way.name][-1]:.1f} s, {latest:.2f} s", flush=True
    )


def see_the_same(reached: dict[str, list[str]]) -> None:
    wanted = reached["clocker"]
    for name, found in reached.items():
        difference = "\n".join(
            difflib.unified_diff(wanted, found, "clocker", name, n=0, lineterm="")
        )
        if difference:
            sys.exit(f"the ways do not reach the same state:\n{difference}")


def simulated(name: str, count: int) -> bool:
    found = many_hosts(name, PROGRAMS, count, SIMULATED_RUNS)
    listed = " ".join(f"{taken_s:.1f}" for taken_s in found.again_s)
    print(f"{count} simulated hosts: {listed} s, ideal {found.ideal_s:.1f} s", flush=True)
    first, ideal = found.first_s, found.first_ideal_s
    print(f"{count} simulated from zero: {first:.1f} s, ideal {ideal:.1f} s", flush=True)
    from_zero = f"{count} simulated hosts from zero, times the ideal"
    held = report(from_zero, first / ideal, SIMULATED_FIRST_AIM)
    measure = f"{count} simulated hosts that think {THINK_S:g} s, times the ideal"
    return report(measure, median(found.again_s) / found.ideal_s, SIMULATED_AIM) and held


def show(what: str, times: Times) -> None:
    for (count, name), each in times.items():
        listed = " ".join(f"{taken_s:.2f}" for taken_s in sorted(each))
        print(f"{what}: {count} by {name:<8} {median(each):7.2f} s   {listed}")


def report_first(count: int, first: Times) -> bool:
    fastest = min(median(first[count, peer]) for peer in NO_CHANGE_AIMS)
    value = median(first[count, "clocker"]) / fastest
    return report(f"{count} ready from zero, times the fastest peer", value, FIRST_AIM)


def report_again(count: int, peer: str, again: Times) -> bool:
    value = median(again[count, "clocker"]) / median(again[count, peer])
    return report(f"{count} with nothing to do, times {peer}", value, NO_CHANGE_AIMS[peer])


def report(measure: str, value: float, aim: float) -> bool:
    value = round(value, 2)
    line = {"benchmark": "bootstrap", "measure": measure, "value": value, "aim": aim}
    print(json.dumps({**line, "holds": value <= aim}))
    return value <= aim


if __name__ == "__main__":
    main()
