"""``healing`` of ``clocker.yaml``: its fields, and what they mean."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator

from clocker.config.fields import Count, Duration, Number, Rest, Strict
from clocker.config.problems import Unfit
from clocker.model import HealingSpec


class HealingDocument(Strict):
    looks: Count = Field(default=3, ge=1, le=100)
    silence: Rest = 30.0
    repairs: Count = Field(default=3, ge=0, le=100)
    breaker: Number = Field(default=45.0, ge=0, le=100)
    replace: bool = True
    replace_volumes: bool = False
    strays: str = "adopt"
    attempts: Count = Field(default=5, ge=0, le=1000)
    backoff: Rest = 1.0
    backoff_most: Rest = 60.0
    window: Duration = 300.0

    @field_validator("strays")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in ("adopt", "remove"):
            raise Unfit("must be adopt or remove")
        return value

    @field_validator("window")
    @classmethod
    def _is_longer_than_the_waits(cls, value: float, info: ValidationInfo) -> float:
        """Else what waits for its next restart would begin anew each time, and never be given
        up."""
        longest = info.data.get("backoff_most", 0.0)
        if value <= longest:
            raise Unfit(f"must be above healing.backoff_most, which is {longest:g} s")
        return value

    def model(self) -> HealingSpec:
        return HealingSpec(
            looks=self.looks,
            silence_s=self.silence,
            repairs=self.repairs,
            breaker_share=self.breaker / 100,
            replace=self.replace,
            replace_volumes=self.replace_volumes,
            strays=self.strays,
            attempts=self.attempts,
            window_s=self.window,
            backoff_s=self.backoff,
            backoff_most_s=self.backoff_most,
        )
