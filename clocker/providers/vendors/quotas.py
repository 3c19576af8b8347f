"""What an account may have, at the infrastructures where libcloud can ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clocker.providers.tagging import Driver


@dataclass(frozen=True, slots=True)
class Quota:
    """``used``: None where nobody tells."""

    name: str
    limit: float
    used: float | None = None

    @property
    def is_used_up(self) -> bool:
        return self.used is not None and self.used >= self.limit

    def __str__(self) -> str:
        if self.used is None:
            return f"{self.name}: at most {self.limit:g}"
        return f"{self.name}: {self.used:g} of {self.limit:g} used"


Quotas = Callable[[Driver], Sequence[Quota]]


def ec2(driver: Driver) -> Sequence[Quota]:
    """Of instances alone: how many cores, another of Amazon's services tells."""
    limit = driver.ex_get_limits()["resource"].get("max-instances")
    return [] if limit is None else [Quota("instances", limit)]


def gce(driver: Driver) -> Sequence[Quota]:
    """Of the driver's region, for what a host needs."""
    region = driver.region
    wanted = ("CPUS", "INSTANCES", "IN_USE_ADDRESSES", "DISKS_TOTAL_GB")
    return [
        Quota(quota["metric"], float(quota["limit"]), float(quota["usage"]))
        for quota in getattr(region, "quotas", None) or []
        if quota["metric"] in wanted
    ]


def cloudstack(driver: Driver) -> Sequence[Quota]:
    """Negative: no limit."""
    limits = driver.ex_limits()
    wanted = ("max_instances", "max_cpu", "max_memory")
    return [Quota(key, float(limits[key])) for key in wanted if float(limits.get(key, -1)) >= 0]
