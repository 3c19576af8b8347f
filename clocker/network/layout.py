"""What a network of a cloud is called on its hosts: paths, devices, units. Pure, and the same
for ever: a host that was made by an older Clocker must still be understood."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from clocker.model.network import DEFAULT_NETWORK

LOCK = "/run/clocker.lock"
"""Held by whoever changes a host: one bootstrap at a time, whichever the cloud."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Of the network ``net``; the default one's is also where the cloud's own things are."""

    cloud: str
    net: str = DEFAULT_NETWORK

    @property
    def id(self) -> str:
        """No name of a cloud or network has a dot in it."""
        return self.cloud if self.is_default else f"{self.cloud}.{self.net}"

    @property
    def is_default(self) -> bool:
        return self.net == DEFAULT_NETWORK

    @property
    def zone(self) -> str:
        """The DNS zone of the network's containers."""
        return f"{self.cloud}.clocker" if self.is_default else f"{self.net}.{self.cloud}.clocker"

    @property
    def etc(self) -> str:
        return f"/etc/clocker/{self.id}"

    @property
    def scripts(self) -> str:
        """The scripts of the steps, each with a verb ``check`` that fails when what the step
        made is no longer there."""
        return f"/usr/local/lib/clocker/{self.id}"

    @property
    def members(self) -> str:
        """The hosts of the cloud: one file for all of its networks."""
        return f"/etc/clocker/{self.cloud}/members"

    @property
    def network(self) -> str:
        """The Docker network's name."""
        return f"clocker-{self.id}"

    @property
    def bridge(self) -> str:
        """Short enough for the kernel (15), whatever the cloud's name."""
        return f"ck-{self._hash}"

    @property
    def device(self) -> str:
        return f"cv-{self._hash}"

    @property
    def tunnel(self) -> str:
        """The WireGuard device, one for all networks of the cloud."""
        return f"cw-{sha256(self.cloud.encode()).hexdigest()[:8]}"

    @property
    def chain(self) -> str:
        """Of the packet filter: what keeps the cloud's networks apart."""
        return f"CLOCKER-{self._hash}"

    @property
    def vni(self) -> int:
        """24 bits; neither 0 nor Docker Swarm's first ones, which begin at 4096."""
        return 0x10000 + int(self._hash, 16) % (2**24 - 0x10000)

    @property
    def network_unit(self) -> str:
        return f"clocker-{self.id}-network.service"

    @property
    def tunnel_unit(self) -> str:
        return f"clocker-{self.cloud}-tunnel.service"

    @property
    def names_unit(self) -> str:
        return f"clocker-{self.id}-dnsmasq.service"

    @property
    def pid_file(self) -> str:
        return f"/run/clocker-{self.id}-dnsmasq.pid"

    @property
    def _hash(self) -> str:
        whole = self.cloud if self.is_default else f"{self.cloud}/{self.net}"
        return sha256(whole.encode()).hexdigest()[:8]
