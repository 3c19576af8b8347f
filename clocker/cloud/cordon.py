"""What is said of a host by hand: that it takes nothing new, and its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.labels import check_labels
from clocker.cloud.views import host_named
from clocker.interfaces import Parts
from clocker.model import Host


def cordon(parts: Parts, name: str) -> Host:
    """From now on it takes nothing new; what is on it runs on."""
    return _change(parts, name, "cordoned", lambda host: replace(host, cordoned=True))


def uncordon(parts: Parts, name: str) -> Host:
    return _change(parts, name, "uncordoned", lambda host: replace(host, cordoned=False))


def label(parts: Parts, name: str, changes: Mapping[str, str | None]) -> Host:
    """Set the labels that ``changes`` names; None takes one away."""
    new = {key: value for key, value in changes.items() if value is not None}
    check_labels(new)

    def labelled(host: Host) -> Host:
        kept = {key: value for key, value in host.labels.items() if key not in changes}
        return replace(host, labels={**kept, **new})

    return _change(parts, name, "labelled", labelled)


def _change(parts: Parts, name: str, outcome: str, change: Callable[[Host], Host]) -> Host:
    with parts.store.transaction() as tx:
        host = host_named(parts, tx, name)
        changed = change(host)
        if changed != host:
            tx.put_host(changed)
            ledger.log(parts, tx, "host", name, outcome)
        return changed
