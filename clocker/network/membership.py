"""The hosts of a cloud as one text, the same on each of them.

The first line carries a hash of the others, so that a host can tell a whole text from one that
a broken connection cut short, and Clocker can tell with one look whether a host is up to date.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from hashlib import sha256

from clocker.model import Host, Lease

_HEADER = "# clocker-members "


def membership(
    hosts: Sequence[Host], servers: Collection[str], gateways: Sequence[Lease] = ()
) -> str:
    """One line per host: name, underlay address, gateway, role, and its key of the tunnel or a
    dash. ``servers``: ids of the hosts
    that are authoritative for names. ``gateways``: the hosts' addresses on further networks,
    each a line: #net, network, host, address."""
    members = {f"host/{host.name}": host.name for host in hosts if host.address}
    lines = [
        f"#net {lease.network} {members[lease.owner]} {lease.address}\n"
        for lease in gateways
        if lease.owner in members
    ]
    lines += [_line(host, host.id in servers) for host in hosts if host.address]
    body = "".join(sorted(lines))
    return f"{_HEADER}{_hash(body)}\n{body}"


def membership_hash(text: str) -> str | None:
    """The hash that a membership text, or only its first line, carries."""
    first = text.partition("\n")[0]
    return first.removeprefix(_HEADER).strip() if first.startswith(_HEADER) else None


def _line(host: Host, server: bool) -> str:
    role = "server" if server else "client"
    return f"{host.name} {host.address} {host.gateway} {role} {host.tunnel_key or '-'}\n"


def _hash(body: str) -> str:
    return sha256(body.encode()).hexdigest()[:16]
