"""What carries a cloud's overlay networks from host to host, where they do not do it themselves."""

from __future__ import annotations

from dataclasses import dataclass

Package = tuple[str, str, str]
"""The command that tells whether a package is there; its names for Debian and for Red Hat."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """``script`` and ``unit`` are left on the host by ``network/tunnel_step.sh.j2``; the script's
    verbs are those of ``network/wireguard.sh.j2``. ``inner_port``: UDP, of the overlays inside.
    ``encryption``: what encrypts, or none."""

    script: str
    unit: str
    encryption: str
    inner_port: int
    packages: tuple[Package, ...] = ()
