"""Asks a host, in one round trip, what it was last made into."""

from __future__ import annotations

from dataclasses import dataclass, field

from clocker.bootstrap.markers import tunnel_key
from clocker.errors import CommandFailed
from clocker.interfaces import Shell
from clocker.network.layout import Layout
from clocker.network.membership import membership_hash
from clocker.templating import render

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class HostStamp:
    """``bootstrap``: the stamp; None when the bootstrap has not ended, or when something that it
    made is no longer there. ``membership``: hash of the members that the host knows.
    ``networks``: name, subnet and the host's own address of each further network."""

    bootstrap: str | None = None
    membership: str | None = None
    facts: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def tunnel_key(self) -> str | None:
        return tunnel_key(self.facts)

    networks: tuple[tuple[str, str, str], ...] = field(default=(), compare=False)


def check(shell: Shell, cloud: str) -> HostStamp:
    script = render("bootstrap/check.sh.j2", {"layout": Layout(cloud)})
    result = shell.run("sh -s", stdin=script.encode(), timeout_s=_TIMEOUT_S)
    if not result.ok:
        tail = result.stderr.decode(errors="replace").strip()
        raise CommandFailed("the host cannot be checked", status=result.status, tail=tail)
    stamp, members, facts, networks = None, None, {}, []
    for line in result.text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "bootstrap":
            stamp = rest
        elif word == "membership":
            members = membership_hash(rest)
        elif word == "fact":
            key, _, facts[key] = rest.partition(" ")
        elif word == "network":
            name, subnet, gateway = rest.split()[:3]
            networks.append((name, subnet, gateway))
    return HostStamp(stamp, members, facts, tuple(networks))
