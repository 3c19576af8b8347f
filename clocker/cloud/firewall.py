"""What the hosts' firewall must let through, at providers that have one."""

from __future__ import annotations

from clocker.cloud.host_ports import CHOSEN_PORTS
from clocker.interfaces import Parts
from clocker.model import Opening, Source

_SSH = Opening("tcp", 22, 22, Source.CONTROLLER)


def openings(parts: Parts) -> tuple[Opening, ...]:
    """SSH from here, the engines where they listen, what the network's driver needs among the
    hosts, and the ports that containers publish, which a provider opens only where its entry says
    so."""
    first, last = CHOSEN_PORTS[0], CHOSEN_PORTS[-1]
    published = [Opening(protocol, first, last, Source.ANYONE) for protocol in ("tcp", "udp")]
    engine = parts.spec.engine
    listening = engine.access == "tls"
    tls = [Opening("tcp", engine.port, engine.port, Source.CONTROLLER)] if listening else []
    return (_SSH, *tls, *parts.network.openings(), *published)
