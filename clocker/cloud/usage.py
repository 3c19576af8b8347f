"""How busy the hosts are: measured over the kept-alive connection when somebody's rules ask for
it, and remembered for a while."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

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
    transaction. A host that does not answer keeps its old figure, and is left alone as long as
    if it had answered: nobody shall wait for a dead host at every request."""
    if not any(rules_for(parts.spec.rules, request).needs_usage for request in requests):
        return
    now = parts.clock()
    with parts.store.read() as tx:
        asked, hosts = _stored(tx), tx.hosts()
    due = [host for host in hosts if _is_due(host, asked.get(host.id), now)]
    if not due:
        return
    with side_by_side(min(parts.spec.hosts.concurrency, len(due))) as pool:
        jobs = {host.id: pool.submit(_measure, parts, host) for host in due}
    found = {host_id: job.result() for host_id, job in jobs.items()}
    with parts.store.transaction() as tx:
        _keep(tx, found, now)


def usage_of(tx: Transaction, now: float) -> dict[str, Usage]:
    """What was measured last, by the hosts' ids."""
    return {
        host_id: replace(asked.usage, age_s=max(0.0, now - asked.usage.at))
        for host_id, asked in _stored(tx).items()
        if asked.usage
    }


def usage_from(text: str, at: float) -> Usage:
    """From two lines of ``/proc/stat``, then ``/proc/meminfo``. ValueError."""
    first, second, *memory = text.splitlines()
    busy, total = (b - a for a, b in zip(_ticks(first), _ticks(second), strict=True))
    amounts = {key: int(rest.split()[0]) for key, _, rest in (m.partition(":") for m in memory)}
    free = amounts["MemAvailable"] / amounts["MemTotal"]
    return Usage(busy / total if total > 0 else 0.0, 1.0 - free, at)


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a host was last asked, and what it said then or before."""

    at: float
    usage: Usage | None


_DECODER = msgspec.json.Decoder(dict[str, _Asked])


def _is_due(host: Host, asked: _Asked | None, now: float) -> bool:
    return host.state is HostState.READY and (asked is None or now - asked.at > FRESH_S)


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


def _stored(tx: Transaction) -> dict[str, _Asked]:
    text = tx.setting(_SETTING)
    return _DECODER.decode(text) if text else {}


def _keep(tx: Transaction, found: Mapping[str, Usage | None], now: float) -> None:
    """What is known of the hosts that there are; another process may have measured meanwhile."""
    known = _stored(tx)
    for host_id, usage in found.items():
        before = known.get(host_id)
        known[host_id] = _Asked(now, usage or (before.usage if before else None))
    there = {host.id for host in tx.hosts()}
    kept = {host_id: asked for host_id, asked in known.items() if host_id in there}
    tx.set_setting(_SETTING, msgspec.json.encode(kept).decode())


def _ticks(line: str) -> tuple[int, int]:
    """Busy and all, of the line ``cpu user nice system idle iowait irq softirq steal ...``; the
    guests' are in the first two."""
    counts = [int(word) for word in line.split()[1:9]]
    return sum(counts) - counts[3] - counts[4], sum(counts)
