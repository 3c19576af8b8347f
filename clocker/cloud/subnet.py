"""What a changed subnet means for hosts, whose addresses are theirs for as long as they live."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from clocker.cloud import ledger
from clocker.errors import BadInput
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostState


def abandon_strays(parts: Parts) -> None:
    """Have hosts deleted that were given an address of another subnet and never became ready, as
    when the document was wrong. BadInput when some are in use."""
    with parts.store.read() as tx:
        if not _strays(parts, tx):
            return
    with parts.store.transaction() as tx:
        strays = _strays(parts, tx)
        used = [host for host in strays if host.stamp is not None]
        if used:
            hosts = f"{len(used)} host{'s' * (len(used) > 1)}"
            raise BadInput(
                f"it is {parts.spec.network.subnet} now, but {hosts} are in use with addresses of "
                "another",
                where="network.subnet",
                remedy="set it back; or take the cloud down, and up again",
            )
        for host in strays:
            if ledger.is_abandoned(parts, host.work):
                tx.put_host(replace(host, state=HostState.DELETING, work=None))


def _strays(parts: Parts, tx: Transaction) -> list[Host]:
    subnet = IPv4Network(parts.spec.network.subnet)
    return [
        host
        for host in tx.hosts()
        if host.state not in (HostState.DELETING, HostState.LOST)
        and IPv4Address(host.gateway) not in subnet
    ]
