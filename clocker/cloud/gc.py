"""Finds what is left of the cloud at its providers, and removes it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from clocker.cloud import ledger, removals
from clocker.cloud.defaults import GRACE_S
from clocker.cloud.ownership import mark_of
from clocker.cloud.remnants import Finding, Rules, Thing, findings, first_seen
from clocker.cloud.reports import GcReport, RemnantsReport
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import Host

_SEEN = "gc/seen"


def remnants(parts: Parts, grace_s: float = GRACE_S) -> RemnantsReport:
    """What carries this cloud's name and is not in use. The store is read after the providers: it
    knew of every machine before that was made."""
    things, failures = _things(parts)
    silent = [name for name in parts.providers if name in failures]
    rules = Rules(parts.spec.name, mark_of(parts.keys), grace_s)
    with parts.store.transaction() as tx:
        before: dict[str, float] = json.loads(tx.setting(_SEEN) or "{}")
        found = findings(rules, things, _hosts(parts, tx), before, parts.clock())
        seen = first_seen(found, before, silent)
        if seen != before:
            tx.set_setting(_SEEN, json.dumps(seen))
    return RemnantsReport(found, tuple(failures.values()))


def remove(parts: Parts, found: Sequence[Finding]) -> GcReport:
    """Remove those of ``found`` that may go, unless the cloud has taken them in meanwhile; what
    fails does not stop the others."""
    removed: list[Finding] = []
    kept = [finding for finding in found if not finding.goes]
    failures: list[tuple[Finding, ClockerError]] = []
    for finding in (finding for finding in found if finding.goes):
        try:
            if _remove(parts, finding):
                removed.append(finding)
            else:
                kept.append(replace(finding, goes=False, reason="in use meanwhile"))
        except ClockerError as error:
            error.where = _told(finding)
            failures.append((finding, error))
            parts.progress.failed(finding.thing.remnant.name, error.what)
    return GcReport(tuple(removed), tuple(kept), tuple(failures))


def _things(parts: Parts) -> tuple[list[Thing], dict[str, ClockerError]]:
    things: list[Thing] = []
    failures: dict[str, ClockerError] = {}
    for name, provider in parts.providers.items():
        try:
            things += [Thing(name, remnant) for remnant in provider.remnants(parts.spec.name)]
        except ClockerError as error:
            error.where = error.where or f"provider {name}"
            failures[name] = error
    return things, failures


def _hosts(parts: Parts, tx: Transaction) -> list[Host]:
    """Work that its process has left undone keeps nobody from a host."""
    return [
        replace(host, work=None) if ledger.is_abandoned(parts, host.work) else host
        for host in tx.hosts()
    ]


def _remove(parts: Parts, finding: Finding) -> bool:
    remnant = finding.thing.remnant
    with _claimed(parts, finding) as is_ours:
        if not is_ours:
            return False
        parts.progress.step(remnant.name, f"removing the {remnant.kind}")
        parts.providers[finding.thing.provider].remove(remnant)
        ledger.log_now(parts, "gc", remnant.name, "removed", _told(finding))
    parts.progress.done(remnant.name, "removed")
    return True


@contextmanager
def _claimed(parts: Parts, finding: Finding) -> Iterator[bool]:
    """Whether it is still nobody's; then nobody takes it in before the block is left. What removes
    one of a host's two machines holds the host."""
    host = finding.twin_of
    if host is not None:
        claimed = ledger.claim_host(parts, host.id)
        try:
            yield claimed is not None and claimed.node_id == host.node_id
        finally:
            if claimed is not None:
                ledger.change_host(parts, claimed, work=None)
        return
    with parts.store.transaction() as tx:
        free = _is_free(parts, tx, finding)
        if free:
            removals.begin(parts, tx, finding.thing)
    try:
        yield free
    finally:
        if free:
            removals.end(parts, finding.thing)


def _is_free(parts: Parts, tx: Transaction, finding: Finding) -> bool:
    """By the same rules, but for the grace, which has been granted."""
    rules = Rules(parts.spec.name, mark_of(parts.keys), 0.0)
    found = findings(rules, [finding.thing], tx.hosts(), {}, parts.clock())
    return any(again.goes for again in found)


def _told(finding: Finding) -> str:
    thing = finding.thing
    return f"{thing.remnant.kind} {thing.remnant.id} at {thing.provider}"
