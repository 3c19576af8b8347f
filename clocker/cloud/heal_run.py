"""What all steps of one run of healing share: its lease, and how one step is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from clocker.cloud import ledger
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.heal_look import mark_due, unmark_due
from clocker.cloud.heartbeat import holding
from clocker.cloud.reports import Healed
from clocker.cloud.steps import side_by_side
from clocker.errors import ClockerError
from clocker.images import Images
from clocker.interfaces import Engine, Parts, Transaction
from clocker.model import Container, ContainerStatus, Host, Work
from clocker.policies.heal_actions import (
    Action,
    AdoptContainer,
    CleanHost,
    CreateContainer,
    GiveUp,
    RemoveContainer,
    RepairHost,
    ReplaceHost,
    RestartContainer,
)
from clocker.policies.heal_look import is_settled

LEASE = "heal-lease"
CONTAINERS_AT_ONCE = 16
A = TypeVar("A", bound=Action)


@dataclass(frozen=True, slots=True)
class Run:
    """``work``: the lease that makes overlapping runs harmless. ``waiting``: ids of who is to be
    restarted with a container, by its name. ``acted``: ids of the containers that it has restarted
    or made anew."""

    parts: Parts
    images: Images
    work: Work
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)
    acted: set[str] = field(default_factory=set)

    def check(self, tx: Transaction) -> None:
        """TakenOver when another run goes on with what this one had begun."""
        ledger.still_holds_setting(tx, LEASE, self.work)


def claim(run: Run, name: str, container_id: str, **changes: Any) -> tuple[Container, Host] | None:
    """A settled container, with this process's lease on it; None when it is gone, or somebody is
    at it, meanwhile."""
    with run.parts.store.transaction() as tx:
        run.check(tx)
        now = tx.container(name)
        host = tx.host(now.host_id) if now else None
        if now is None or host is None or now.id != container_id:
            return None
        if not ledger.is_abandoned(run.parts, now.work) or not is_settled(replace(now, work=None)):
            return None
        claimed = replace(now, work=ledger.new_work(run.parts, tx), **changes)
        tx.put_container(claimed)
        return claimed, host


@contextmanager
def claimed(run: Run, container: Container) -> Iterator[None]:
    """While the block lasts nobody else is at it. If it fails, the lease is let go of."""
    try:
        with holding(run.parts, container):
            yield
    except ledger.TakenOver:
        raise
    except ClockerError as error:
        with run.parts.store.transaction() as tx:
            now = ledger.still_held(tx, container)
            tx.put_container(replace(now, work=None))
            ledger.log(run.parts, tx, "heal", container.name, "failed", error.what[:500])
        raise


def let_go(run: Run, container: Container) -> None:
    """Nothing was done."""
    ledger.change_container(run.parts, container, work=None)


def complete(run: Run, container: Container, outcome: str, why: str, **changes: Any) -> Container:
    """On record; and whoever is to be restarted with it is due, unless this run has done that."""
    run.acted.add(container.id)
    with run.parts.store.transaction() as tx:
        changed = replace(ledger.still_held(tx, container), work=None, **changes)
        tx.put_container(changed)
        unmark_due(tx, container.id)
        mark_due(tx, [i for i in run.waiting.get(container.name, ()) if i not in run.acted])
        ledger.log(run.parts, tx, "heal", container.name, outcome, why[:500])
    run.parts.progress.done(container.name, f"{outcome}: {why}")
    return changed


def on_engine(run: Run, engine: Engine, container: Container) -> ContainerStatus | None:
    """By label: only what is this very container, and no helper of it."""
    labels = {CLOUD_LABEL: run.parts.spec.name, "clocker.id": container.id}
    found = (status for status in engine.list(labels) if "clocker.request" in status.labels)
    return next(found, None)


def told(action: Action) -> Healed:
    """As it will have been done."""
    match action:
        case ReplaceHost() | RepairHost() | CleanHost():
            did = {ReplaceHost: "replaced", RepairHost: "repaired", CleanHost: "cleaned"}
            return Healed(did[type(action)], action.host, action.host, action.why)
        case _:
            return Healed(_DID[type(action)], action.name, action.host, action.why)


_DID = {
    RestartContainer: "restarted",
    CreateContainer: "created",
    GiveUp: "given up",
    AdoptContainer: "adopted",
    RemoveContainer: "removed",
}


def all_of(
    run: Run, actions: Sequence[A], do: Callable[[Run, A], Healed | None], at_once: int
) -> list[Healed]:
    """Side by side; what fails is told, and tried again by the next run."""
    with side_by_side(min(at_once, len(actions))) as pool:
        jobs: list[tuple[A, Future[Healed | None]]] = [
            (action, pool.submit(do, run, action)) for action in actions
        ]
    done: list[Healed] = []
    for action, job in jobs:
        try:
            outcome = job.result()
        except ClockerError as error:
            outcome = replace(told(action), error=error)
            run.parts.progress.failed(outcome.subject, f"not {outcome.did}: {error.what}")
        if outcome is not None:
            done.append(outcome)
    return done
