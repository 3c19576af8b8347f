from __future__ import annotations

from dataclasses import dataclass

from clocker.errors import Unreachable
from clocker.model import Host


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a machine answers SSH and as whom Clocker comes. ``alias``: its name in the cloud's
    known_hosts, which outlives its address."""

    name: str
    alias: str
    address: str
    port: int
    user: str
    key_path: str
    host_keys: tuple[str, ...] = ()

    @classmethod
    def of(cls, host: Host, key_path: str) -> Endpoint:
        if host.access is None:
            raise Unreachable(
                "it has no address yet", where=host.name, remedy="finish its making: clocker up"
            )
        access = host.access
        return cls(
            host.name, host.id, access.address, access.port, access.user, key_path, access.host_keys
        )

    @property
    def where(self) -> str:
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.name} ({place}:{self.port})"
