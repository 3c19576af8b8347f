"""How busy the hosts are: measured over the kept-alive connection when somebody's rules ask for
it, and remembered for a while."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.interfaces import Parts, Transaction
from clocker.model import ContainerRequest, Host, HostState, Usage
from clocker.placement import rules_for

FRESH_S = 30.0
"""A figure that is younger is not measured again."""

_SETTING = "usage"
_TIMEOUT_S = 10.0
# The CPU's counters run from the start of the machine: two looks say how busy it is in between.
COMMAND = (
    "read -r a </proc/stat && sleep 0.5 && read -r b </proc/stat && "
    'printf "%s\\n%s\\n" "$a" "$b" && cat /proc/meminfo'
)


def refresh(parts: Parts, requests: Sequence[ContainerRequest]) -> None:
    """Measure the ready hosts whose figures are old, if rules look at them; outside of any
    transaction. A host that does not answer keeps its old figure."""
    if not any(rules_for(parts.spec.rules, request).needs_usage for request in requests):
        return
    with parts.store.read() as tx:
        known, hosts = usage_of(tx, parts.clock()), tx.hosts()
    old = [host for host in hosts if _is_due(host, known.get(host.id))]
    if not old:
        return
    with side_by_side(min(parts.spec.hosts.concurrency, len(old))) as pool:
        measured = {host.id: pool.submit(_measure, parts, host) for host in old}
    fresh = {host: usage for host, job in measured.items() if (usage := job.result())}
    with parts.store.transaction() as tx:
        _keep(tx, {**usage_of(tx, parts.clock()), **fresh})


def usage_of(tx: Transaction, now: float) -> dict[str, Usage]:
    """What was measured last, by the hosts' ids."""
    stored = json.loads(tx.setting(_SETTING) or "{}")
    return {
        host: Usage(cpu, ram, at, max(0.0, now - at)) for host, (cpu, ram, at) in stored.items()
    }


def usage_from(text: str, at: float) -> Usage:
    """From two lines of ``/proc/stat``, then ``/proc/meminfo``. ValueError."""
    first, second, *memory = text.splitlines()
    busy, total = (b - a for a, b in zip(_ticks(first), _ticks(second), strict=True))
    amounts = {key: int(rest.split()[0]) for key, _, rest in (m.partition(":") for m in memory)}
    free = amounts["MemAvailable"] / amounts["MemTotal"]
    return Usage(busy / total if total > 0 else 0.0, 1.0 - free, at)


def _is_due(host: Host, known: Usage | None) -> bool:
    return host.state is HostState.READY and (known is None or known.age_s > FRESH_S)


def _measure(parts: Parts, host: Host) -> Usage | None:
    try:
        said = parts.connections.shell(host).run(COMMAND, timeout_s=_TIMEOUT_S)
        return usage_from(said.text, parts.clock())
    except ClockerError as error:
        why = error.what
    except (ValueError, KeyError, IndexError):
        why = "its /proc cannot be understood"
    parts.progress.failed(host.name, f"how busy it is cannot be measured: {why}")
    return None


def _keep(tx: Transaction, usage: Mapping[str, Usage]) -> None:
    there = {host.id for host in tx.hosts()}
    kept = {
        host: (found.cpu_share, found.ram_share, found.at)
        for host, found in usage.items()
        if host in there
    }
    tx.set_setting(_SETTING, json.dumps(kept))


def _ticks(line: str) -> tuple[int, int]:
    """Busy and all, of the line ``cpu user nice system idle iowait irq softirq steal ...``; the
    guests' are in the first two."""
    counts = [int(word) for word in line.split()[1:9]]
    return sum(counts) - counts[3] - counts[4], sum(counts)
