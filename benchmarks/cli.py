"""How long the CLI takes, in units of ``python -c pass`` on the same machine in the same run.

``clocker --help`` is to feel instant, and ``clocker ps`` to stay quick with 1,000 containers in
the store. The commands are run in turn, over and over, so that what else the machine does meets
them all alike; the median of each counts. Ends with one JSON line per aim; exits with 1 when an
aim is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from clocker.config import state_folder
from clocker.model import (
    Container,
    ContainerRequest,
    ContainerState,
    Host,
    HostState,
    Port,
    Resources,
    SshAccess,
)
from clocker.store import open_store

AIMS = {"help": 8.0, "ps": 45.0}
CONTAINERS = 1000
HOSTS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="clocker-bench-") as name:
        environ = prepare(Path(name))
        medians = measure(commands(), rounds, environ, Path(name))
    held = [report(measured, medians) for measured in AIMS]
    sys.exit(0 if all(held) else 1)


def commands() -> dict[str, list[str]]:
    # The installed script, as users start it: its own start-up counts too.
    clocker = str(Path(sys.executable).with_name("clocker"))
    return {
        "pass": [sys.executable, "-c", "pass"],
        "help": [clocker, "--help"],
        "ps": [clocker, "ps"],
        "ps --json": [clocker, "ps", "--json"],
        "sqlalchemy": [sys.executable, "-c", "import sqlalchemy"],
    }


def prepare(folder: Path) -> dict[str, str]:
    """A cloud's document and its SQLite store, written through the store itself."""
    environ = {
        **os.environ,
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    (folder / "providers.yaml").write_text("local: {driver: local}\n")
    (folder / "clocker.yaml").write_text("name: bench\nhosts: {provider: local, maximum: 50}\n")
    store = open_store(f"sqlite:///{state_folder('bench', environ)}/state.db", "bench")
    with store.transaction() as tx:
        for number in range(HOSTS):
            tx.put_host(host(number))
        for number in range(CONTAINERS):
            tx.put_container(container(number))
    store.close()
    return environ


def host(number: int) -> Host:
    return Host(
        id=f"h{number}",
        name=f"bench-{number}",
        provider="local",
        state=HostState.READY,
        capacity=Resources(4, 8192, 0),
        gateway=f"10.210.0.{number + 1}",
        access=SshAccess(f"172.30.0.{number + 2}"),
        address=f"172.30.0.{number + 2}",
        created_at=time.time() - 86400,
    )


def container(number: int) -> Container:
    request = ContainerRequest(
        image="registry.example.org/team/application:1.4.2",
        resources=Resources(0.25, 256),
        name=f"application-{number}",
        env={"LOG_LEVEL": "info", "TOKEN": None},
        labels={"tier": "web", "release": "stable"},
        ports=(Port(8080),),
        command=("serve", "--port", "8080"),
    )
    return Container(
        id=f"c{number}",
        name=f"application-{number}",
        host_id=f"h{number % HOSTS}",
        state=ContainerState.RUNNING,
        request=request,
        address=f"10.210.{1 + number // 250}.{number % 250 + 1}",
        mac=f"02:00:00:00:{number // 256:02x}:{number % 256:02x}",
        ports=(Port(8080, 32000 + number),),
        engine_id="0" * 64,
        created_at=time.time() - number,
    )


def measure(
    named: Mapping[str, Sequence[str]], rounds: int, environ: Mapping[str, str], folder: Path
) -> dict[str, float]:
    seconds: dict[str, list[float]] = {name: [] for name in named}
    for turn in range(rounds + 1):
        for name, argv in named.items():
            begun = time.perf_counter()
            done = subprocess.run(argv, cwd=folder, env=environ, capture_output=True, check=True)
            if turn > 0:  # the first turn only fills the caches
                seconds[name].append(time.perf_counter() - begun)
            listed = done.stdout.count(b"\n") - 1  # all lines but the heading
            if name == "ps" and listed != CONTAINERS:
                sys.exit(f"ps listed {listed} containers")
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    for name, median in medians.items():
        times = median / medians["pass"]
        print(f"{name:<12} {median * 1000:7.1f} ms  {times:5.1f} x  python -c pass")
    return medians


def report(measured: str, medians: Mapping[str, float]) -> bool:
    value = round(medians[measured] / medians["pass"], 1)
    aim = AIMS[measured]
    command = " ".join(commands()[measured][1:])
    line = {
        "benchmark": "cli",
        "measure": f"clocker {command}, times python -c pass",
        "value": value,
        "aim": aim,
        "holds": value <= aim,
    }
    print(json.dumps(line))
    return value <= aim


if __name__ == "__main__":
    main()
