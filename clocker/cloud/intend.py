"""A host that is to be made, on record before any provider hears of it."""

from __future__ import annotations

from clocker.cloud import ledger
from clocker.cloud.decide import imagined
from clocker.cloud.leases import lease
from clocker.cloud.nets import lease_gateways
from clocker.interfaces import Parts, Transaction
from clocker.model import ContainerRequest, Host, HostState, Offer, Wishes


def intend_host(
    parts: Parts, tx: Transaction, provider: str = "", offer: Offer | None = None
) -> Host:
    """Store the intent to make one more host, for nothing in particular, before any provider
    hears of it. ``offer``: what it is expected to be; it is known for certain when it is made."""
    pool = parts.spec.hosts
    offers = {offer.provider: offer} if offer else {}
    places = {host.provider: host for host in imagined(pool, offers, ContainerRequest(""))}
    return intend(parts, tx, places[provider or pool.providers[0]])


def intend(parts: Parts, tx: Transaction, like: Host) -> Host:
    """The same for a host that was only imagined."""
    spec = parts.spec
    wishes = like.wishes or Wishes(spec.hosts.shape)
    host_id = parts.new_id()
    name = f"{spec.name}-{host_id[:6]}"
    address = lease(parts, tx, f"host/{name}").address
    host = Host(
        id=host_id,
        name=name,
        provider=like.provider,
        state=HostState.REQUESTED,
        capacity=wishes.resources,
        gateway=address,
        region=like.region,
        zone=like.zone,
        price_hour=like.price_hour,
        labels=like.labels,
        wishes=wishes,
        created_at=parts.clock(),
        work=ledger.new_work(parts, tx),
    )
    tx.put_host(host)
    lease_gateways(parts, tx, name)
    ledger.log(parts, tx, "host", name, "requested")
    return host
