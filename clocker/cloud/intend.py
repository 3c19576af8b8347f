"""A host that is to be made, on record before any provider hears of it."""

from __future__ import annotations

from clocker.cloud import ledger
from clocker.cloud.leases import lease
from clocker.cloud.nets import lease_gateways
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostState, Offer


def intend_host(
    parts: Parts, tx: Transaction, provider: str = "", offer: Offer | None = None
) -> Host:
    """Store the intent to make one more host, before any provider hears of it. ``offer``: what
    it is expected to be; it is known for certain when it is made."""
    spec = parts.spec
    host_id = parts.new_id()
    name = f"{spec.name}-{host_id[:6]}"
    address = lease(parts, tx, f"host/{name}").address
    host = Host(
        id=host_id,
        name=name,
        provider=provider or spec.hosts.providers[0],
        state=HostState.REQUESTED,
        capacity=spec.hosts.shape,
        gateway=address,
        region=offer.region if offer else None,
        zone=offer.zone if offer else None,
        price_hour=offer.price_hour if offer else None,
        created_at=parts.clock(),
        work=ledger.new_work(parts, tx),
    )
    tx.put_host(host)
    lease_gateways(parts, tx, name)
    ledger.log(parts, tx, "host", name, "requested")
    return host
