"""At which provider a host is to be, and where to turn when that one has nothing to give."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clocker.errors import ConfigError
from clocker.interfaces import Parts, Provider
from clocker.model import Host, HostState, NodePool


def missing(pool: NodePool, hosts: Sequence[Host]) -> tuple[str, ...]:
    """The providers of the hosts that are to be made so that there are as many as ``pool`` says,
    at each provider and in all. ``hosts``: those that there are, and are not being removed."""
    found = [
        provider for provider, count in pool.at.items() for _ in range(count - _at(provider, hosts))
    ]
    rest = pool.count - len(hosts) - len(found)
    return (*found, *(pool.providers[0] for _ in range(rest)))


def next_place(
    pool: NodePool, host: Host, hosts: Sequence[Host], tried: Collection[str]
) -> str | None:
    """The provider to ask when all that were ``tried`` have refused, the host's own as the last;
    None when there is none left, or the host is one of those that are to be at its provider
    and no other."""
    others = [other for other in hosts if other.id != host.id and _counts(other)]
    if _at(host.provider, others) < pool.at.get(host.provider, 0):
        return None
    return next((name for name in pool.providers if name not in tried), None)


def provider_of(parts: Parts, host: Host) -> Provider:
    """ConfigError where the document has stopped naming the provider that the host is at."""
    provider = parts.providers.get(host.provider)
    if provider is None:
        raise ConfigError(
            f"it is at the provider {host.provider}, which the cloud's document does not name",
            where=f"host {host.name}",
            remedy="name it among hosts.provider again, as the last, until its hosts are gone",
        )
    return provider


def _at(provider: str, hosts: Sequence[Host]) -> int:
    return sum(host.provider == provider for host in hosts)


def _counts(host: Host) -> bool:
    return host.state not in (HostState.DELETING, HostState.FAILED, HostState.LOST)
