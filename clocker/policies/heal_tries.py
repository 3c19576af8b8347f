"""How often, and how soon, something that failed is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clocker.model import Healing, HealingSpec


@dataclass(frozen=True, slots=True)
class Patience:
    """``Healing``, with the cloud's word where a container has none of its own."""

    attempts: int
    window: float
    backoff: float
    longest: float

    def counted(self, tries: Sequence[float], now: float) -> tuple[float, ...]:
        """Those that count: what stays well for a whole window begins anew."""
        return tuple(tries) if tries and now - tries[-1] < self.window else ()

    def next_at(self, tries: Sequence[float]) -> float:
        """When the next may be, after these."""
        if not tries:
            return float("-inf")
        return tries[-1] + min(self.backoff * 2.0 ** min(len(tries) - 1, 60), self.longest)


def patience(own: Healing, spec: HealingSpec) -> Patience:
    return Patience(
        spec.attempts if own.attempts is None else own.attempts,
        spec.window_s if own.window_s is None else own.window_s,
        spec.backoff_s if own.backoff_s is None else own.backoff_s,
        spec.backoff_most_s if own.backoff_most_s is None else own.backoff_most_s,
    )
