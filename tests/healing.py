"""A world in memory in which hosts die, engines stop and containers fail."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from moving import World

from clocker.cloud import HealReport
from clocker.interfaces import Parts
from clocker.model import HealingSpec

QUICK = HealingSpec(looks=2, silence_s=30.0)
"""A host is dead at the second look, half a minute after the first."""


@dataclass
class Clinic(World):
    """``look`` heals once, and lets a minute pass. ``pool``: of its hosts."""

    spec_changes: dict[str, object] = field(default_factory=lambda: {"healing": QUICK})
    pool: dict[str, object] = field(default_factory=lambda: {"count": 3, "maximum": 4})

    def look(self, *fenced: str) -> HealReport:
        report = self.cloud().heal(fenced=fenced)
        self.pass_time(60.0)
        return report

    def looks(self, times: int) -> list[HealReport]:
        return [self.look() for _ in range(times)]

    def pass_time(self, seconds: float) -> None:
        self.first.clock.advance(seconds)  # type: ignore[union-attr]

    def heal_spec(self, **changes: object) -> None:
        self.spec_changes["healing"] = replace(QUICK, **changes)  # type: ignore[arg-type]

    def process(self) -> Parts:
        parts = super().process()
        hosts = replace(parts.spec.hosts, **self.pool)
        return replace(parts, spec=replace(parts.spec, hosts=hosts))

    def end(self, name: str, exit_code: int = 137) -> None:
        """The container's program ends."""
        self.engine(self.place(name)).end(f"test.{name}", exit_code)

    def is_running(self, name: str) -> bool:
        return self.found(name)[self.place(name)].running

    def state(self, name: str) -> str:
        return str(next(c.state for c in self.cloud().list() if c.name == name))


def did(report: HealReport) -> list[tuple[str, str]]:
    assert [item.error for item in report.done if item.error] == []
    return [(item.did, item.subject) for item in report.done]
