"""What a transaction asks, in the same words of every database; where these differ, see
``clocker.store.tables``. Made once, not for each call."""

from __future__ import annotations

from sqlalchemy import BindParameter, Text, bindparam, delete, func, insert, select, text

from clocker.store.tables import (
    applications,
    containers,
    events,
    hosts,
    leases,
    networks,
    ports,
    settings,
    tokens,
)

CLOUD: BindParameter[str] = bindparam("cloud", type_=Text)
ALL_HOSTS = select(hosts.c.body).where(hosts.c.cloud == CLOUD)
HOST = ALL_HOSTS.where(hosts.c.id == bindparam("id"))
DROP_HOST = delete(hosts).where(hosts.c.cloud == CLOUD, hosts.c.id == bindparam("id"))
ALL_CONTAINERS = select(containers.c.body).where(containers.c.cloud == CLOUD)
CONTAINER = ALL_CONTAINERS.where(containers.c.name == bindparam("name"))
DROP_CONTAINER = delete(containers).where(
    containers.c.cloud == CLOUD, containers.c.id == bindparam("id")
)
DROP_PORTS = delete(ports).where(ports.c.cloud == CLOUD, ports.c.container_id == bindparam("id"))
ALL_LEASES = select(leases.c.network, leases.c.address, leases.c.owner, leases.c.released_at).where(
    leases.c.cloud == CLOUD
)
HELD_LEASES = ALL_LEASES.where(leases.c.released_at.is_(None))
COUNT_HELD = select(func.count()).where(leases.c.cloud == CLOUD, leases.c.released_at.is_(None))
RELEASED_LEASES = ALL_LEASES.where(leases.c.released_at.is_not(None))
LEASE_OWNER = select(leases.c.owner).where(
    leases.c.cloud == CLOUD,
    leases.c.network == bindparam("network"),
    leases.c.address == bindparam("address"),
)
ALL_NETWORKS = select(networks.c.body).where(networks.c.cloud == CLOUD)
NETWORK = ALL_NETWORKS.where(networks.c.name == bindparam("name"))
DROP_NETWORK = delete(networks).where(
    networks.c.cloud == CLOUD, networks.c.name == bindparam("name")
)
DROP_LEASES_OF_NETWORK = delete(leases).where(
    leases.c.cloud == CLOUD, leases.c.network == bindparam("name")
)
# As text: SQLAlchemy's update() takes a parameter called like a column for a new value.
RELEASE_LEASES = text(
    f"UPDATE {leases.name} SET released_at = :at"  # noqa: S608 - only the table's name
    " WHERE cloud = :cloud AND owner = :owner AND released_at IS NULL"
)
RELEASE_LEASE = text(f"{RELEASE_LEASES} AND network = :network")
FORGET_LEASES = delete(leases).where(
    leases.c.cloud == CLOUD, leases.c.released_at < bindparam("before")
)
ALL_APPLICATIONS = select(applications.c.body).where(applications.c.cloud == CLOUD)
APPLICATION = ALL_APPLICATIONS.where(applications.c.name == bindparam("name"))
DROP_APPLICATION = delete(applications).where(
    applications.c.cloud == CLOUD, applications.c.name == bindparam("name")
)
TOKEN = select(tokens.c.last).where(tokens.c.cloud == CLOUD)
APPEND_EVENT = insert(events).from_select(
    ["cloud", "seq", "body"],
    select(
        CLOUD,
        func.coalesce(func.max(events.c.seq), 0) + 1,
        bindparam("body", type_=Text),
    ).where(events.c.cloud == CLOUD),
)
LAST_EVENT = select(func.coalesce(func.max(events.c.seq), 0)).where(events.c.cloud == CLOUD)
NEWEST_EVENTS = (
    select(events.c.seq, events.c.body)
    .where(events.c.cloud == CLOUD, events.c.seq > bindparam("after"))
    .order_by(events.c.seq.desc())
    .limit(bindparam("limit"))
)
SETTING = select(settings.c.value).where(
    settings.c.cloud == CLOUD, settings.c.name == bindparam("name")
)
