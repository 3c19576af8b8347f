"""Asks the hosts how they are, and keeps what a decision of healing has to remember."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from clocker.cloud import ledger
from clocker.cloud.container_spec import CLOUD_LABEL
from clocker.cloud.host_views import views_of
from clocker.cloud.steps import side_by_side
from clocker.errors import AuthenticationFailed, ClockerError, HostKeyChanged
from clocker.interfaces import Parts, Transaction
from clocker.model import Host, HostView
from clocker.policies.heal_history import History
from clocker.policies.heal_look import Look, Seen, may_be_asked

_HISTORY = "heal-history"
_ASK_S = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """``seen``: by the hosts' ids. ``refused``: why a host that is there could not be asked, by
    its name: of it nothing is concluded."""

    seen: Mapping[str, Seen] = field(default_factory=dict)
    refused: Mapping[str, ClockerError] = field(default_factory=dict)


def ask(parts: Parts, only: Collection[str] | None = None) -> Asked:
    """Every host that has once been ready, side by side, or those of the names ``only``."""
    with parts.store.read() as tx:
        hosts = [_free(parts, host) for host in tx.hosts()]
    hosts = [h for h in hosts if may_be_asked(h) and (only is None or h.name in only)]
    seen: dict[str, Seen] = {}
    refused: dict[str, ClockerError] = {}
    with side_by_side(min(parts.spec.hosts.concurrency, len(hosts))) as pool:
        for host, job in [(host, pool.submit(_ask, parts, host)) for host in hosts]:
            try:
                seen[host.id] = job.result()
            except ClockerError as error:
                refused[host.name] = error
    return Asked(seen, refused)


def look(
    parts: Parts,
    tx: Transaction,
    seen: Mapping[str, Seen],
    views: Sequence[HostView] | None = None,
) -> Look:
    """The store after the hosts were asked; ``views``: of it, for whoever has them. Work that its
    process has left undone keeps nobody from what it was at."""
    views = views_of(tx) if views is None else views
    return Look(
        views=tuple(_view(parts, view) for view in views),
        seen=seen,
        spec=parts.spec.healing,
        history=history(tx),
        now=parts.clock(),
        left=frozenset(v.host.id for v in views if v.host.work and not _free(parts, v.host).work),
    )


def history(tx: Transaction) -> History:
    text = tx.setting(_HISTORY)
    return msgspec.json.decode(text, type=History) if text else History()


def keep(tx: Transaction, found: History) -> None:
    if found != history(tx):
        tx.set_setting(_HISTORY, msgspec.json.encode(found).decode())


def mark_due(tx: Transaction, waiting: Sequence[str]) -> None:
    """They are to be restarted, by this run or by the next."""
    _change_due(tx, lambda due: (*due, *(item for item in waiting if item not in due)))


def unmark_due(tx: Transaction, container_id: str) -> None:
    _change_due(tx, lambda due: tuple(item for item in due if item != container_id))


def _change_due(tx: Transaction, change: Callable[[Sequence[str]], tuple[str, ...]]) -> None:
    before = history(tx)
    keep(tx, replace(before, due=change(before.due)))


def _ask(parts: Parts, host: Host) -> Seen:
    """A machine that answers, but lets nobody in, is not dead: its error is raised."""
    try:
        statuses = parts.connections.engine(host).list({CLOUD_LABEL: parts.spec.name})
        return Seen(True, True, tuple(statuses))
    except (AuthenticationFailed, HostKeyChanged):
        raise
    except ClockerError as error:
        silent = error.what
    try:
        answer = parts.connections.shell(host).run("true", timeout_s=_ASK_S)
    except (AuthenticationFailed, HostKeyChanged):
        raise
    except ClockerError as error:
        return Seen(False, False, why=error.what)
    return Seen(answer.ok, False, why=f"its engine: {silent}")


def _view(parts: Parts, view: HostView) -> HostView:
    host = _free(parts, view.host)
    if host is view.host and not any(container.work for container in view.containers):
        return view
    containers = (
        replace(c, work=None) if c.work and ledger.is_abandoned(parts, c.work) else c
        for c in view.containers
    )
    return HostView(host, tuple(containers), view.usage)


def _free(parts: Parts, host: Host) -> Host:
    is_left = host.work is not None and ledger.is_abandoned(parts, host.work)
    return replace(host, work=None) if is_left else host
