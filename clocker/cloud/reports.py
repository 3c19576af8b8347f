"""What the verbs of a cloud report."""

from __future__ import annotations

from dataclasses import dataclass

from clocker.cloud.remnants import Finding
from clocker.errors import ClockerError
from clocker.model import ContainerRequest, HostView, Judgement, Offer, Resources
from clocker.policies.heal_actions import Pending, Trouble

GAVE_UP = "given up"


@dataclass(frozen=True, slots=True)
class Healed:
    """``did``: restarted, created, recreated, replaced, repaired, cleaned, adopted, removed or
    given up; ``subject``: the name of a container or host, ``host``: where it is now. ``why``: the
    reason; ``error``: what came in between, the next run tries again."""

    did: str
    subject: str
    host: str
    why: str
    error: ClockerError | None = None


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """A host that would be made. ``offer``: None where its machine is there already, and is
    only to be completed. ``then``: what would be tried next if the provider refused."""

    name: str
    provider: str
    resources: Resources
    offer: Offer | None = None
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UpPlan:
    """``remove``: the hosts whose removal has begun and was not completed."""

    make: tuple[PlannedHost, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        return all(offer.price_hour == 0 for offer in self._offers)

    @property
    def prices(self) -> dict[str, float]:
        """Per hour, by currency, of all hosts whose price is known."""
        known: dict[str, float] = {}
        for offer in self._offers:
            if offer.price_hour is not None:
                known[offer.currency] = known.get(offer.currency, 0.0) + offer.price_hour
        return known

    @property
    def unpriced(self) -> int:
        """How many hosts have a price that nobody knows."""
        return sum(offer.price_hour is None for offer in self._offers)

    @property
    def _offers(self) -> list[Offer]:
        return [host.offer for host in self.make if host.offer]


@dataclass(frozen=True, slots=True)
class UpReport:
    """Names of hosts: made by this call, changed (bootstrapped anew), or found as they should
    be; ``recovered`` are containers left half-made or half-removed by processes that are gone."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DownReport:
    containers: tuple[str, ...]
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdoptReport:
    hosts: tuple[str, ...]
    containers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemnantsReport:
    """``failures``: of providers that could not be asked."""

    findings: tuple[Finding, ...] = ()
    failures: tuple[ClockerError, ...] = ()


@dataclass(frozen=True, slots=True)
class GcReport:
    removed: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    failures: tuple[tuple[Finding, ClockerError], ...] = ()


@dataclass(frozen=True, slots=True)
class RotationReport:
    """``generation``: of the authority that all certificates are from now; ``resumed``: it was
    begun by another call."""

    generation: int
    hosts: tuple[str, ...]
    resumed: bool


@dataclass(frozen=True, slots=True)
class MoveReport:
    """``source``, ``target``: names of hosts, the same when it was there already. ``away_s``: from
    the beginning of its stop to the end of its start; None for one that did not run."""

    name: str
    source: str
    target: str
    address: str
    away_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A container that could not leave its host, or a host that could not be emptied, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class DrainReport:
    host: str
    moved: tuple[MoveReport, ...] = ()
    stayed: tuple[Stay, ...] = ()


@dataclass(frozen=True, slots=True)
class RemoveReport:
    """``removed``: containers that went with the host."""

    host: str
    moved: tuple[MoveReport, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScaleReport:
    """``why``: one line. ``wanted``, ``room``: containers, and how many of them fitted before.
    Names of hosts: made, removed, kept though they were leaving; ``stays``: hosts that could not
    be emptied. ``short``: not all that are wanted will fit."""

    why: str
    wanted: int = 0
    room: int = 0
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    stays: tuple[Stay, ...] = ()
    short: bool = False


@dataclass(frozen=True, slots=True)
class HealReport:
    """``done``: what was done, or was tried; of a dry run, what would be. ``pending``: what is to
    be done later; ``troubles``: what is left as it is. ``breaker``: why no host was replaced.
    ``note``: why nothing was even looked at."""

    done: tuple[Healed, ...] = ()
    pending: tuple[Pending, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    breaker: str | None = None
    recovered: tuple[str, ...] = ()
    note: str = ""

    @property
    def failures(self) -> tuple[ClockerError, ...]:
        return tuple(item.error for item in self.done if item.error)

    @property
    def given_up(self) -> bool:
        """Something is left as it is that nobody but a person will mend."""
        gave_up = any(item.did == GAVE_UP for item in self.done)
        return bool(self.troubles or self.breaker or gave_up)


@dataclass(frozen=True, slots=True)
class Status:
    name: str
    zone: str
    hosts: tuple[HostView, ...]
    subnet: str
    addresses_free: int
    store: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """``hosts``: those that would take the request, best first, then those that refuse it.
    ``new``: the same of one more host at each provider; empty when one that is there will do."""

    hosts: tuple[Judgement, ...]
    new: tuple[Judgement, ...] = ()

    @property
    def fits(self) -> bool:
        return any(judgement.rank for judgement in (*self.hosts, *self.new))


@dataclass(frozen=True, slots=True)
class PlannedContainer:
    """Where a container would be: ``host`` is a name. ``new``: that host would be made for it
    first. ``existing``: the very same container is there already."""

    request: ContainerRequest
    host: str
    new: PlannedHost | None = None
    existing: bool = False
