"""Where what Clocker makes of images is shared."""

from __future__ import annotations

from clocker.bootstrap.own_registries import own_registries
from clocker.interfaces import Parts, Transaction
from clocker.model import Registry


def shared_registry(parts: Parts) -> Registry | None:
    """The one that clocker.yaml says, else the first that is a container of the cloud."""
    with parts.store.read() as tx:
        return shared_registry_of(parts, tx)


def shared_registry_of(parts: Parts, tx: Transaction) -> Registry | None:
    own = own_registries(tx, parts.spec.zone)
    return next((r for r in (*parts.spec.registries, *own) if r.push), None)
