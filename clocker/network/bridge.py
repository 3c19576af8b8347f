"""No overlay: containers of a single host on a bridge of its own. From elsewhere they are reached
by the ports that they publish."""

from __future__ import annotations

from clocker.model import Host, Net, Opening
from clocker.network.vxlan import VxlanNetwork


class BridgeNetwork(VxlanNetwork):
    """Of one network of a cloud, like VxlanNetwork on a host that is alone."""

    driver = "bridge"

    def of(self, net: Net) -> BridgeNetwork:
        return BridgeNetwork(self._spec, net)

    def openings(self) -> tuple[Opening, ...]:
        return ()

    def _is_alone(self, host: Host) -> bool:
        return True
