"""One layer-2 network over all hosts: on each a Docker bridge in the same subnet, and a VXLAN
device in it that floods what it does not know to every peer, by unicast."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from clocker.interfaces import Shell, Step
from clocker.model import (
    DEFAULT_NETWORK,
    Attachment,
    CloudSpec,
    Container,
    Host,
    Lease,
    LinkStatus,
    Net,
    Opening,
    Source,
    Volume,
)
from clocker.network import verbs, wireguard
from clocker.network.dnsmasq import DnsmasqNames
from clocker.network.layout import LOCK, Layout
from clocker.network.membership import membership
from clocker.network.tunnel import Package, Tunnel
from clocker.templating import render

# The command that tells whether a package is there; its names for Debian and for Red Hat.
_PACKAGES = (
    ("ip", "iproute2", "iproute"),
    ("iptables", "iptables", "iptables"),
    ("nsenter", "util-linux", "util-linux"),
)
_FILTER_SWITCH = "/proc/sys/net/bridge/bridge-nf-call-iptables"
_ARPING = ("arping", "iputils-arping", "iputils")


class VxlanNetwork:
    """Of one network of a cloud: the default one, or ``net``."""

    driver = "vxlan"
    _template = "network/vxlan.sh.j2"

    def __init__(self, spec: CloudSpec, net: Net | None = None) -> None:
        self._spec = spec
        self._layout = Layout(spec.name, net.name if net else DEFAULT_NETWORK)
        self._subnet = net.subnet if net else spec.network.subnet

    def of(self, net: Net) -> VxlanNetwork:
        return VxlanNetwork(self._spec, net)

    def openings(self) -> tuple[Opening, ...]:
        port = self._spec.network.port
        return (Opening("udp", port, port, Source.HOSTS),)

    def step(self, host: Host) -> Step:
        """A host that is this very machine is the cloud's only one: it gets no VXLAN device."""
        alone = self._is_alone(host)
        tunnel = None if alone else self._tunnel(host)
        network = self._spec.network
        script = {
            "layout": self._layout,
            "host": host.name,
            "underlay": "" if alone else host.address or "",
            "pool": network.pool,
            "inside": wireguard.tunnel_range(network.pool),
            "subnet": self._subnet,
            "gateway": host.gateway,
            "port": tunnel.inner_port if tunnel else network.port,
            "tunnel": Layout(self._spec.name).scripts + "/tunnel" if tunnel else "",
            "encryption": tunnel.encryption if tunnel else "none",
            "filter_switch": _FILTER_SWITCH,
            # This machine's own settings stay; and without its proxy the engine reaches published
            # ports from their own bridge by its rules alone.
            "filtered": alone or self._spec.engine.options.get("userland-proxy") is False,
        }
        values = {
            "layout": self._layout,
            "packages": _packages(alone, tunnel),
            "tunnel": tunnel if self._layout.is_default else None,
            "host_script": render(self._template, script),
            "unit": render("network/unit.j2", script),
            "net": verbs.net_line(self._layout, self._subnet, host.gateway),
        }
        return Step(verbs.step_name("network", self._layout), "network/step.sh.j2", values)

    def supply(self, shell: Shell) -> None:
        """All that is needed comes with the step."""

    def _tunnel(self, host: Host) -> Tunnel | None:
        """It carries all networks: the default one's step makes it."""
        return wireguard.tunnel(self._spec, host) if wireguard.is_encrypted(self._spec) else None

    def _is_alone(self, host: Host) -> bool:
        return host.access is not None and host.access.local

    def prune(self, keep: Sequence[Net]) -> Step:
        known = sorted(f"{net.name},{net.subnet}" for net in keep)
        values = {"layout": self._layout, "keep": known}
        return Step("networks", "network/prune.sh.j2", values)

    def membership(self, hosts: Sequence[Host], gateways: Sequence[Lease] = ()) -> str:
        servers = {host.id for host in DnsmasqNames(self._spec).servers(hosts)}
        return membership(hosts, servers, gateways)

    def sync(self, shell: Shell, membership: str) -> None:
        command = f"{quote(self._layout.scripts)}/network sync"
        verbs.run(shell, command, "telling the host of its peers", stdin=membership)

    def status(self, shell: Shell) -> LinkStatus:
        command = f"{quote(self._layout.scripts)}/network status"
        said = verbs.run(shell, command, "asking for the network's state")
        return verbs.link_status(self.driver, said)

    def attachment(self, container: Container) -> Attachment:
        """With a resolv.conf of its own, or Docker's embedded resolver would answer first."""
        resolv = Volume(f"{self._layout.etc}/resolv.conf", "/etc/resolv.conf", read_only=True)
        return Attachment(self._layout.network, container.address, container.mac, (resolv,))

    def announce(self, shell: Shell, container: Container, pid: int) -> None:
        """Every bridge on the way learns the new port from it. arping waits a second for answers
        that nobody needs: it is left to do so alone. A host without it has no peers."""
        enter = f"nsenter -t {pid:d} -n"
        address = quote(container.address)
        command = (
            f"device=$({enter} ip -o -4 address show to {address} | awk '{{ print $2; exit }}') && "
            f"if command -v arping >/dev/null; then {enter} arping -q -U -c 2 -w 2 "
            f'-I "${{device:-eth0}}" {address} </dev/null >/dev/null 2>&1 & fi'
        )
        verbs.run(shell, command, f"announcing the address of {container.name}")

    def leave(self, shell: Shell) -> None:
        values = {
            "layout": self._layout,
            "pool": self._spec.network.pool,
            "lock": LOCK,
            "filter_switch": _FILTER_SWITCH,
        }
        script = render("network/leave.sh.j2", values)
        verbs.run(shell, "sh -s", "removing the cloud's network", stdin=script)


def _packages(alone: bool, tunnel: Tunnel | None) -> tuple[Package, ...]:
    peers = () if alone else (_ARPING,)
    return (*_PACKAGES, *peers, *(tunnel.packages if tunnel else ()))
