"""Local hosts are machines: as one would find them at a cloud, and with no way out."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clocker.errors import ProviderError
from clocker.interfaces import Provider
from clocker.model import HostRequest, Node, ProviderEntry, Resources
from clocker.providers import open_provider
from clocker.providers.docker_engine import open_engine
from clocker.providers.local_driver import LocalNodeDriver
from clocker.testing import RecordingProgress

pytestmark = pytest.mark.hosts

OFFLINE_INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y docker.io dnsmasq-base"


@dataclass(frozen=True)
class Site:
    cloud: str
    provider: Provider
    folder: Path

    def key(self, name: str) -> Path:
        path = self.folder / name
        if not path.exists():
            subprocess.run(
                ["ssh-keygen", "-qt", "ed25519", "-N", "", "-C", "", "-f", path], check=True
            )
        return path

    def request(self, host: str) -> HostRequest:
        user_data = "\n".join(
            [
                "#cloud-config",
                f"hostname: {host}",
                "ssh_keys:",
                "  ed25519_private: |",
                textwrap.indent(self.key(f"host-{host}").read_text(), "    "),
                f"  ed25519_public: {self.public(f'host-{host}')}",
                "ssh_authorized_keys:",
                f"  - {self.public('user')}",
            ]
        )
        return HostRequest(
            id=f"{self.cloud}-{host}",
            cloud=self.cloud,
            name=host,
            resources=Resources(),
            provider="local",
            tags={"team": "blue"},
            user_data=user_data,
            timeout_s=120,
        )

    def public(self, name: str) -> str:
        return self.key(name).with_suffix(".pub").read_text().strip()

    def ssh(self, node: Node, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """By OpenSSH, which accepts exactly the host key that the user data has brought."""
        assert node.access is not None
        address = node.access.address
        until(lambda: answers(address))
        known = self.folder / f"known-{host}"
        known.write_text(f"{address} {self.public(f'host-{host}')}\n")
        options = ["StrictHostKeyChecking=yes", f"UserKnownHostsFile={known}", "BatchMode=yes"]
        return subprocess.run(
            [
                *("ssh", "-F", "none", "-i", str(self.key("user"))),
                *(part for option in options for part in ("-o", option)),
                *(f"root@{address}", command),
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def answers(address: str) -> bool:
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "this did not become true in time"
        time.sleep(0.05)


def leftovers(cloud: str) -> list[str]:
    """All of the engine's objects that are this cloud's, or on its network."""
    engine = open_engine()
    label = {"label": f"clocker-cloud={cloud}"}
    return [
        *(c.name for c in engine.containers.list(all=True, filters=label) if c.name),
        *(v.name for v in engine.volumes.list(filters=label)),
        *(n.name for n in engine.networks.list(names=[f"prov-{cloud}"]) if n.name),
    ]


def entry_of(cloud: str) -> ProviderEntry:
    return ProviderEntry("local", "local", options={"network": f"prov-{cloud}", "internal": True})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    cloud = f"ce{uuid.uuid4().hex[:8]}"
    provider = open_provider(entry_of(cloud), RecordingProgress())
    yield Site(cloud, provider, tmp_path)
    for node in provider.list(cloud):
        provider.release(node.id)
    provider.clean(cloud)


def test_two_hosts_are_machines_without_an_engine_that_install_one_offline(site: Site) -> None:
    nodes = {host: site.provider.obtain(site.request(host)) for host in ("h1", "h2")}

    for host, node in nodes.items():
        ran = site.ssh(
            node, host, "hostname; cat /proc/1/comm; command -v dockerd docker containerd"
        )
        assert ran.stdout == f"{host}\nsystemd\n", ran.stderr
        assert node.tags["team"] == "blue"
    other = nodes["h2"].private_address
    assert site.ssh(nodes["h1"], "h1", f"ping -c 1 -W 5 {other}").returncode == 0
    away = site.ssh(nodes["h1"], "h1", "ping -c 1 -W 2 192.0.2.1")
    assert away.returncode != 0, "an internal network must have no way out"

    installed = site.ssh(nodes["h1"], "h1", OFFLINE_INSTALL)
    assert installed.returncode == 0, installed.stdout + installed.stderr
    asked = site.ssh(nodes["h1"], "h1", "docker version --format '{{.Server.Version}}'; dnsmasq -v")
    assert asked.returncode == 0, asked.stderr
    assert not site.ssh(nodes["h2"], "h2", "command -v dockerd").stdout

    for node in nodes.values():
        site.provider.release(node.id)
    site.provider.clean(site.cloud)
    assert leftovers(site.cloud) == []


def test_a_host_answers_with_no_other_key(site: Site) -> None:
    node = site.provider.obtain(site.request("h1"))
    assert node.access is not None
    until(lambda: answers(node.access.address if node.access else ""))

    scanned = subprocess.run(
        ["ssh-keyscan", "-T", "10", node.access.address], capture_output=True, text=True, check=True
    )

    keys = [line.split(" ", 1)[1] for line in scanned.stdout.splitlines() if line[0] != "#"]
    assert keys == [site.public("host-h1")]


def test_a_subnet_that_another_network_has_is_named_with_the_remedy(site: Site) -> None:
    site.provider.obtain(site.request("h1"))
    (network,) = open_engine().api.networks(names=[f"prov-{site.cloud}"])
    subnet = network["IPAM"]["Config"][0]["Subnet"]
    other = f"{site.cloud}-other"
    options = {"network": f"prov-{other}", "internal": True, "subnet": subnet}
    provider = open_provider(ProviderEntry("local", "local", options=options), RecordingProgress())

    with pytest.raises(ProviderError, match=f"no network with the subnet {subnet}") as refused:
        provider.obtain(replace(site.request("h2"), cloud=other, id=f"{other}-h2"))

    assert "`subnet`" in str(refused.value.remedy)
    assert not provider.list(other)


def test_no_secret_shows_in_the_container(site: Site) -> None:
    site.provider.obtain(site.request("h1"))
    engine = open_engine()

    shown = str(engine.api.inspect_container(f"{site.cloud}-h1"))

    assert "PRIVATE" not in shown
    assert site.key("host-h1").read_text().splitlines()[1] not in shown


def test_a_host_keeps_its_address_and_key_while_it_is_stopped(site: Site) -> None:
    node = site.provider.obtain(site.request("h1"))
    site.ssh(node, "h1", "echo kept > /root/file")
    driver = LocalNodeDriver(network=f"prov-{site.cloud}", internal=True)
    (machine,) = driver.list_nodes(ex_filters={"clocker-cloud": site.cloud})
    driver.stop_node(machine)
    site.provider.obtain(site.request("h2"))

    again = site.provider.obtain(site.request("h1"))

    assert again.access == node.access
    assert site.ssh(again, "h1", "cat /root/file").stdout == "kept\n"
    driver.reboot_node(machine)
    assert site.ssh(again, "h1", "cat /root/file").stdout == "kept\n"


@pytest.mark.parametrize("call", ["create_container", "put_archive", "start", "remove_container"])
def test_killed_after_any_call_the_same_obtain_converges(site: Site, call: str) -> None:
    """Killed right after this call to the engine returned, as nobody could have foreseen."""
    child = subprocess.run(
        [sys.executable, "-c", KILLED, site.cloud, call],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr

    node = site.provider.obtain(site.request("h1"))

    assert [n.id for n in site.provider.list(site.cloud)] == [node.id]
    assert site.ssh(node, "h1", "true").returncode == (255 if call == "start" else 0)
    site.provider.release(node.id)
    site.provider.clean(site.cloud)
    assert leftovers(site.cloud) == []


# The child's own obtain brings no user data: a host adopted after `start` is the child's, and
# refuses our key, while one made anew accepts it.
KILLED = """
import os, signal, sys
from docker.api.client import APIClient
from clocker.model import HostRequest, ProviderEntry, Resources
from clocker.providers import open_provider
from clocker.testing import RecordingProgress

cloud, call = sys.argv[1:]
options = {"network": f"prov-{cloud}", "internal": True}
provider = open_provider(ProviderEntry("local", "local", options=options), RecordingProgress())
real = getattr(APIClient, call)

def killed(self, *args, **kwargs):
    answer = real(self, *args, **kwargs)
    if not str(kwargs.get("name", "")).startswith("clocker-probe") and armed(self, args):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

def armed(client, args):
    return bool(client.volumes(filters={"label": f"clocker-cloud={cloud}"})["Volumes"])

setattr(APIClient, call, killed)
node = provider.obtain(
    HostRequest(f"{cloud}-h1", cloud, "h1", Resources(), "local", tags={"team": "blue"})
)
provider.release(node.id)
"""


def test_sizes_limit_a_host(site: Site) -> None:
    request = HostRequest(
        f"{site.cloud}-s", site.cloud, "s", Resources(cores=1, ram_mb=800), "local"
    )
    site.provider.obtain(request)

    limits = open_engine().api.inspect_container(f"{site.cloud}-s")["HostConfig"]

    assert limits["NanoCpus"] == 1_000_000_000
    assert limits["Memory"] == 1024 * 1024 * 1024
    assert limits["RestartPolicy"]["Name"] in ("", "no")
