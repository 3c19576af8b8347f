"""Restarts what depends on containers that were restarted, or made anew."""

from __future__ import annotations

from collections.abc import Sequence

from clocker.cloud.heal_containers import restart
from clocker.cloud.heal_look import history, unmark_due
from clocker.cloud.heal_run import CONTAINERS_AT_ONCE, Run, all_of
from clocker.cloud.reports import Healed
from clocker.model import Container
from clocker.policies.heal_actions import RestartContainer


def restart_due(run: Run, before: Sequence[Healed]) -> list[Healed]:
    """Those that depend on what was restarted or made anew, and in turn those that depend on
    them; each once. Not while the former has failed: then the next run decides anew."""
    done: list[Healed] = []
    seen: set[str] = set()
    while True:
        failed = {item.subject for item in (*before, *done) if item.error}
        actions = _first_of(_due(run, failed, seen))
        if not actions:
            return done
        seen |= {action.id for action in actions}
        done += all_of(run, actions, _restart_dependent, CONTAINERS_AT_ONCE)


def _due(run: Run, failed: set[str], besides: set[str]) -> list[tuple[Container, str]]:
    """With the names of the hosts that they are on."""
    with run.parts.store.read() as tx:
        due = set(history(tx).due) - besides
        names = {host.id: host.name for host in tx.hosts()} if due else {}
        waiting = [c for c in tx.containers() if c.id in due] if due else []
    return [
        (container, names.get(container.host_id, ""))
        for container in waiting
        if failed.isdisjoint(container.request.healing.restart_with)
    ]


def _first_of(due: Sequence[tuple[Container, str]]) -> list[RestartContainer]:
    """Those that depend on none of the others; of a circle one has to begin."""
    names = {container.name for container, _ in due}
    free = [item for item in due if names.isdisjoint(item[0].request.healing.restart_with)]
    return [
        RestartContainer(container.name, container.id, host, _depends_on(container), after="")
        for container, host in free or due[:1]
    ]


def _depends_on(container: Container) -> str:
    return f"it depends on {', '.join(container.request.healing.restart_with)}"


def _restart_dependent(run: Run, action: RestartContainer) -> Healed | None:
    """One that does not run has not to be restarted."""
    outcome = restart(run, action)
    with run.parts.store.transaction() as tx:
        run.check(tx)
        unmark_due(tx, action.id)
    return outcome
