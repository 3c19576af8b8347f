"""What one look of a watch does: heal, and keep the headroom if that is wanted."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from clocker.cloud.heal import heal
from clocker.cloud.reports import HealReport, ScaleReport
from clocker.cloud.scale import headroom_of, scale
from clocker.cloud.sharing import Sharing
from clocker.cloud.watch import LookAt
from clocker.errors import ClockerError
from clocker.images import Images
from clocker.interfaces import Parts

_BUSY_S = 2.0
_FAILED_S = 10.0


@dataclass(frozen=True, slots=True)
class Care:
    """``scale``: None where hosts were left as many as they are. ``failure``: of making them more
    or fewer. ``wake_at``: when there is more to do, by the cloud's clock."""

    heal: HealReport
    scale: ScaleReport | None = None
    failure: ClockerError | None = None
    wake_at: float | None = None


def look_after(
    parts: Parts, images: Images, *, scaling: bool = False, sharing: Sharing | None = None
) -> LookAt[Care]:
    """With ``scaling`` hosts are made or removed whenever all are looked at, or something was done;
    BadInput where the cloud's document does not say what for. ``sharing`` is begun by each look."""
    if scaling:
        headroom_of(parts)

    def look(hosts: Collection[str] | None) -> Care:
        report = heal(parts, images, only=hosts)
        if sharing is not None:
            sharing.begin()
        scaled, failure = None, None
        if scaling and (hosts is None or report.done):
            try:
                scaled = scale(parts, images)
            except ClockerError as error:
                failure = error
        return Care(report, scaled, failure, _wake_at(report, parts.clock()))

    return look


def _wake_at(report: HealReport, now: float) -> float | None:
    """What another run did not see, because it had looked already, is soon looked for."""
    due = [item.until for item in report.pending]
    due += [now + _FAILED_S] if report.failures else []
    due += [now + _BUSY_S] if report.note else []
    return min(due, default=None)
