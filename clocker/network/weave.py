"""Weave Net between the hosts: a bridge of its own on each, and a router that carries what comes
into it to the others. The containers stay on a Docker network of their own, which is joined to that
bridge; further networks are VXLAN inside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from hashlib import file_digest, scrypt, sha256
from ipaddress import IPv4Address
from pathlib import Path
from shlex import quote

from clocker.errors import CommandFailed, ConfigError
from clocker.interfaces import Shell
from clocker.model import CloudSpec, Host, LinkStatus, Net, Opening, Source
from clocker.network import verbs
from clocker.network.layout import Layout
from clocker.network.tunnel import Tunnel
from clocker.network.vxlan import VxlanNetwork
from clocker.network.wireguard import tunnel_address, tunnel_range
from clocker.templating import render

# Around each frame of a container: the headers of IP and UDP, the sleeve's own with the names of
# two peers, the frame's, and if encrypted the number and tag of NaCl. Fast datapath needs less.
OVERHEAD = {"none": 28 + 6 + 14 + 14, "password": 28 + 30 + 14 + 14}

PACKAGES = (
    ("curl", "curl", "curl"),
    ("ethtool", "ethtool", "ethtool"),
    ("nft", "nftables", "nftables"),
    ("ss", "iproute2", "iproute"),
)


@dataclass(frozen=True, slots=True)
class WeaveConnection:
    """``path``: fastdp or sleeve, empty while there is none. ``info``: what Weave says of it."""

    address: str
    state: str
    path: str
    encrypted: bool
    info: str


@dataclass(frozen=True, slots=True)
class WeaveReport:
    version: str
    name: str
    encrypted: bool
    targets: tuple[str, ...]
    connections: tuple[WeaveConnection, ...]


class WeaveNetwork(VxlanNetwork):
    """Of one network of a cloud, as VxlanNetwork: the default one, or ``net``."""

    driver = "weave"

    def __init__(self, spec: CloudSpec, net: Net | None = None) -> None:
        super().__init__(spec, net)
        if self._layout.is_default:
            self._template = "network/weave_bridge.sh.j2"

    def of(self, net: Net) -> WeaveNetwork:
        return WeaveNetwork(self._spec, net)

    def openings(self) -> tuple[Opening, ...]:
        """The peers' own conversation, packets by sleeve, and packets by the fast datapath."""
        port = self._spec.network.port
        return (
            Opening("tcp", port, port, Source.HOSTS),
            Opening("udp", port, port + 1, Source.HOSTS),
        )

    def supply(self, shell: Shell) -> None:
        """The password, and the image where it comes from no registry."""
        home, options = weave_home(self._spec.name), self._spec.network.weave
        there = f"mkdir -p {quote(home)} && chmod 700 {quote(home)} && ls -A {quote(home)}"
        found = verbs.run(shell, there, "looking for the image of Weave").split()
        if self._spec.network.encryption == "password":
            shell.put(f"{_password(self._spec)}\n".encode(), f"{home}/password", mode=0o600)
        if options.archive:
            name = f"{_digest(options.archive)}.tar"
            if name not in found:
                shell.put(Path(options.archive).read_bytes(), f"{home}/{name}", mode=0o600)

    def status(self, shell: Shell) -> LinkStatus:
        said = super().status(shell)
        if not self._layout.is_default or not said.device_mtu:
            return said
        report = self.report(shell)
        peers = {link.address for link in report.connections if link.state == "established"}
        encryption = "password" if report.encrypted else "none"
        return replace(said, encryption=encryption, peers=tuple(sorted(peers)))

    def report(self, shell: Shell) -> WeaveReport:
        """What the host's router says of itself and its connections."""
        command = f"{quote(Layout(self._spec.name).scripts)}/tunnel report"
        return parse_report(verbs.run(shell, command, "asking Weave for its report"))

    def _tunnel(self, host: Host) -> Tunnel:
        network, layout = self._spec.network, Layout(self._spec.name)
        archive = network.weave.archive
        values = {
            "layout": layout,
            "host": host.name,
            "underlay": host.address or "",
            "port": network.port,
            "peer_name": peer_name(host),
            "mac_prefix": mac_prefix(host.gateway),
            "image": network.weave.image,
            "archive": f"{_digest(archive)}.tar" if archive else "",
            "home": weave_home(self._spec.name),
            "password_mark": _mark(self._spec) if network.encryption == "password" else "",
            "overhead": OVERHEAD[network.encryption],
            "address": tunnel_address(host.gateway),
            "range": tunnel_range(network.pool),
        }
        return Tunnel(
            script=render("network/weave.sh.j2", values),
            unit=render("network/weave_unit.j2", values),
            encryption=network.encryption,
            inner_port=network.port + 2,  # Weave has the next one for its fast datapath
            packages=PACKAGES,
        )


def weave_home(cloud: str) -> str:
    return f"/var/lib/clocker/{cloud}-weave"


def peer_name(host: Host) -> str:
    """What the other peers know the host by: no other host ever has it. The form is that of a
    hardware address of nobody's."""
    digest = sha256(host.id.encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (digest[0] & 0xFC | 2, *digest[1:6]))


def mac_prefix(gateway: str) -> str:
    """What the hardware addresses of a host's containers begin with, on the way to other hosts:
    its own among 16384, of those that are nobody's."""
    number = int(IPv4Address(gateway)) & 0x3FFF
    return f"0x{number >> 8 << 2 | 2:02x}{number & 0xFF:02x}"


def parse_report(text: str) -> WeaveReport:
    try:
        said = json.loads(text)
        router = said["Router"]
        return WeaveReport(
            version=str(said["Version"]),
            name=str(router["Name"]),
            encrypted=bool(router["Encryption"]),
            targets=tuple(sorted(router["Targets"] or ())),
            connections=tuple(map(_connection, router["Connections"] or ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            "the report of Weave is not what was expected", status=0, tail=text[:500]
        ) from error


def _connection(said: dict[str, object]) -> WeaveConnection:
    attributes = said["Attrs"] if isinstance(said["Attrs"], dict) else {}
    return WeaveConnection(
        address=str(said["Address"]).rpartition(":")[0],
        state=str(said["State"]),
        path=str(attributes.get("name", "")),
        encrypted=bool(attributes.get("encrypted", False)),
        info=str(said["Info"]),
    )


def _password(spec: CloudSpec) -> str:
    if spec.network.weave.password:
        return spec.network.weave.password
    raise ConfigError(
        "the hosts have no password",
        where="network.weave.password",
        remedy="give one, or say encryption: none",
    )


def _mark(spec: CloudSpec) -> str:
    """Changes with the password, and costs too much for guessing at it."""
    return _stretched(_password(spec), spec.name)


@cache
def _stretched(password: str, salt: str) -> str:
    return scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1, dklen=8).hex()


def _digest(archive: str) -> str:
    try:
        seen = Path(archive).stat()
        return _digest_of(archive, seen.st_mtime_ns, seen.st_size)
    except OSError as error:
        raise ConfigError(
            f"the archive cannot be read: {error.strerror}", where="network.weave.archive"
        ) from error


@cache
def _digest_of(archive: str, _changed: int, _size: int) -> str:
    with Path(archive).open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:32]
