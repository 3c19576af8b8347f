"""Real hosts for tests of what runs on hosts: nodes on an internal network of this machine,
reached through the engine's exec instead of SSH."""

from __future__ import annotations

import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import docker

from clocker.addressing import mac_of
from clocker.bootstrap.host import run_script
from clocker.bootstrap.markers import tunnel_key
from clocker.bootstrap.plan import BootstrapPlan, plan
from clocker.interfaces import Names, Network, Record
from clocker.model import CloudSpec, Host, HostState, NodePool, Resources, Result, SshAccess
from clocker.network import open_names, open_network
from clocker.providers.node_image import ensure_node_image
from clocker.providers.system_container import machine_options
from clocker.remote.files import put_file
from clocker.testing.watching import RecordingProgress

RECORDS = (Record("one", "10.210.1.1"), Record("two", "10.210.1.2"), Record("three", "10.210.1.3"))
"""Of the containers, one on each of three hosts."""

# What containers need here, taken from the node itself: no image has to come from anywhere.
_IMAGE = """
set -e
cd "$(mktemp -d)"
for file in /bin/sh /bin/cat /bin/ping /bin/sleep /usr/bin/getent; do
    for part in "$file" $(ldd "$file" | grep -o '/[^ ]*'); do
        mkdir -p ".${part%/*}"
        cp -L "$part" ".$part"
    done
done
mkdir -p etc tmp proc
tar -c . | docker import -c 'CMD ["sleep","1000000"]' - tiny
"""


_TRACES = """
ip -br link | grep -v '^veth' | cut -d' ' -f1; ip route
for table in raw mangle filter nat; do
    iptables -w -t $table -S | grep -i -e clocker -e c[kvw]- -e weave
done
nft list tables; docker network ls --format '{{.Name}}'; docker ps -aq; docker images -q
ls -A /etc/systemd/system /run /usr/local/lib /etc/clocker; pgrep -l 'dnsmasq|wireguard|weave'
"""


class ExecShell:
    """See ``clocker.interfaces.Shell``; ``calls`` counts the round trips, ``said`` is all that
    went there."""

    def __init__(self, node: str) -> None:
        self._node = node
        self.calls = 0
        self.said: list[str] = []

    def run(
        self,
        command: str,
        *,
        stdin: bytes | None = None,
        timeout_s: float | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Result:
        self.calls += 1
        self.said += [command, (stdin or b"").decode(errors="replace")]
        process = subprocess.Popen(
            ["docker", "exec", "-i", self._node, "sh", "-c", command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin and process.stdout and process.stderr
        errors: list[bytes] = []
        feeder = threading.Thread(target=_feed, args=(process, stdin or b""))
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        feeder.start()
        reader.start()
        output = []
        for line in process.stdout:
            output.append(line)
            if on_line:
                on_line(line.decode(errors="replace").rstrip("\n"))
        feeder.join()
        reader.join()
        return Result(process.wait(), b"".join(output), errors[0])

    def put(self, data: bytes, path: str, *, mode: int = 0o644) -> None:
        put_file(self, data, path, mode, self._node)


def _feed(process: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        process.stdin.write(data)
        process.stdin.close()
    except BrokenPipeError:
        pass


class InnerHost:
    def __init__(self, node: str, number: int, address: str, spec: CloudSpec) -> None:
        self.node = node
        self.spec = spec
        self.shell = ExecShell(node)
        self.host = Host(
            id=f"id-{number}",
            name=f"{spec.name}-{number}",
            provider="local",
            state=HostState.READY,
            capacity=Resources(),
            gateway=f"10.210.0.{number}",
            address=address,
            access=SshAccess(address),
            created_at=float(number),
        )

    @property
    def network(self) -> Network:
        return open_network(self.spec)

    @property
    def names(self) -> Names:
        return open_names(self.spec)

    @property
    def plan(self) -> BootstrapPlan:
        steps = (self.network.step(self.host), self.names.step(self.host))
        return plan(self.spec, self.host, steps)

    def bootstrap(self) -> dict[str, str]:
        self.network.supply(self.shell)
        facts = run_script(self.shell, self.plan, self.host.name, RecordingProgress(), 300)
        self.host = replace(self.host, tunnel_key=tunnel_key(facts))
        return facts

    def run(self, command: str) -> str:
        result = self.shell.run(command)
        assert result.ok, f"{command}: {result.text}{result.stderr.decode()}"
        return result.text.strip()

    def fails(self, command: str) -> bool:
        return not self.shell.run(command).ok

    def make_image(self) -> None:
        result = self.shell.run("sh -s", stdin=_IMAGE.encode())
        assert result.ok, result.stderr

    def start(self, name: str, address: str) -> None:
        etc = f"/etc/clocker/{self.spec.name}"
        self.run(
            f"docker run -d --name {name} --hostname {name} --network clocker-{self.spec.name} "
            f"--ip {address} --mac-address {mac_of(address)} --restart unless-stopped "
            f"-v {etc}/resolv.conf:/etc/resolv.conf:ro tiny"
        )

    def resolve(self, container: str, name: str) -> str:
        """The first line of what getent says in the container; empty when it finds nothing."""
        said = self.shell.run(f"docker exec {container} getent ahostsv4 {name}").text.split()
        return said[0] if said else ""

    def reverse(self, container: str, address: str) -> str:
        said = self.shell.run(f"docker exec {container} getent hosts {address}").text.split()
        return said[1] if said else ""

    def reaches(self, container: str, target: str) -> bool:
        return self.shell.run(f"docker exec {container} ping -c 1 -w 3 {target}").ok

    def interface(self, container: str, what: str) -> str:
        """An attribute (mtu, address) of a container's only interface."""
        return self.run(f"docker exec {container} sh -c 'cat /sys/class/net/eth*/{what}'")

    def traces(self) -> set[str]:
        """All that a cloud could leave on a host, as lines."""
        return {line for line in self.shell.run(_TRACES).text.splitlines() if line.strip()}


def tell(members: Sequence[InnerHost], also: Sequence[InnerHost] = ()) -> str:
    """Let the members, and ``also`` others, know exactly the members."""
    text = members[0].network.membership([member.host for member in members])
    for host in (*members, *also):
        host.network.sync(host.shell, text)
    return text


@contextmanager
def inner_hosts(count: int, cloud: str = "test") -> Iterator[list[InnerHost]]:
    """Fresh machines without an engine; nothing of them is left afterwards."""
    client = docker.from_env()
    image = ensure_node_image(client)
    prefix = f"innerhost-{secrets.token_hex(3)}"
    network = client.networks.create(prefix, internal=True)
    nodes = []
    try:
        for number in range(1, count + 1):
            nodes.append(_start_node(client, image, prefix, number))
        spec = CloudSpec(cloud, NodePool(("local",)))
        yield [
            InnerHost(node, number, _address(client, node, prefix), spec)
            for number, node in enumerate(nodes, 1)
        ]
    finally:
        for node in nodes:
            client.api.remove_container(node, force=True, v=True)
            client.api.remove_volume(f"{node}-docker", force=True)
        network.remove()
        client.close()


def _start_node(client: docker.DockerClient, image: str, prefix: str, number: int) -> str:
    node = f"{prefix}-{number}"
    options = machine_options(client, image)
    volume = [f"{node}-docker:/var/lib/docker"]
    client.api.create_container(
        image,
        name=node,
        hostname=node,
        host_config={**options, "NetworkMode": prefix, "Binds": volume},
        networking_config=client.api.create_networking_config(
            {prefix: client.api.create_endpoint_config()}
        ),
    )
    client.api.start(node)
    await_true(lambda: ExecShell(node).run("systemctl is-system-running | grep -q .").ok)
    return node


def _address(client: docker.DockerClient, node: str, network: str) -> str:
    seen = client.api.inspect_container(node)
    return str(seen["NetworkSettings"]["Networks"][network]["IPAddress"])


def await_true(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.05)
