"""Gives everything back: the hosts with all that is on them, the addresses, the names."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.ownership import Whose, mark_of, whose
from clocker.cloud.reports import DownReport
from clocker.cloud.retire import destroy_all
from clocker.errors import ProviderError
from clocker.interfaces import Parts
from clocker.model import ContainerState, HostState


def down(parts: Parts) -> DownReport:
    """Remove all hosts and containers of this cloud, and at last its state. Whatever another
    process has under way is fenced off first. Called again it completes what is left."""
    with parts.store.transaction() as tx:
        containers = tuple(container.name for container in tx.containers())
        for container in tx.containers():
            work = ledger.new_work(parts, tx)
            tx.put_container(replace(container, state=ContainerState.REMOVING, work=work))
        for host in tx.hosts():
            work = ledger.new_work(parts, tx)
            tx.put_host(replace(host, state=HostState.DELETING, work=work))
        hosts = tuple(tx.hosts())
        ledger.log(parts, tx, "down", parts.spec.name, "begun")
    destroy_all(parts, hosts)
    _refuse_to_forget(parts)
    _remove_shared(parts)
    parts.store.erase()
    shutil.rmtree(parts.folder)
    with suppress(OSError):  # other clouds keep theirs beside it
        parts.folder.parent.rmdir()
    return DownReport(containers, tuple(host.name for host in hosts))


def _refuse_to_forget(parts: Parts) -> None:
    """Machines of ours that are not on record must not lose the key that opens them."""
    cloud, mark = parts.spec.name, mark_of(parts.keys)
    for name, provider in parts.providers.items():
        nodes = provider.list(cloud)
        strange = sorted(n.name for n in nodes if whose(mark, cloud, n.tags) is not Whose.OTHERS)
        if not strange:
            continue
        raise ProviderError(
            f"machines that are not on record carry the tags of this cloud: {', '.join(strange)}",
            where=f"provider {name}",
            remedy="clocker adopt takes them in; then clocker down removes them",
        )


def _remove_shared(parts: Parts) -> None:
    """What was made once for all machines; another cloud of this name keeps its own."""
    cloud, mark = parts.spec.name, mark_of(parts.keys)
    for provider in parts.providers.values():
        for remnant in provider.remnants(cloud):
            if whose(mark, cloud, remnant.tags, remnant.name) is Whose.OURS:
                provider.remove(remnant)
        provider.clean(cloud)
