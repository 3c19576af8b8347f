"""A container, asked for like a VM: make the hosts, obtain, use, release.

Run it beside a clocker.yaml:  python examples/api.py IMAGE
"""

from __future__ import annotations

import sys

from clocker import ContainerRequest, Port, Resources, open_cloud


def main(image: str) -> None:
    with open_cloud() as cloud:
        cloud.up()
        request = ContainerRequest(
            image, Resources(cores=0.5, ram_mb=128), ports=(Port(80),), labels={"tier": "web"}
        )
        first, second = cloud.obtain_many([request, request])
        print(f"{first.name} on {first.host.name}, {second.name} on {second.host.name}")
        seen = first.run(["ping", "-c", "1", second.name], timeout_s=10)
        print(f"{first.name} reaches {second.name}: {seen.ok}")
        print(f"port 80 of {first.name}: {first.host.address}:{first.record.ports[0].host_port}")
        for machine in (first, second):
            cloud.release(machine.name)


if __name__ == "__main__":
    main(sys.argv[1])
