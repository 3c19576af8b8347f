"""A cloud's networks and names, as its class offers them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clocker.cloud.defaults import SAMPLE
from clocker.deferred import modules

if TYPE_CHECKING:
    from clocker.cloud import attach, membership, names_check, network_check, networks
    from clocker.cloud.names_check import DnsReport
    from clocker.cloud.network_check import NetworkReport, NetworkStatus
    from clocker.cloud.networks import NetView
    from clocker.interfaces import Parts
    from clocker.model import Endpoint
else:
    globals().update(
        modules("clocker.cloud", "attach membership names_check network_check networks")
    )


class CloudNetworks:
    """The part of a Cloud that is about what joins its containers."""

    _parts: Parts

    def create_network(
        self, name: str, *, prefix: int | None = None, subnet: str | None = None
    ) -> NetView:
        """One more network on every host; its subnet is carved from the pool by its size, a
        prefix length (24), unless it is given."""
        networks.create(self._parts, name, prefix=prefix, subnet=subnet)
        return networks.view(self._parts, name)

    def remove_network(self, name: str) -> None:
        """Refused while containers are on it."""
        networks.remove(self._parts, name)

    def networks(self) -> tuple[NetView, ...]:
        """The default one, then the others by name."""
        return networks.views(self._parts)

    def network(self, name: str) -> NetView:
        return networks.view(self._parts, name)

    def attach(self, name: str, network: str, address: str | None = None) -> Endpoint:
        """Put a container, running or not, on one more network."""
        return attach.attach(self._parts, name, network, address=address)

    def detach(self, name: str, network: str) -> None:
        attach.detach(self._parts, name, network)

    def network_status(self) -> NetworkStatus:
        """Driver, peers and addresses in use, as every ready host says."""
        return network_check.status(self._parts)

    def check_network(self, sample: int = SAMPLE) -> NetworkReport:
        """Real packets between every pair of hosts and ``sample`` containers per network."""
        return network_check.check(self._parts, sample)

    def repair_network(self) -> None:
        """Tell every host its peers and names anew."""
        membership.sync(self._parts)

    def check_names(self) -> DnsReport:
        """What every ready host answers for every name."""
        return names_check.check_names(self._parts)
