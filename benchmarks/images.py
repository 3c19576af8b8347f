"""How soon a container runs whose image has to be made: of a kind that nobody has installed, of one
that was, and on the other host, by the registry and straight from the first; beside the plain
`docker build` of the same steps, and a run of what came of it, on the same hosts.

Two hosts of the provider `local`; packages and a registry with TLS and a password are served from
this machine. Every round is of a kind of its own. Ends with one JSON line per aim; exits with 1
when an aim is missed. docs/benchmarks.md says how to read it.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import sys
import tarfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from generated_world import PACKAGES, GeneratedWorld, engine_of, generated_world, on, timed
from real_cloud import docker_engine

from clocker.cloud import Cloud
from clocker.model import ContainerRequest, ContainerSpec, Resources
from clocker.providers.node_image import ensure_base_image

INSTALL, SHARED, AGAIN = "install", "until that is shared", "again"
REGISTRY, STRAIGHT = "other host, by registry", "other host, straight"
BUILD, BUILD_AGAIN = "docker build and run", "the same again, cached"
AGAIN_TIMES = 3

# (way, compared with): at most this many times its time.
AIMS = {
    (AGAIN, INSTALL): 0.1,
    (INSTALL, BUILD): 1.25,
    (AGAIN, BUILD_AGAIN): 1.25,
    (REGISTRY, INSTALL): 0.5,
    (STRAIGHT, INSTALL): 0.5,
}

Rounds = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    client = docker_engine()
    seen: Rounds = defaultdict(list)
    with generated_world(client, ensure_base_image(client)) as world:
        for number in range(rounds):
            # A process that has found the registry away does not ask it again for a while.
            with world.cloud.opened() as cloud:
                warm_up(world, cloud, number)
                for way, seconds in measure(world, cloud, number).items():
                    seen[way].append(seconds)
    for way, times in seen.items():
        print(f"{way:<26} {statistics.median(times):7.2f} s ({min(times):.2f} to {max(times):.2f})")
    sys.exit(0 if all([report(pair, seen) for pair in AIMS]) else 1)


def warm_up(world: GeneratedWorld, cloud: Cloud, number: int) -> None:
    """How the base comes to the hosts, and this process to their engines, is no part of it."""
    for host in world.hosts:
        name = f"warm-{number}-{host}"
        cloud.obtain(ContainerRequest(world.base, Resources(0.1, 64), name=name, rules=on(host)))
        cloud.release(name)


def measure(world: GeneratedWorld, cloud: Cloud, number: int) -> Mapping[str, float]:
    """Of one kind, seconds by way; the plain build goes first in every second round."""
    if number % 2:
        built = measure_build(world, cloud, number)
        return {**measure_clocker(world, cloud, number), **built}
    return {**measure_clocker(world, cloud, number), **measure_build(world, cloud, number)}


def measure_clocker(world: GeneratedWorld, cloud: Cloud, number: int) -> Mapping[str, float]:
    first, second = world.hosts
    install = replace(world.install, args={"ROUND": str(number)})
    request = world.web("", first, install=install)
    began = time.monotonic()
    _, install_s = timed(cloud, replace(request, name=f"i{number}"))
    cloud.sharing.finish()
    shared_s = time.monotonic() - began
    again = [timed(cloud, replace(request, name=f"a{number}-{n}"))[1] for n in range(AGAIN_TIMES)]
    elsewhere = replace(request, name=f"o{number}", rules=on(second))
    _, registry_s = timed(cloud, elsewhere)
    forget(cloud, second, f"o{number}")
    world.registry.kill()
    _, straight_s = timed(cloud, elsewhere)
    world.registry.start()
    for name in (f"i{number}", *(f"a{number}-{n}" for n in range(AGAIN_TIMES)), f"o{number}"):
        cloud.release(name)
    return {
        INSTALL: install_s,
        SHARED: shared_s,
        AGAIN: statistics.median(again),
        REGISTRY: registry_s,
        STRAIGHT: straight_s,
    }


def measure_build(world: GeneratedWorld, cloud: Cloud, number: int) -> Mapping[str, float]:
    """The same steps on the first host's engine, and a container of the outcome, created and
    started; then once more, when all steps are in the engine's cache."""
    engine, context = engine_of(cloud, world.hosts[0]), build_context(world, number)
    times = []
    for turn in range(2):
        began = time.monotonic()
        tag = f"clocker-bench/built:{number}"
        image = engine.build(context, tag=tag, labels={}, timeout_s=600)
        command = ("nginx", "-g", "daemon off;")
        spec = ContainerSpec(f"b{number}-{turn}", image, "built", {}, command=command)
        made = engine.create(spec)
        engine.start(made)
        times.append(time.monotonic() - began)
        engine.remove(made)
    return {BUILD: times[0], BUILD_AGAIN: times[1]}


def build_context(world: GeneratedWorld, number: int) -> bytes:
    names = [file.target.rsplit("/", 1)[1] for file in world.sources]
    copies = [f"COPY {n} {file.target}" for n, file in zip(names, world.sources, strict=True)]
    dockerfile = [
        f"FROM {world.base}",
        f"ENV ROUND={number}",
        *copies,
        "RUN export DEBIAN_FRONTEND=noninteractive; apt-get update"
        f" && apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"
        " && apt-get clean && rm -rf /var/lib/apt/lists/*",
    ]
    files = {name: file.content for name, file in zip(names, world.sources, strict=True)}
    files["Dockerfile"] = "\n".join(dockerfile).encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def forget(cloud: Cloud, host: str, name: str) -> None:
    """The container, and the image that it was made of, on one host."""
    used = cloud.machine(name).record.image_id
    cloud.release(name)
    cloud.stock().remove([view.name for view in cloud.images() if view.id == used], [host])


def report(pair: tuple[str, str], seen: Rounds) -> bool:
    """Of ratios round by round: what else the machine does changes slower than rounds do."""
    way, peer = pair
    ratios = [a / b for a, b in zip(seen[way], seen[peer], strict=True)]
    value = round(statistics.median(ratios), 3)
    holds = value <= AIMS[pair]
    line = {"benchmark": "images", "measure": f"{way}, times {peer}", "value": value}
    print(json.dumps({**line, "aim": AIMS[pair], "holds": holds}))
    return holds


if __name__ == "__main__":
    main()
