from __future__ import annotations

from dataclasses import dataclass

from clocker.model.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of a machine: ``cores`` (fractions allowed), RAM and disk in MiB."""

    cores: float = 0.0
    ram_mb: int = 0
    disk_mb: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.cores + other.cores, self.ram_mb + other.ram_mb, self.disk_mb + other.disk_mb
        )

    def __sub__(self, other: Resources) -> Resources:
        return Resources(
            self.cores - other.cores, self.ram_mb - other.ram_mb, self.disk_mb - other.disk_mb
        )

    def lacking(self, room: Resources) -> tuple[str, ...]:
        """Which of these amounts ``room`` does not have, as sentences; empty when all fit."""
        pairs = (
            ("cores", self.cores, room.cores, ""),
            ("RAM", self.ram_mb, room.ram_mb, " MiB"),
            ("disk", self.disk_mb, room.disk_mb, " MiB"),
        )
        return tuple(
            f"{what}: {need:g}{unit} wanted, {max(free, 0):g}{unit} free"
            for what, need, free, unit in pairs
            if need > free + 1e-9
        )

    def within(self, room: Resources) -> bool:
        return not self.lacking(room)
