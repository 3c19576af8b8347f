"""The volumes of machines, where they may outlive them: they carry the machine's tags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clocker.providers.tagging import Driver, Machine


@dataclass(frozen=True, slots=True)
class Volume:
    """``machines``: the ids of those that it is attached to. ``created_at``: seconds since the
    epoch. ``vendor``: as the driver knows it."""

    id: str
    name: str
    tags: Mapping[str, str]
    machines: frozenset[str]
    created_at: float | None
    vendor: Any


class VolumeCalls(Protocol):
    def listed(self, driver: Driver, tags: Mapping[str, str]) -> Sequence[Volume]:
        """All of the account that carry these tags."""
        ...

    def of(self, driver: Driver, machine: Machine) -> Sequence[Volume]: ...

    def mark(self, driver: Driver, volume: Volume, tags: Mapping[str, str]) -> None: ...

    def delete(self, driver: Driver, volume: Volume) -> None: ...


def mark_volumes(
    calls: VolumeCalls | None, driver: Driver, machine: Machine, tags: Mapping[str, str]
) -> None:
    """Of a machine that was just made: what somebody attaches later is his."""
    for volume in calls.of(driver, machine) if calls else ():
        if calls and not tags.items() <= volume.tags.items():
            calls.mark(driver, volume, tags)


@dataclass(frozen=True, slots=True)
class Ec2Volumes:
    """libcloud has the instance tagged when it is made, and nothing else."""

    def listed(self, driver: Driver, tags: Mapping[str, str]) -> Sequence[Volume]:
        filters = {f"tag:{key}": value for key, value in tags.items()}
        return [_volume(found) for found in driver.list_volumes(ex_filters=filters)]

    def of(self, driver: Driver, machine: Machine) -> Sequence[Volume]:
        return [_volume(found) for found in driver.list_volumes(node=machine)]

    def mark(self, driver: Driver, volume: Volume, tags: Mapping[str, str]) -> None:
        driver.ex_create_tags(volume.vendor, dict(tags))

    def delete(self, driver: Driver, volume: Volume) -> None:
        driver.destroy_volume(volume.vendor)


def _volume(found: Any) -> Volume:
    made, attached = found.extra.get("create_time"), found.extra.get("instance_id")
    return Volume(
        id=str(found.id),
        name=str(found.name),
        tags={str(key): str(value) for key, value in (found.extra.get("tags") or {}).items()},
        machines=frozenset({str(attached)} if attached else ()),
        created_at=made.timestamp() if made else None,
        vendor=found,
    )
