"""Restarts the services of an application in the order of what needs what."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.applications import Resolved
from clocker.cloud import run_state
from clocker.cloud.await_state import await_state
from clocker.cloud.steps import side_by_side
from clocker.cloud.views import machine
from clocker.deploy.service import await_condition
from clocker.interfaces import Parts
from clocker.model import Condition

_AT_ONCE = 16


def restart(parts: Parts, resolved: Resolved, services: Sequence[str]) -> tuple[str, ...]:
    """All of them, or ``services`` and who asked to be restarted with them; no jobs."""
    wanted = _with_dependents(resolved, services or tuple(resolved.wanted))
    restarted: list[str] = []
    for wave in resolved.waves:
        those = [s for s in wave if s in wanted and s not in resolved.jobs]
        names = [each.name for service in those for each in resolved.wanted[service]]
        with side_by_side(min(_AT_ONCE, len(names))) as pool:
            jobs = [pool.submit(_restart, parts, name) for name in names]
        for job in jobs:
            job.result()
        for service in those:
            _await_health(parts, resolved, service, wanted)
        restarted += names
    return tuple(restarted)


def _with_dependents(resolved: Resolved, services: Sequence[str]) -> frozenset[str]:
    wanted = set(services)
    for wave in resolved.waves:
        for service in wave:
            needs = resolved.needs[service]
            if any(need.restart and need.service in wanted for need in needs):
                wanted.add(service)
    return frozenset(wanted)


def _restart(parts: Parts, name: str) -> None:
    found = machine(parts, name)
    parts.progress.step(name, "restart")
    run_state.restart(parts, name, found.record.request.stop_grace_s)
    await_state(parts, found.engine, found.host, found.record, found.engine_name)
    parts.progress.done(name, "restarted")


def _await_health(
    parts: Parts, resolved: Resolved, service: str, restarted: frozenset[str]
) -> None:
    """Only where somebody who needs it is restarted after it."""
    for other in restarted:
        for need in resolved.needs[other]:
            if need.service == service and need.condition is Condition.HEALTHY:
                names = [each.name for each in resolved.wanted[service]]
                await_condition(parts, names, Condition.HEALTHY, 0.0)
                return
