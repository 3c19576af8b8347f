"""Runs the bootstrap of one host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clocker.bootstrap.check import check
from clocker.bootstrap.engine_access import certify, engine_port
from clocker.bootstrap.markers import Marker, Transcript, resources, tunnel_key
from clocker.bootstrap.own_registries import own_registries
from clocker.bootstrap.plan import BootstrapPlan, change_script, plan
from clocker.bootstrap.registries import registries_step
from clocker.bootstrap.trust import ensured_trust
from clocker.errors import CommandFailed
from clocker.interfaces import Parts, Progress, Shell, Transaction
from clocker.model import Host, Lease, Net, Resources, Trust


@dataclass(frozen=True, slots=True)
class Outcome:
    """``resources``: as the host measured them. ``tunnel_key``: public, where it has one.
    ``changed``: the script had to run."""

    stamp: str
    resources: Resources | None
    tunnel_key: str | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Networks:
    """The further networks of a cloud at some time; ``leases``: the hosts' among others."""

    nets: Sequence[Net]
    leases: Sequence[Lease]

    @classmethod
    def on_record(cls, tx: Transaction) -> Networks:
        return cls(tx.networks(), tx.leases())


def expected_stamp(parts: Parts, host: Host) -> str:
    """The stamp that the host has if it is as it should be."""
    return _plan(parts, host, _trust(parts, host)).stamp


def bootstrap(parts: Parts, host: Host) -> Outcome:
    """Make the host ready; on one that is, a single round trip. CommandFailed names the host
    and the step, and carries the last lines of its output."""
    trust = _trust(parts, host)
    wanted = _plan(parts, host, trust)
    shell = parts.connections.installer(host)
    try:
        found = check(shell, parts.spec.name)
        if found.bootstrap == wanted.stamp:
            return _outcome(wanted, found.facts, changed=False)
        parts.network.supply(shell)
        if trust:
            cloud, now = parts.spec.name, parts.clock()
            certify(shell, host, cloud=cloud, keys=parts.keys, trust=trust, now=now)
        facts = run_script(shell, wanted, host.name, parts.progress, parts.spec.hosts.timeout_s)
    finally:
        shell.close()
    return _outcome(wanted, facts, changed=True)


def change_networks(parts: Parts, host: Host, former: Networks) -> Outcome | None:
    """Only what differs from what the host was made into when the networks were ``former``, in a
    single round trip. None when it was made into something else, or is so no longer."""
    trust = _trust(parts, host)
    before, wanted = _plan(parts, host, trust, former), _plan(parts, host, trust)
    if host.stamp != before.stamp:
        return None
    change = replace(wanted, script=change_script(parts.spec.name, before, wanted))
    shell = parts.connections.shell(host)
    facts = run_script(shell, change, host.name, parts.progress, parts.spec.hosts.timeout_s)
    if "otherwise" in facts:
        return None
    return Outcome(wanted.stamp, host.capacity, host.tunnel_key, changed=True)


def run_script(
    shell: Shell, wanted: BootstrapPlan, host: str, progress: Progress, timeout_s: float
) -> dict[str, str]:
    """Send and run the script; its steps become progress, its facts the result."""

    def on_marker(marker: Marker) -> None:
        if marker.verb == "begin":
            progress.step(host, marker.about)
        elif marker.verb == "skip":
            progress.step(host, f"{marker.about}: {marker.text}")

    transcript = Transcript(on_marker)
    result = shell.run(
        "sh -s", stdin=wanted.script.encode(), timeout_s=timeout_s, on_line=transcript.hear
    )
    if not result.ok:
        reason = transcript.error or f"exit status {result.status}"
        tail = transcript.tail or result.stderr.decode(errors="replace").strip()
        raise CommandFailed(
            f"step {transcript.step} failed: {reason}",
            where=f"host {host}",
            status=result.status,
            tail=tail,
            remedy=transcript.remedy,
        )
    return transcript.facts


def _outcome(wanted: BootstrapPlan, facts: dict[str, str], *, changed: bool) -> Outcome:
    return Outcome(wanted.stamp, resources(facts), tunnel_key(facts), changed)


def _plan(
    parts: Parts, host: Host, trust: Trust | None, networks: Networks | None = None
) -> BootstrapPlan:
    """What it is told of registries, the default network's steps, then those of each other."""
    with parts.store.read() as tx:
        networks = networks or Networks.on_record(tx)
        registries = (*parts.spec.registries, *own_registries(tx, parts.spec.zone))
    owner = f"host/{host.name}"
    gateways = {item.network: item.address for item in networks.leases if item.owner == owner}
    steps = [registries_step(parts.spec.name, registries)]
    steps += [parts.network.step(host), parts.names.step(host)]
    steps.append(parts.network.prune(networks.nets))
    for net in networks.nets:
        if net.name in gateways:
            there = replace(host, gateway=gateways[net.name])
            steps += [parts.network.of(net).step(there), parts.names.of(net).step(there)]
    return plan(parts.spec, host, steps, trust)


def _trust(parts: Parts, host: Host) -> Trust | None:
    """None where the engine does not listen with TLS."""
    return ensured_trust(parts) if engine_port(parts.spec, host) else None
