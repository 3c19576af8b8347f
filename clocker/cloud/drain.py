"""Takes the containers of a host elsewhere, and the host away."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

from clocker.cloud import ledger
from clocker.cloud.cordon import cordon
from clocker.cloud.host_views import views_of
from clocker.cloud.move import move
from clocker.cloud.reports import DrainReport, MoveReport, RemoveReport, Stay
from clocker.cloud.retire import retire
from clocker.cloud.steps import side_by_side
from clocker.cloud.views import host_named
from clocker.errors import ClockerError, NotFound, NothingFits
from clocker.images import Images
from clocker.interfaces import Parts, Transaction
from clocker.model import Container, ContainerState, Host, HostState, HostView

_AT_ONCE = 8


def drain(
    parts: Parts, images: Images, name: str, *, volumes: bool = False, grace_s: float | None = None
) -> DrainReport:
    """Cordon the host, then move what is on it, with name and address, side by side. What cannot
    move is in the report with its reason, and runs on; the host stays cordoned."""
    host = cordon(parts, name)
    moved: list[MoveReport] = []
    while True:
        gone, stayed = _one_pass(parts, images, host, volumes, grace_s)
        moved += gone
        # What must be where another container is can follow once that one has gone.
        if not (gone and stayed):
            return DrainReport(name, tuple(moved), _all_that_stay(parts, host, stayed))


def remove(
    parts: Parts,
    images: Images,
    name: str,
    *,
    volumes: bool = False,
    force: bool = False,
    grace_s: float | None = None,
) -> RemoveReport:
    """Drain the host and give its machine back; NothingFits with the reasons where something must
    stay on it. ``force``: what must stay is removed with it."""
    report = drain(parts, images, name, volumes=volumes, grace_s=grace_s)
    if report.stayed and not force:
        raise _occupied(name, {stay.name: (stay.reason,) for stay in report.stayed})
    host, removed = _claim(parts, name, force=force)
    retire(parts, [host])
    return RemoveReport(name, report.moved, removed)


def _one_pass(
    parts: Parts, images: Images, host: Host, volumes: bool, grace_s: float | None
) -> tuple[list[MoveReport], tuple[Stay, ...]]:
    with parts.store.read() as tx:
        held = _view(tx, host).containers
    moved, stayed = [], []
    with side_by_side(min(_AT_ONCE, len(held))) as pool:
        jobs: dict[str, Future[MoveReport]] = {}
        for container in held:
            if container.move and container.move.host_id == host.id:
                stayed.append(Stay(container.name, "it is on its way here"))
            else:
                jobs[container.name] = pool.submit(
                    move, parts, images, container.name, volumes=volumes, grace_s=grace_s
                )
        for name, job in jobs.items():
            try:
                moved.append(job.result())
            except NotFound:
                continue  # it has been removed meanwhile
            except ClockerError as error:
                stayed.append(Stay(name, _reason(error)))
    return moved, tuple(stayed)


def _all_that_stay(parts: Parts, host: Host, stayed: Sequence[Stay]) -> tuple[Stay, ...]:
    """Also what another process was making when the host was cordoned."""
    told = {stay.name for stay in stayed}
    with parts.store.read() as tx:
        left = [c for c in _view(tx, host).containers if c.name not in told]
    return (*stayed, *(Stay(c.name, f"it is {c.state}") for c in left))


def _view(tx: Transaction, host: Host) -> HostView:
    return next((v for v in views_of(tx) if v.host.id == host.id), HostView(host))


def _claim(parts: Parts, name: str, *, force: bool) -> tuple[Host, tuple[str, ...]]:
    """In one transaction: nothing may have come to the host since it was looked at."""
    with parts.store.transaction() as tx:
        host = host_named(parts, tx, name)
        left = _view(tx, host).containers
        if left and not force:
            raise _occupied(name, {container.name: ("it is on it",) for container in left})
        for container in left:
            _doom(parts, tx, container, host)
        work = ledger.new_work(parts, tx)
        claimed = replace(host, state=HostState.DELETING, work=work)
        tx.put_host(claimed)
        ledger.log(parts, tx, "host", name, "removing")
        return claimed, tuple(container.name for container in left)


def _doom(parts: Parts, tx: Transaction, container: Container, host: Host) -> None:
    now = tx.container(container.name)
    if now is None or now.host_id != host.id:
        raise _occupied(host.name, {container.name: ("it is on its way here",)})
    work = ledger.new_work(parts, tx)
    tx.put_container(replace(now, state=ContainerState.REMOVING, work=work))


def _occupied(name: str, reasons: dict[str, Sequence[str]]) -> NothingFits:
    return NothingFits(
        f"host {name} cannot go: {len(reasons)} of its containers must stay",
        reasons={container: tuple(why) for container, why in reasons.items()},
        remedy="make room elsewhere (clocker host add), or remove them with it: --force; it takes "
        f"nothing new until clocker host uncordon {name}",
    )


def _reason(error: ClockerError) -> str:
    hosts = getattr(error, "reasons", {})
    why = "; ".join(f"{host}: {', '.join(reasons)}" for host, reasons in hosts.items())
    return f"{error.what} ({why})" if why else error.what
